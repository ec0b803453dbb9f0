//! A certificate chain with its key.

use std::sync::Arc;

use ringwall_base::Timestamp;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;

use crate::Staple;
use crate::tls::provider;

/// A chain and its key, checked to belong together.
#[derive(Clone, Debug)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    names: Vec<String>,
    expires: Timestamp,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Not PEM, or not the kind that was expected.
    #[error("certificate or key cannot be read")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// The key is of an unknown kind, or it belongs to another certificate.
    #[error("certificate and key cannot be used")]
    Key(#[source] rustls::Error),
    /// The leaf cannot be parsed.
    #[error("certificate cannot be parsed")]
    Leaf,
}

impl Certificate {
    /// From PEM: the chain, leaf first, and its private key.
    ///
    /// # Errors
    /// When either cannot be read or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(CertificateError::Pem)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateError::Pem)?;
        Self::from_der(chain, key)
    }

    /// From DER: the chain, leaf first, and its private key.
    ///
    /// # Errors
    /// When they cannot be read or do not belong together.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let (names, expires) = read(chain.first().ok_or(CertificateError::Leaf)?)?;
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(CertificateError::Key)?;
        Ok(Self { key: Arc::new(key), names, expires })
    }

    /// The self-signed certificate of a TLS-ALPN-01 challenge. It is not checked: its critical
    /// extension (RFC 8737 section 3) is one that no verifier of servers knows.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn of_challenge(
        leaf: CertificateDer<'static>,
        key: &PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let (names, expires) = read(&leaf)?;
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(key);
        let key = CertifiedKey::new(vec![leaf], key.map_err(CertificateError::Key)?);
        Ok(Self { key: Arc::new(key), names, expires })
    }

    /// The DNS names that it is valid for, in lower case; `*.example.com` as written.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// When it stops being good.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The same certificate, with an OCSP answer for clients that ask for one.
    #[must_use]
    pub fn with_staple(&self, staple: &Staple) -> Self {
        let mut key = CertifiedKey::clone(&self.key);
        key.ocsp = Some(staple.response.clone());
        Self { key: Arc::new(key), names: self.names.clone(), expires: self.expires }
    }

    /// The chain in DER, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.key.cert
    }

    pub(crate) fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }
}

/// DNS names and end of a leaf.
type Leaf = (Vec<String>, Timestamp);

fn read(leaf: &CertificateDer<'_>) -> Result<Leaf, CertificateError> {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(leaf) else {
        return Err(CertificateError::Leaf);
    };
    let end = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default();
    let Ok(names) = certificate.subject_alternative_name() else {
        return Err(CertificateError::Leaf);
    };
    let names = names.map(|names| names.value.general_names.iter()).into_iter().flatten();
    let names = names.filter_map(|name| {
        if let GeneralName::DNSName(name) = name { Some(name.to_ascii_lowercase()) } else { None }
    });
    Ok((names.collect(), Timestamp::from_secs(end)))
}
