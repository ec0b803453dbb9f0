//! A client's certificate, as the transport read it.

use std::net::IpAddr;

use crate::Timestamp;

/// A certificate whose key the other end of a connection has. Only the transport makes one: what a
/// header says of a certificate never becomes this.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientCertificate {
    /// Who says that it is true.
    pub voucher: Voucher,
    /// SHA-256 of the whole certificate in DER.
    pub sha256: [u8; 32],
    /// The subject for people, as in `CN=kiosk 7, O=Shop`.
    pub subject: String,
    /// The subject for comparison; empty if a part of it is no text.
    pub distinguished_name: Vec<RelativeName>,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// The subject's alternative names of the kinds that we know.
    pub names: Vec<AlternativeName>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
}

/// One step of a distinguished name: its attributes, each an object id in dots and a text.
pub type RelativeName = Vec<(String, String)>;

/// Who vouches for a client's certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Voucher {
    /// An authority that the operator named for this door.
    Authority,
    /// The fleet's own authority; the SPIFFE id of the workload.
    Fleet(String),
    /// Nobody: it is self-signed.
    Nobody,
}

/// An alternative name (RFC 5280 section 4.2.1.6).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum AlternativeName {
    /// `iPAddress`.
    Address(IpAddr),
    /// `dNSName`.
    Dns(String),
    /// `rfc822Name`.
    Mail(String),
    /// `uniformResourceIdentifier`.
    Uri(String),
}
