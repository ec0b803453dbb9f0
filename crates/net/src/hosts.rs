//! How a public door speaks TLS, by the name that the client asks for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};

use crate::tls::{VERSIONS, provider};
use crate::{Certificates, Challenges, Clients, Tickets, TlsError};

/// The oldest version that is spoken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MinVersion {
    /// TLS 1.2, with AEAD ciphers and forward secrecy only.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// How one name is served.
#[derive(Clone, Debug, Default)]
pub struct HostTls {
    /// The oldest version.
    pub min: MinVersion,
    /// Whose certificates are asked for; `None` asks for none.
    pub clients: Option<Arc<Clients>>,
}

/// All names of a public door. Replaced while running.
#[derive(Debug)]
pub struct Hosts {
    certificates: Arc<Certificates>,
    challenges: Arc<Challenges>,
    tickets: Arc<Tickets>,
    /// For TLS 1.2 clients without tickets. Outlives a replacement, as tickets do.
    sessions: Arc<dyn StoresServerSessions>,
    table: ArcSwap<Table>,
}

#[derive(Debug)]
struct Table {
    default: Host,
    /// `*.example.com` as written.
    names: HashMap<String, Host>,
}

#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) clients: Option<Arc<Clients>>,
}

/// What a client's first message asks for.
#[derive(Debug)]
pub(crate) enum Choice {
    /// To be served so.
    Serve(Host),
    /// An ACME server: it gets its certificate and nothing else.
    Challenge(Arc<ServerConfig>),
    /// A name that nothing is known about.
    Unknown,
}

impl Hosts {
    /// All names are served as `default` says, except those in `names`.
    ///
    /// # Errors
    /// When the backend refuses.
    pub fn new(
        certificates: Arc<Certificates>,
        challenges: Arc<Challenges>,
        tickets: Arc<Tickets>,
        default: &HostTls,
        names: &BTreeMap<String, HostTls>,
    ) -> Result<Arc<Self>, TlsError> {
        let sessions = ServerSessionMemoryCache::new(SESSIONS_MAX);
        let parts = Parts { certificates, tickets, sessions };
        let table = ArcSwap::from_pointee(parts.table(default, names)?);
        let Parts { certificates, tickets, sessions } = parts;
        Ok(Arc::new(Self { certificates, challenges, tickets, sessions, table }))
    }

    /// Serves names differently from now on.
    ///
    /// # Errors
    /// When the backend refuses; then nothing has changed.
    pub fn replace(
        &self,
        default: &HostTls,
        names: &BTreeMap<String, HostTls>,
    ) -> Result<(), TlsError> {
        let parts = Parts {
            certificates: Arc::clone(&self.certificates),
            tickets: Arc::clone(&self.tickets),
            sessions: Arc::clone(&self.sessions),
        };
        self.table.store(Arc::new(parts.table(default, names)?));
        Ok(())
    }

    pub(crate) fn choose(&self, hello: &ClientHello<'_>) -> Choice {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        // RFC 8737 section 3: only the protocol's own name is offered then.
        let is_acme = hello.alpn().is_some_and(|mut offered| offered.any(|one| one == ACME));
        if is_acme {
            let key = name.as_deref().and_then(|name| self.challenges.tls(name));
            let config = key.and_then(|key| challenge(key).ok());
            return config.map_or(Choice::Unknown, Choice::Challenge);
        }
        if self.certificates.knows(name.as_deref()) {
            Choice::Serve(self.table.load().find(name.as_deref()).clone())
        } else {
            Choice::Unknown
        }
    }

    /// Whether requests for `host` may come over a connection that was made under `clients`.
    pub(crate) fn covers(&self, clients: Option<&Arc<Clients>>, host: &str) -> bool {
        let table = self.table.load();
        match (&table.find(Some(host)).clients, clients) {
            (None, None) => true,
            (Some(now), Some(then)) => Arc::ptr_eq(now, then),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

struct Parts {
    certificates: Arc<Certificates>,
    tickets: Arc<Tickets>,
    sessions: Arc<dyn StoresServerSessions>,
}

impl Parts {
    fn table(
        &self,
        default: &HostTls,
        names: &BTreeMap<String, HostTls>,
    ) -> Result<Table, TlsError> {
        let named =
            names.iter().map(|(name, tls)| Ok((name.to_ascii_lowercase(), self.host(tls)?)));
        Ok(Table { default: self.host(default)?, names: named.collect::<Result<_, TlsError>>()? })
    }

    fn host(&self, tls: &HostTls) -> Result<Host, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(tls.min.versions())?;
        let certificates = Arc::<Certificates>::clone(&self.certificates);
        let builder = match &tls.clients {
            Some(clients) => builder.with_client_cert_verifier(Arc::<Clients>::clone(clients)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(certificates);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if tls.clients.is_some() {
            // A resumed session is not verified again: it would outlive a revocation.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else {
            config.session_storage = Arc::clone(&self.sessions);
            config.ticketer = Arc::<Tickets>::clone(&self.tickets);
            // A client that resumes gets a new one each time; a second costs a seal in every handshake.
            config.send_tls13_tickets = 1;
        }
        Ok(Host { config: Arc::new(config), clients: tls.clients.clone() })
    }
}

impl Table {
    fn find(&self, name: Option<&str>) -> &Host {
        let named = name.filter(|_| !self.names.is_empty()).and_then(|name| {
            self.names.get(name).or_else(|| {
                let (_, parent) = name.split_once('.')?;
                self.names.get(&format!("*.{parent}"))
            })
        });
        named.unwrap_or(&self.default)
    }
}

impl MinVersion {
    const fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => VERSIONS,
            Self::Tls13 => NEWEST,
        }
    }
}

/// A configuration for one handshake: it shows the certificate of a challenge.
fn challenge(key: Arc<CertifiedKey>) -> Result<Arc<ServerConfig>, TlsError> {
    #[derive(Debug)]
    struct One(Arc<CertifiedKey>);
    impl ResolvesServerCert for One {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(One(key)));
    config.alpn_protocols = vec![ACME.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

const NEWEST: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// RFC 8737 section 6.2.
const ACME: &[u8] = b"acme-tls/1";

/// TLS 1.2 sessions kept for clients without tickets.
const SESSIONS_MAX: usize = 4_096;
