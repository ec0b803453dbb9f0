//! Client certificates at a public door: whom they are believed about, and which are revoked.
//!
//! Fails closed: a chain without a valid CRL of its issuer is refused as soon as there is one CRL.
//! Beside the operator's authorities a door may believe the fleet's own, and take self-signed
//! certificates. Those prove a key and nothing else, and are told apart by their [`Voucher`].
//! What is open when a certificate is revoked is closed, tunnels too: the socket itself is shut.

use std::collections::HashMap;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use ringwall_base::Voucher;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use tokio::net::TcpStream;
use webpki::KeyUsage;

use crate::certificate_of::is_self_issued;
use crate::tls::provider;
use crate::{SpiffeId, Trust};

/// Whose certificates a door takes. Replaced while running.
pub struct Clients {
    is_required: bool,
    beside: Beside,
    algorithms: WebPkiSupportedAlgorithms,
    verifier: ArcSwap<Verifier>,
    /// Grows with each replacement, so that a handshake across one is noticed.
    version: AtomicU64,
    open: Mutex<OpenByNumber>,
    next: AtomicU64,
}

/// Roots in PEM, and the lists of what they revoke.
#[derive(Clone, Copy, Debug)]
pub struct Authorities<'a> {
    /// The roots.
    pub ca: &'a [u8],
    /// Lists in PEM, or one in DER.
    pub crls: Option<&'a [u8]>,
}

/// Whose certificates a door takes beside those of the operator's authorities.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The fleet, for its own workloads.
    pub fleet: Option<Arc<Trust>>,
    /// Whether self-signed ones are taken.
    pub takes_self_signed: bool,
}

/// One set of roots and CRLs; `None` believes nobody.
#[derive(Debug)]
struct Verifier(Option<Arc<dyn ClientCertVerifier>>);

/// A connection whose client showed a certificate.
#[derive(Debug)]
struct Open {
    chain: Vec<CertificateDer<'static>>,
    voucher: Voucher,
    socket: OwnedFd,
}

type OpenByNumber = HashMap<u64, Arc<Open>>;

/// Keeps a connection in the list of those that a revocation closes.
#[derive(Debug)]
pub(crate) struct Watched {
    clients: Arc<Clients>,
    number: u64,
}

