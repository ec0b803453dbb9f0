//! What each kind of certificate contains. One function per kind.

use std::net::Ipv6Addr;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints, SanType,
    SerialNumber,
};
use ringwall_base::Timestamp;
use time::OffsetDateTime;

use crate::{Host, IssueError, SpiffeId};

/// The part of a certificate that is the same in all kinds.
pub(crate) struct Frame {
    /// One byte 1 and 128 random bits.
    pub(crate) serial: [u8; 17],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

/// A self-signed root. It signs intermediates only.
pub(crate) fn root(frame: &Frame, name: &str, permitted: &[String]) -> CertificateParams {
    let mut params = authority(frame, &format!("{name} root"), 1);
    params.name_constraints = constraints(permitted);
    params
}

/// An intermediate below the root. It signs leaves only.
pub(crate) fn intermediate(frame: &Frame, name: &str, permitted: &[String]) -> CertificateParams {
    let mut params = authority(frame, &format!("{name} intermediate"), 0);
    params.name_constraints = constraints(permitted);
    params.use_authority_key_identifier_extension = true;
    params
}

/// A server, by its host names.
pub(crate) fn server(frame: &Frame, hosts: &[Host]) -> Result<CertificateParams, IssueError> {
    let mut params = leaf(frame);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for host in hosts {
        params.subject_alt_names.push(match host {
            Host::Address(address) => SanType::IpAddress(*address),
            Host::Name(name) => SanType::DnsName(ia5(name)?),
        });
    }
    Ok(params)
}

/// A workload, by its SPIFFE ID (X509-SVID standard): exactly one URI name, no other.
pub(crate) fn workload(frame: &Frame, id: &SpiffeId) -> Result<CertificateParams, IssueError> {
    let mut params = leaf(frame);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params.subject_alt_names = vec![SanType::URI(ia5(id.as_str())?)];
    Ok(params)
}

fn authority(frame: &Frame, common_name: &str, below: u8) -> CertificateParams {
    let mut params = base(frame);
    // The serial is part of the name: two authorities of one name would confuse chain building
    // while an old intermediate is still in use.
    let [_, a, b, c, d, ..] = frame.serial;
    let tail = u32::from_be_bytes([a, b, c, d]);
    params.distinguished_name.push(DnType::CommonName, format!("{common_name} {tail:08x}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Without a common name: OpenSSL reads one as a host name where the SAN has none, and then applies
/// the authority's constraints to it.
fn leaf(frame: &Frame) -> CertificateParams {
    let mut params = base(frame);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

fn base(frame: &Frame) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&frame.serial));
    params.not_before = date(frame.not_before);
    params.not_after = date(frame.not_after);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Ringwall");
    params
}

/// DNS names below `permitted`, and loopback addresses. Not URIs: rustls-webpki refuses every chain
/// with a URI constraint, and a workload's trust domain is checked by the verifier itself.
fn constraints(permitted: &[String]) -> Option<NameConstraints> {
    if permitted.is_empty() {
        return None;
    }
    let names = permitted.iter().cloned().map(GeneralSubtree::DnsName);
    let loopback = [
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128)),
    ];
    let permitted_subtrees = names.chain(loopback).collect();
    Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() })
}

/// Certificates count whole seconds.
fn date(at: Timestamp) -> OffsetDateTime {
    i64::try_from(at.secs())
        .ok()
        .and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn ia5(text: &str) -> Result<Ia5String, IssueError> {
    Ok(Ia5String::try_from(text)?)
}
