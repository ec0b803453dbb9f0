//! TLS of the public door: certificates, versions, client certificates, ACME.

use std::collections::BTreeMap;
use std::time::Duration;

use ringwall_base::Place;

/// TLS of the public door.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tls {
    /// The oldest version that is spoken.
    pub min: TlsVersion,
    /// Certificates that the operator brings; chosen by the names in them.
    pub certificates: Vec<Certificate>,
    /// How long one ticket key is used. `None`: the built-in time.
    pub tickets: Option<Duration>,
    /// Whether OCSP answers are fetched and stapled.
    pub has_ocsp: bool,
    /// Client certificates, for host names without an own rule.
    pub client: Option<ClientCertificates>,
    /// What differs for one host name.
    pub hosts: BTreeMap<String, TlsHost>,
    /// Where it is declared.
    pub place: Place,
}

/// What differs for one host name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TlsHost {
    /// The oldest version; `None`: as for the door.
    pub min: Option<TlsVersion>,
    /// Client certificates; `None`: as for the door.
    pub client: Option<ClientCertificates>,
    /// Where it is declared.
    pub place: Place,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V12,
    /// TLS 1.3.
    V13,
}

/// A certificate that the operator brings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// PEM file with the chain, relative to the manifest's folder.
    pub certificate: String,
    /// Its key.
    pub key: CertificateKey,
}

/// Where a certificate's key is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateKey {
    /// PEM file, relative to the manifest's folder.
    File(String),
    /// Name of a declared secret that holds the PEM text.
    Secret(String),
}

/// Certificates of clients at the public door.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientCertificates {
    /// PEM file with the authorities that issue them, relative to the manifest's folder.
    pub ca: Option<String>,
    /// PEM or DER file with revoked ones, relative to the manifest's folder.
    pub crl: Option<String>,
    /// Whether a client without one is refused.
    pub is_required: bool,
    /// Whether those of the fleet's own services are taken.
    pub takes_workloads: bool,
    /// Whether self-signed ones are taken. They prove a key and nothing else.
    pub takes_self_signed: bool,
}

/// Certificates from an ACME server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Acme {
    /// Its directory.
    pub directory: String,
    /// `mailto:` address for its messages.
    pub contact: Option<String>,
    /// Names to get certificates for: the door's host and aliases unless given.
    pub names: Vec<String>,
    /// How control over a name is shown.
    pub challenge: AcmeChallenge,
    /// PEM file with the root of a private server, relative to the manifest's folder.
    pub ca: Option<String>,
    /// Where it is declared.
    pub place: Place,
}

/// How control over a name is shown (RFC 8555, RFC 8737).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AcmeChallenge {
    /// On the TLS port itself.
    #[default]
    TlsAlpn01,
    /// On the plain port.
    Http01,
}