/// Why client certificates cannot be checked as told.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// No root: nobody could be believed, which is surely a mistake.
    #[error("no certificate in it")]
    Empty,
    /// Not PEM.
    #[error("it cannot be read")]
    Pem(#[source] rustls_pki_types::pem::Error),
    /// A certificate that can be no root.
    #[error("one of its certificates cannot be a root")]
    Root(#[source] rustls::Error),
    /// A revocation list that cannot be parsed.
    #[error("a revocation list cannot be used")]
    Crl(#[source] rustls::server::VerifierBuilderError),
}

impl Clients {
    /// Believes the roots in `ca` (PEM), except about what the lists in `crls` (PEM, or
    /// one in DER) revoke.
    ///
    /// # Errors
    /// When either cannot be used.
    pub fn new(
        ca: &[u8],
        crls: Option<&[u8]>,
        is_required: bool,
    ) -> Result<Arc<Self>, ClientsError> {
        Self::with(Some(Authorities { ca, crls }), is_required, Beside::default())
    }

    /// As [`Clients::new`], and believes others beside; without authorities only those.
    ///
    /// # Errors
    /// When authorities or lists cannot be used.
    pub fn with(
        authorities: Option<Authorities<'_>>,
        is_required: bool,
        beside: Beside,
    ) -> Result<Arc<Self>, ClientsError> {
        let verifier = match authorities {
            Some(Authorities { ca, crls }) => Verifier::new(ca, crls)?,
            None => Verifier(None),
        };
        Ok(Arc::new(Self {
            is_required,
            beside,
            algorithms: provider().signature_verification_algorithms,
            verifier: ArcSwap::from_pointee(verifier),
            version: AtomicU64::default(),
            open: Mutex::default(),
            next: AtomicU64::default(),
        }))
    }

    /// Whether a client without a certificate is refused.
    pub const fn is_required(&self) -> bool {
        self.is_required
    }

    /// Believes other roots and lists from now on, and closes each open connection whose
    /// certificate would now be refused. Returns how many.
    ///
    /// # Errors
    /// When either cannot be used; then nothing has changed.
    pub fn replace(&self, ca: &[u8], crls: Option<&[u8]>) -> Result<usize, ClientsError> {
        let verifier = Verifier::new(ca, crls)?;
        self.verifier.store(Arc::new(verifier));
        self.version.fetch_add(1, Ordering::SeqCst);
        Ok(self.recheck())
    }

    /// Closes each open connection whose certificate would be refused now, because it or its CRL
    /// has expired meanwhile. Returns how many.
    pub fn recheck(&self) -> usize {
        // Copied: a handshake must not wait until thousands of chains were followed.
        let open: Vec<_> = self.locked().values().map(Arc::clone).collect();
        open.iter().filter(|open| self.shut_unless_good(open)).count()
    }

    /// The version to hand to [`Clients::watch`] after the handshake.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// Who vouches for a certificate now. `None`: nobody who is believed.
    pub(crate) fn voucher(&self, chain: &[CertificateDer<'_>]) -> Option<Voucher> {
        let (leaf, rest) = chain.split_first()?;
        self.vouch(leaf, rest, UnixTime::now()).ok()
    }

    fn vouch(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Voucher, rustls::Error> {
        let refused = match &self.verifier.load().0 {
            Some(verifier) => match verifier.verify_client_cert(leaf, intermediates, now) {
                Ok(_) => return Ok(Voucher::Authority),
                Err(refused) => refused,
            },
            None => CertificateError::UnknownIssuer.into(),
        };
        if let Some(fleet) = &self.beside.fleet
            && let Ok(id) = fleet.verify(leaf, intermediates, now, KeyUsage::client_auth())
        {
            return Ok(Voucher::Fleet(SpiffeId::as_str(&id).to_owned()));
        }
        // One that an authority issued is not let in this way: it may be over, or revoked.
        if self.beside.takes_self_signed && is_self_issued(leaf) {
            return Ok(Voucher::Nobody);
        }
        Err(refused)
    }

    /// Watches a connection whose handshake began at `version`. `None` when it cannot be watched
    /// or was revoked meanwhile: it must be closed.
    pub(crate) fn watch(
        self: &Arc<Self>,
        version: u64,
        (chain, voucher): (&[CertificateDer<'_>], Voucher),
        stream: &TcpStream,
    ) -> Option<Watched> {
        let socket = rustix::io::fcntl_dupfd_cloexec(stream, 0).ok()?;
        let chain = chain.iter().map(|one| one.clone().into_owned()).collect();
        let open = Arc::new(Open { chain, voucher, socket });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.locked().insert(number, Arc::clone(&open));
        let watched = Watched { clients: Arc::clone(self), number };
        let is_stale = self.version() != version;
        if is_stale && self.shut_unless_good(&open) { None } else { Some(watched) }
    }

    fn shut_unless_good(&self, open: &Open) -> bool {
        // What an authority vouched for does not go on as something that nobody vouches for.
        let is_good = self.voucher(&open.chain).is_some_and(|now| now == open.voucher);
        if !is_good {
            // An error says that the connection is gone already.
            rustix::net::shutdown(&open.socket, rustix::net::Shutdown::Both).ok();
        }
        !is_good
    }

    fn locked(&self) -> MutexGuard<'_, OpenByNumber> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verifier {
    fn new(ca: &[u8], crls: Option<&[u8]>) -> Result<Self, ClientsError> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(ca) {
            roots.add(root.map_err(ClientsError::Pem)?).map_err(ClientsError::Root)?;
        }
        if roots.is_empty() {
            return Err(ClientsError::Empty);
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
        if let Some(crls) = crls {
            let crls = read(crls)?;
            if crls.is_empty() {
                return Err(ClientsError::Empty);
            }
            // An old list says nothing about today.
            builder = builder.with_crls(crls).enforce_revocation_expiration();
        }
        // The names of the roots are not told to strangers.
        let verifier = builder.clear_root_hint_subjects().build().map_err(ClientsError::Crl)?;
        Ok(Self(Some(verifier)))
    }
}

/// One list in DER, as authorities publish it (RFC 5280 section 5), or any number in PEM.
fn read(crls: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, ClientsError> {
    if crls.first() == Some(&DER_SEQUENCE) {
        return Ok(vec![CertificateRevocationListDer::from(crls.to_vec())]);
    }
    CertificateRevocationListDer::pem_slice_iter(crls)
        .collect::<Result<_, _>>()
        .map_err(ClientsError::Pem)
}

const DER_SEQUENCE: u8 = 0x30;

impl Drop for Watched {
    fn drop(&mut self) {
        self.clients.locked().remove(&self.number);
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.vouch(leaf, intermediates, now).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("is_required", &self.is_required).finish_non_exhaustive()
    }
}
