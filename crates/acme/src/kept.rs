//! A certificate with its key, as it is kept: one PEM text.

use instant_acme::CertificateIdentifier;
use ringwall_base::Timestamp;
use ringwall_net::Certificate;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, Der};
use x509_parser::extensions::ParsedExtension;

use crate::schedule::Life;
use crate::{AcmeError, Record};

/// The last good certificate.
#[derive(Clone, Debug)]
pub struct Kept {
    certificate: Certificate,
    pem: Record,
    life: Life,
    /// RFC 9773 section 4.1: key identifier of the issuer and serial number.
    id: Option<CertificateIdentifier<'static>>,
}

impl Kept {
    /// From the key and the chain, leaf first, in one PEM text.
    pub(crate) fn read(pem: Record) -> Result<Self, AcmeError> {
        let certificate = Certificate::from_pem(pem.expose(), pem.expose())?;
        let leaf = CertificateDer::from_pem_slice(pem.expose());
        let Some(leaf) = leaf.ok() else {
            return Err(AcmeError::Useless("no certificate in it"));
        };
        let Ok((_, parsed)) = x509_parser::parse_x509_certificate(&leaf) else {
            return Err(AcmeError::Useless("it cannot be parsed"));
        };
        let validity = parsed.validity();
        let life = Life {
            begin: timestamp(validity.not_before.timestamp()),
            end: timestamp(validity.not_after.timestamp()),
        };
        let id = parsed.iter_extensions().find_map(|extension| {
            if let ParsedExtension::AuthorityKeyIdentifier(found) = extension.parsed_extension() {
                let (issuer, serial) = (found.key_identifier.as_ref()?.0, parsed.raw_serial());
                let id =
                    CertificateIdentifier::new(Der::from_slice(issuer), Der::from_slice(serial));
                Some(id.into_owned())
            } else {
                None
            }
        });
        Ok(Self { certificate, pem, life, id })
    }

    /// Refuses what a client would refuse.
    pub(crate) fn check(self, names: &[String], now: Timestamp) -> Result<Self, AcmeError> {
        if self.life.end <= now {
            return Err(AcmeError::Useless("it has expired"));
        }
        if self.covers(names) { Ok(self) } else { Err(AcmeError::Useless("a name is missing")) }
    }

    /// What handshakes show.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// When it stops being good.
    pub const fn expires(&self) -> Timestamp {
        self.life.end
    }

    /// Whether each of these names is in it.
    pub(crate) fn covers(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.certificate.names().contains(name))
    }

    pub(crate) const fn pem(&self) -> &Record {
        &self.pem
    }

    pub(crate) const fn life(&self) -> Life {
        self.life
    }

    pub(crate) const fn id(&self) -> Option<&CertificateIdentifier<'static>> {
        self.id.as_ref()
    }
}

fn timestamp(secs: i64) -> Timestamp {
    Timestamp::from_secs(u64::try_from(secs).unwrap_or_default())
}
