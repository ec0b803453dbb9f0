//! Which client a connection's certificate proves (RFC 8705 section 2). The certificate is the one of
//! the TLS handshake; what a header says of one is never looked at (attacks C10, D7).

use ringwall_base::{ClientCertificate, Timestamp, Voucher};
use ringwall_jose::base64url_encode;

use crate::certificates::CertificateName;
use crate::clients::{Access, Client};

/// Refuses a certificate that does not prove this client, with the reason for the record.
pub(crate) fn certificate(
    client: &Client,
    shown: Option<&ClientCertificate>,
    now: Timestamp,
) -> Result<(), &'static str> {
    let shown = shown.ok_or("no certificate")?;
    // A connection may outlive the certificate that it began with.
    if now < shown.not_before || now >= shown.not_after {
        return Err("the certificate is not valid now");
    }
    match &client.settings.access {
        Access::Certificate(name) => named(name, shown),
        Access::SelfSigned(hashes) => {
            let hash = base64url_encode(shown.sha256);
            let is_known = hashes.contains(&hash);
            if is_known { Ok(()) } else { Err("not the registered certificate") }
        }
        Access::Workload => workload(&client.settings.id, shown),
        _ => Err("not the registered method"),
    }
}

fn named(name: &CertificateName, shown: &ClientCertificate) -> Result<(), &'static str> {
    match (&shown.voucher, name) {
        (Voucher::Nobody, _) => return Err("nobody vouches for the certificate"),
        // All workloads have one subject, and no name but their id.
        (Voucher::Fleet(_), CertificateName::Uri(_)) | (Voucher::Authority, _) => {}
        (Voucher::Fleet(_), _) => return Err("a workload is known by its URI only"),
    }
    if name.is_of(shown) { Ok(()) } else { Err("the certificate has another name") }
}

/// The fleet's authority vouches for no other trust domain than its own.
fn workload(service: &str, shown: &ClientCertificate) -> Result<(), &'static str> {
    let Voucher::Fleet(id) = &shown.voucher else {
        return Err("the certificate is not the fleet's");
    };
    let path = id.strip_prefix("spiffe://").and_then(|rest| rest.split_once('/'));
    let named = path.and_then(|(_fleet, path)| path.strip_prefix("service/"));
    if named == Some(service) { Ok(()) } else { Err("the certificate is another service's") }
}
