//! A passkey's device of our own, to say whatever a test wants said.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

pub(crate) const UP: u8 = 1;
pub(crate) const UV: u8 = 4;
pub(crate) const BE: u8 = 8;
pub(crate) const BS: u8 = 16;
pub(crate) const AT: u8 = 64;

pub(crate) struct Device(EcdsaKeyPair);

impl Device {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    /// ES256 as COSE.
    pub(crate) fn key(&self) -> Vec<u8> {
        let point = self.0.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat()
    }

    pub(crate) fn sign(&self, authenticator_data: &[u8], client_data: &str) -> Vec<u8> {
        let hash = digest(&SHA256, client_data.as_bytes());
        let signed = [authenticator_data, hash.as_ref()].concat();
        self.0.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec()
    }
}

/// The fixed head.
pub(crate) fn head(rp_id: &str, flags: u8, counter: u32) -> Vec<u8> {
    let hash = digest(&SHA256, rp_id.as_bytes());
    [hash.as_ref(), &[flags], &counter.to_be_bytes()].concat()
}

/// With a new credential of this id and key.
pub(crate) fn attested(flags: u8, id: &[u8], key: &[u8]) -> Vec<u8> {
    attested_at("shop.example", flags, id, key)
}

/// The same for another host.
pub(crate) fn attested_at(rp_id: &str, flags: u8, id: &[u8], key: &[u8]) -> Vec<u8> {
    let length = u16::try_from(id.len()).unwrap().to_be_bytes();
    [&head(rp_id, flags | AT, 0)[..], &[7; 16], &length, id, key].concat()
}

/// In an attestation object without attestation.
pub(crate) fn object(data: &[u8]) -> Vec<u8> {
    [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData", &bytes(data)[..]].concat()
}

/// As CBOR.
pub(crate) fn bytes(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let head = match data.len() {
        0..24 => vec![0x40 | length[1]],
        24..256 => vec![0x58, length[1]],
        _ => vec![0x59, length[0], length[1]],
    };
    [&head, data].concat()
}

pub(crate) fn client_data(kind: &str, challenge: &str, origin: &str) -> String {
    format!(
        r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#
    )
}
