//! What an ACME server looks for to see that a name is ours (RFC 8555 section 8.3, RFC 8737).

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use rustls::sign::CertifiedKey;

use crate::Certificate;

/// Open challenges. Written by the ACME client, read by the plain door (HTTP-01) and by TLS
/// handshakes of the public door (TLS-ALPN-01). Empty nearly always.
#[derive(Debug, Default)]
pub struct Challenges {
    open: RwLock<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Key authorizations by token.
    http: HashMap<String, String>,
    /// Certificates with `acmeIdentifier` by name.
    tls: HashMap<String, Arc<CertifiedKey>>,
}

impl Challenges {
    /// Answers HTTP-01: this token with this key authorization.
    pub fn put_http(&self, token: &str, authorization: &str) {
        self.write(|open| open.http.insert(token.to_owned(), authorization.to_owned()));
    }

    /// Answers TLS-ALPN-01 for this name with this certificate.
    pub fn put_tls(&self, name: &str, certificate: &Certificate) {
        self.write(|open| open.tls.insert(name.to_ascii_lowercase(), certificate.key()));
    }

    /// Answers nothing any more.
    pub fn clear(&self) {
        self.write(|open| *open = Open::default());
    }

    /// The body for a request path, if it is one of an open HTTP-01 challenge. Send it as
    /// `application/octet-stream`, whatever host was asked for.
    pub fn http(&self, path: &str) -> Option<String> {
        let token = path.strip_prefix(WELL_KNOWN)?;
        self.open.read().ok()?.http.get(token).cloned()
    }

    /// The certificate for an ACME server that asks for a name.
    pub(crate) fn tls(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        self.open.read().ok()?.tls.get(&name.to_ascii_lowercase()).map(Arc::clone)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Open) -> T) {
        // A poisoned table only fails challenges; the certificate in use stays.
        if let Ok(mut open) = self.open.write() {
            drop(change(&mut open));
        }
    }
}

/// RFC 8555 section 8.3.
const WELL_KNOWN: &str = "/.well-known/acme-challenge/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_an_open_challenge_is_answered() {
        let challenges = Challenges::default();
        let path = "/.well-known/acme-challenge/abc";
        assert_eq!(challenges.http(path), None);
        challenges.put_http("abc", "abc.thumb");
        assert_eq!(challenges.http(path).as_deref(), Some("abc.thumb"));
        for other in ["/.well-known/acme-challenge/", "/.well-known/acme-challenge/abd", "/abc"] {
            assert_eq!(challenges.http(other), None, "{other}");
        }
        challenges.clear();
        assert_eq!(challenges.http(path), None);
    }
}
