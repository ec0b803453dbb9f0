//! The certificates of a public listener, chosen by the name that the client asks for.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::Certificate;

/// Certificates by name. Replaced whole while connections go on.
#[derive(Debug, Default)]
pub struct Certificates {
    table: ArcSwap<Table>,
}

#[derive(Debug, Default)]
struct Table {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By what follows the `*.`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
}

impl Certificates {
    /// Replaces all certificates at once. Of two for the same name the later one is used.
    ///
    /// `default` answers a client that names no host, and only such a client: a wrong name never
    /// gets a certificate.
    pub fn replace(&self, certificates: &[Certificate], default: Option<&Certificate>) {
        let mut table = Table { default: default.map(Certificate::key), ..Table::default() };
        for certificate in certificates {
            for name in certificate.names() {
                match name.strip_prefix("*.") {
                    Some(parent) => table.wildcard.insert(parent.to_owned(), certificate.key()),
                    None => table.exact.insert(name.clone(), certificate.key()),
                };
            }
        }
        self.table.store(Arc::new(table));
    }

    /// Whether there is a certificate for a client that asks for `name` (in lower case).
    pub(crate) fn knows(&self, name: Option<&str>) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let table = self.table.load();
        let Some(name) = name else {
            return table.default.clone();
        };
        // rustls has lowered the case. RFC 6125 section 6.4.3: a star stands for one label.
        let found = table.exact.get(name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            table.wildcard.get(parent)
        });
        found.cloned()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match hello.server_name() {
            Some(name) => self.find(Some(&name.to_ascii_lowercase())),
            None => self.find(None),
        }
    }
}
