//! The certificates of the public door: those that a running server shows, or the files.

use ringwall_api::{CertificateState, Status};
use ringwall_base::{Clock as _, SystemClock};
use ringwall_manifest::{CertificateKey, Model};
use ringwall_net::Certificate;

use super::Report;
use crate::command::status::{about, is_good};
use crate::paths::Place;

/// Looks at every certificate.
pub(super) fn all(model: &Model, place: &Place, server: Option<&Status>, report: &mut Report) {
    if let Some(status) = server {
        for certificate in &status.certificates {
            tell(certificate, report);
        }
        return;
    }
    for declared in &model.gateway.tls.certificates {
        // What the key is, a server tells: a secret is not read for a look.
        let CertificateKey::File(key) = &declared.key else { continue };
        let read = |path: &String| std::fs::read(place.folder().join(path));
        let loaded = match (read(&declared.certificate), read(key)) {
            (Ok(chain), Ok(key)) => {
                Certificate::from_pem(&chain, &key).map_err(|error| error.to_string())
            }
            (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
        };
        tell(&state(&declared.certificate, loaded), report);
    }
}

fn tell(certificate: &CertificateState, report: &mut Report) {
    let text = about(certificate);
    if is_good(certificate) {
        report.good("certificates", text);
    } else if certificate.days_left.is_some_and(|days| days > 0) {
        report.warn("certificates", text, "renew it; a running server takes new files by itself");
    } else {
        report.bad("certificates", text, "clients refuse it; renew it, or correct the manifest");
    }
}

fn state(source: &str, loaded: Result<Certificate, String>) -> CertificateState {
    let source = source.to_owned();
    match loaded {
        Ok(certificate) => {
            let left = certificate.expires().since(SystemClock::start().now());
            let days_left = Some(left.as_secs() / 86_400);
            let names = certificate.names().to_vec();
            CertificateState { names, source, days_left, problem: None }
        }
        Err(problem) => {
            CertificateState { source, problem: Some(problem), ..CertificateState::default() }
        }
    }
}
