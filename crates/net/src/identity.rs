//! The certificate that a workload shows, in both directions.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::Certificate;

/// A workload's own certificate. Rotated by [`Identity::replace`]: the next handshake shows the
/// new one, open connections go on.
#[derive(Debug)]
pub struct Identity {
    current: ArcSwap<CertifiedKey>,
}

impl Identity {
    /// Starts with a certificate.
    pub fn new(certificate: &Certificate) -> Arc<Self> {
        Arc::new(Self { current: ArcSwap::new(certificate.key()) })
    }

    /// Shows another certificate from now on.
    pub fn replace(&self, certificate: &Certificate) {
        self.current.store(certificate.key());
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}
