//! What a client's certificate says, for those who compare it with what they know.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{AlternativeName, ClientCertificate, RelativeName, Timestamp, Voucher};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::GeneralName;
use x509_parser::x509::X509Name;

/// Reads a certificate; `None` when it cannot be parsed.
pub(crate) fn read(der: &CertificateDer<'_>, voucher: Voucher) -> Option<ClientCertificate> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let names = certificate.subject_alternative_name().ok()?;
    let names = names.map(|names| names.value.general_names.iter()).into_iter().flatten();
    let seconds = |at: i64| Timestamp::from_secs(u64::try_from(at).unwrap_or(0));
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, der).as_ref());
    Some(ClientCertificate {
        voucher,
        sha256,
        subject: certificate.subject().to_string(),
        distinguished_name: relative_names(certificate.subject()).unwrap_or_default(),
        serial: hex(certificate.raw_serial()),
        names: names.filter_map(name).collect(),
        not_before: seconds(certificate.validity().not_before.timestamp()),
        not_after: seconds(certificate.validity().not_after.timestamp()),
    })
}

/// Whether issuer and subject are one: nobody else vouches for it.
pub(crate) fn is_self_issued(der: &CertificateDer<'_>) -> bool {
    x509_parser::parse_x509_certificate(der)
        .is_ok_and(|(_, parsed)| parsed.issuer().as_raw() == parsed.subject().as_raw())
}

fn relative_names(name: &X509Name<'_>) -> Option<Vec<RelativeName>> {
    let step = name.iter_rdn().map(|step| {
        let attribute = step.iter().map(|one| {
            let text = one.attr_value().as_string().ok()?;
            Some((one.attr_type().to_id_string(), text))
        });
        attribute.collect::<Option<RelativeName>>()
    });
    step.collect()
}

fn name(name: &GeneralName<'_>) -> Option<AlternativeName> {
    if let GeneralName::DNSName(text) = name {
        Some(AlternativeName::Dns((*text).to_owned()))
    } else if let GeneralName::RFC822Name(text) = name {
        Some(AlternativeName::Mail((*text).to_owned()))
    } else if let GeneralName::URI(text) = name {
        Some(AlternativeName::Uri((*text).to_owned()))
    } else if let GeneralName::IPAddress(bytes) = name {
        let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
        let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
        Some(AlternativeName::Address(address.ok()?))
    } else {
        None
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
