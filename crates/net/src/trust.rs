//! Who is believed: the roots of one trust domain, and the two verifiers that use them.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use crate::tls::provider;
use crate::{SpiffeError, SpiffeId};

/// The roots that vouch for the workloads of one trust domain. Replaced while running.
#[derive(Debug)]
pub struct Trust {
    domain: String,
    anchors: ArcSwap<Vec<TrustAnchor<'static>>>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No root in it: nobody could be believed, which is surely a mistake.
    #[error("bundle has no certificate")]
    Empty,
    /// Not PEM.
    #[error("bundle cannot be read")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// One of its certificates cannot be a root.
    #[error("certificate in the bundle cannot be a root")]
    Root(#[source] webpki::Error),
}

impl Trust {
    /// Believes the roots of `bundle` (PEM) about ids in `domain`.
    ///
    /// # Errors
    /// When the bundle cannot be read.
    pub fn new(domain: &str, bundle: &[u8]) -> Result<Arc<Self>, TrustError> {
        let anchors = read(bundle)?;
        Ok(Arc::new(Self {
            domain: domain.to_owned(),
            anchors: ArcSwap::from_pointee(anchors),
            algorithms: provider().signature_verification_algorithms,
        }))
    }

    /// Believes other roots from now on.
    ///
    /// # Errors
    /// When the bundle cannot be read; the old roots stay.
    pub fn replace(&self, bundle: &[u8]) -> Result<(), TrustError> {
        self.anchors.store(Arc::new(read(bundle)?));
        Ok(())
    }

    /// Follows the chain to a root, then reads the one id that the leaf carries.
    pub(crate) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        usage: KeyUsage,
    ) -> Result<SpiffeId, rustls::Error> {
        let end = EndEntityCert::try_from(leaf).map_err(|error| refuse(&error))?;
        end.verify_for_usage(
            self.algorithms.all,
            &self.anchors.load(),
            intermediates,
            now,
            usage,
            None,
            None,
        )
        .map_err(|error| refuse(&error))?;
        let id = SpiffeId::of_certificate(leaf).map_err(other)?;
        if id.trust_domain() == self.domain {
            Ok(id)
        } else {
            // A root of this domain must not vouch for another one.
            Err(CertificateError::NotValidForName.into())
        }
    }
}

/// Asks a client for a certificate of the trust domain.
#[derive(Debug)]
pub(crate) struct AskClient {
    pub(crate) trust: Arc<Trust>,
}

impl ClientCertVerifier for AskClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.trust.verify(leaf, intermediates, now, KeyUsage::client_auth())?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.trust.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.trust.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms.supported_schemes()
    }
}

/// Accepts one server: the one with the expected id. DNS names do not matter.
#[derive(Debug)]
pub(crate) struct ExpectServer {
    pub(crate) trust: Arc<Trust>,
    pub(crate) expected: SpiffeId,
}

impl ServerCertVerifier for ExpectServer {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let id = self.trust.verify(leaf, intermediates, now, KeyUsage::server_auth())?;
        if id == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.trust.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.trust.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms.supported_schemes()
    }
}

fn read(bundle: &[u8]) -> Result<Vec<TrustAnchor<'static>>, TrustError> {
    let roots = CertificateDer::pem_slice_iter(bundle)
        .collect::<Result<Vec<_>, _>>()
        .map_err(TrustError::Pem)?;
    if roots.is_empty() {
        return Err(TrustError::Empty);
    }
    roots
        .iter()
        .map(|root| webpki::anchor_from_trusted_cert(root).map(|anchor| anchor.to_owned()))
        .collect::<Result<_, _>>()
        .map_err(TrustError::Root)
}

/// Tells the peer what it can act on; the rest looks alike.
fn refuse(error: &webpki::Error) -> rustls::Error {
    use webpki::Error;
    if matches!(error, Error::CertExpired { .. }) {
        CertificateError::Expired.into()
    } else if matches!(error, Error::CertNotValidYet { .. }) {
        CertificateError::NotValidYet.into()
    } else if matches!(error, Error::UnknownIssuer) {
        CertificateError::UnknownIssuer.into()
    } else {
        CertificateError::BadEncoding.into()
    }
}

fn other(error: SpiffeError) -> rustls::Error {
    CertificateError::Other(rustls::OtherError(Arc::new(error))).into()
}
