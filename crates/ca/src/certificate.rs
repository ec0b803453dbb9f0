//! A leaf certificate with its chain and its key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringwall_base::{Secret, Timestamp};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a TLS endpoint needs to show who it is.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Secret<Vec<u8>>,
    pub(crate) serial: [u8; 17],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl Certificate {
    /// The leaf, then the intermediate. The root is not sent: who trusts it has it.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The chain as PEM.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|der| pem(der)).collect()
    }

    /// The private key as PEM.
    pub fn key_pem(&self) -> Secret<String> {
        Secret::new(encapsulated("PRIVATE KEY", self.key.expose()))
    }

    /// The private key, PKCS#8.
    pub fn key(&self) -> &Secret<Vec<u8>> {
        &self.key
    }

    /// The private key in the type that rustls takes.
    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.expose().clone()))
    }

    /// The serial number: a leading 1 (positive, never shorter) and 128 random bits.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Valid from: a little before it was issued, for clocks that are late.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Valid until.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// When to ask for the next one: half of its life is over.
    pub fn renew_at(&self) -> Timestamp {
        self.not_before.plus(self.not_after.since(self.not_before) / 2)
    }
}

/// RFC 7468 text of one certificate.
pub(crate) fn pem(der: &[u8]) -> String {
    encapsulated("CERTIFICATE", der)
}

fn encapsulated(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    // 48 bytes are 64 characters, the line length of RFC 7468 section 2.
    for line in der.chunks(48) {
        text.push_str(&STANDARD.encode(line));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}
