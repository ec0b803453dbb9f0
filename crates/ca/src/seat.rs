//! A certificate that issues, with its key: what a root and an intermediate have in common.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rcgen::{Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use ringwall_base::{Entropy, Secret, Timestamp};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::profile::Frame;
use crate::{IssueError, LoadError};

/// A certificate that issues, with its key.
pub(crate) struct Seat {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Seat {
    pub(crate) fn new(
        der: CertificateDer<'static>,
        key: KeyPair,
        frame: &Frame,
    ) -> Result<Self, IssueError> {
        let issuer = Issuer::from_ca_cert_der(&der, key)?;
        Ok(Self { der, issuer, from: frame.not_before, until: frame.not_after })
    }

    pub(crate) fn load(
        which: &'static str,
        der: &[u8],
        key: &Secret<Vec<u8>>,
    ) -> Result<Self, LoadError> {
        let malformed = LoadError::Malformed { which };
        let parsed = parse(which, der)?;
        let pkcs8 = PrivatePkcs8KeyDer::from(key.expose().as_slice());
        let Ok(key) = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P256_SHA256) else {
            return Err(malformed);
        };
        if key.der_bytes() != parsed.public_key().subject_public_key.data.as_ref() {
            return Err(LoadError::Key { which });
        }
        let seconds = |at: i64| Timestamp::from_secs(u64::try_from(at).unwrap_or(0));
        let validity = parsed.validity();
        let (from, until) =
            (seconds(validity.not_before.timestamp()), seconds(validity.not_after.timestamp()));
        let der = CertificateDer::from(der.to_vec());
        match Issuer::from_ca_cert_der(&der, key) {
            Ok(issuer) => Ok(Self { der, issuer, from, until }),
            Err(_) => Err(malformed),
        }
    }

    pub(crate) fn key(&self) -> Secret<Vec<u8>> {
        Secret::new(self.issuer.key().serialize_der())
    }

    /// The frame of something below this certificate: it never outlives it.
    pub(crate) fn frame(
        &self,
        now: Timestamp,
        life: Duration,
        entropy: &dyn Entropy,
    ) -> Result<Frame, IssueError> {
        if now < self.from || now >= self.until {
            return Err(IssueError::Expired { from: self.from, until: self.until, now });
        }
        let mut frame = frame(now, life, entropy)?;
        frame.not_before = frame.not_before.max(self.from);
        frame.not_after = frame.not_after.min(self.until);
        Ok(frame)
    }
}

pub(crate) fn frame(
    now: Timestamp,
    life: Duration,
    entropy: &dyn Entropy,
) -> Result<Frame, IssueError> {
    let mut serial = [1_u8; 17];
    let (_, random) = serial.split_at_mut(1);
    entropy.fill(random).map_err(IssueError::Entropy)?;
    Ok(Frame { serial, not_before: now.minus(SKEW), not_after: now.plus(life) })
}

pub(crate) fn check_chain(root: &[u8], intermediate: &[u8]) -> Result<(), LoadError> {
    let root = parse("root certificate", root)?;
    let intermediate = parse("intermediate certificate", intermediate)?;
    let key = &root.public_key().subject_public_key.data;
    let signature = &intermediate.signature_value.data;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
        .verify(intermediate.tbs_certificate.as_ref(), signature)
        .map_err(|aws_lc_rs::error::Unspecified| LoadError::Chain)
}

fn parse<'d>(which: &'static str, der: &'d [u8]) -> Result<X509Certificate<'d>, LoadError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) | Err(_) => Err(LoadError::Malformed { which }),
    }
}

/// Certificates are valid from five minutes ago: the clocks of a fleet differ.
const SKEW: Duration = Duration::from_mins(5);
