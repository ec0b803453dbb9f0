//! TLS configurations: one backend, versions 1.2 and 1.3, the hybrid key exchange preferred.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::ServerName;

use crate::trust::{AskClient, ExpectServer};
use crate::{Certificates, Challenges, HostTls, Hosts, Identity, SpiffeId, Tickets, Trust};

/// How a door speaks TLS.
#[derive(Clone, Debug)]
pub struct ServerTls(pub(crate) How);

#[derive(Clone, Debug)]
pub(crate) enum How {
    /// The same for all clients.
    Always(Arc<ServerConfig>),
    /// By the name that the client asks for.
    ByName(Arc<Hosts>),
}

/// How an upstream is spoken to over TLS.
#[derive(Clone, Debug)]
pub struct ClientTls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// Why a configuration cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The backend refuses it.
    #[error("TLS cannot be configured")]
    Config(#[from] rustls::Error),
    /// The system gives no randomness.
    #[error("no randomness for ticket keys")]
    Randomness,
}

impl ServerTls {
    /// For the public: certificates by name, HTTP/2 and HTTP/1.1, session tickets.
    ///
    /// # Errors
    /// When the backend refuses.
    pub fn edge(certificates: Arc<Certificates>) -> Result<Self, TlsError> {
        let (challenges, tickets) = (Arc::new(Challenges::default()), Tickets::new(TICKETS)?);
        let hosts = Hosts::new(
            certificates,
            challenges,
            tickets,
            &HostTls::default(),
            &BTreeMap::default(),
        )?;
        Ok(Self::by_name(hosts))
    }

    /// For the public, each name with rules of its own.
    pub const fn by_name(hosts: Arc<Hosts>) -> Self {
        Self(How::ByName(hosts))
    }

    /// For workloads: shows `identity`, asks for a certificate that `trust` vouches for. HTTP/2 and
    /// HTTP/1.1.
    ///
    /// # Errors
    /// When the backend refuses.
    pub fn mutual(identity: Arc<Identity>, trust: Arc<Trust>) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)?
            .with_client_cert_verifier(Arc::new(AskClient { trust }))
            .with_cert_resolver(identity);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // A resumed session is not verified again: it would outlive the root that vouched for it.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self(How::Always(Arc::new(config))))
    }
}

impl ClientTls {
    /// To a workload: shows `identity`, accepts only `expected`.
    ///
    /// # Errors
    /// When the backend refuses.
    pub fn mutual(
        identity: Arc<Identity>,
        trust: Arc<Trust>,
        expected: SpiffeId,
    ) -> Result<Self, TlsError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(ExpectServer { trust, expected }))
            .with_client_cert_resolver(identity);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        // The id decides: no host name is sent, and what stands for one is looked at by nobody.
        let nobody = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
        config.enable_sni = false;
        Ok(Self { config: Arc::new(config), name: ServerName::IpAddress(nobody.into()) })
    }
}

/// The one cryptographic backend. Its groups begin with X25519MLKEM768 (`prefer-post-quantum`).
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

pub(crate) const VERSIONS: &[&SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// Where nobody says how often ticket keys turn.
const TICKETS: Duration = Duration::from_hours(12);
