//! The servers under test, each started on a free loopback port of core 0.

mod caddy;
mod envoy;
mod haproxy;
pub(super) mod nginx;
mod oidc_provider;
mod ringwall;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::ground::{Ground, Running, free_port};
use super::tokens::Tokens;
use super::work::{Server, Work};

/// A running front.
pub(crate) struct Front {
    pub(super) server: Server,
    pub(super) work: Work,
    port: u16,
    headers: Vec<String>,
    url: String,
    script: Option<PathBuf>,
    tokens: Option<Tokens>,
    running: Running,
}

impl Front {
    /// Starts a front and waits until it accepts. `tokens` are there where the work has tokens.
    pub(crate) fn start(
        (server, work): (Server, Work),
        ground: &Ground,
        tokens: Option<&Tokens>,
    ) -> Result<Self> {
        let port = free_port()?;
        let asked = Asked { work, ground, port, tokens };
        let running = match server {
            Server::Caddy => caddy::start(&asked)?,
            Server::Envoy => envoy::start(&asked)?,
            Server::Haproxy => haproxy::start(&asked)?,
            Server::Nginx => nginx::start(&asked)?,
            Server::OidcProvider => return oidc_provider::front(&asked),
            Server::Ringwall => return ringwall::front(&asked),
        };
        let script = tokens.filter(|_| work.has_token()).map(|tokens| tokens.script().to_owned());
        Ok(Self {
            server,
            work,
            port,
            headers: Vec::new(),
            url: asked.url(server, "127.0.0.1"),
            script,
            tokens: None,
            running,
        })
    }

    /// The contender's name in the results.
    pub(crate) fn name(&self) -> String {
        let name = self.server.name();
        match (self.work, self.server) {
            (Work::Secured | Work::FirstSight | Work::Crowded, Server::Ringwall) => {
                format!("{name} (all on, TLS)")
            }
            (Work::Secured | Work::FirstSight, _) => format!("{name} (JWT, no TLS)"),
            (work, Server::Ringwall) if work.is_identity() => format!("{name} (TLS, audit)"),
            _ => name.to_owned(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The tokens that were issued here.
    pub(crate) const fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// A `wrk` script, where a plain GET will not do.
    pub(crate) fn script(&self) -> Option<&Path> {
        self.script.as_deref()
    }

    pub(crate) fn headers(&self) -> &[String] {
        &self.headers
    }
}

/// What a front is asked to be.
struct Asked<'a> {
    work: Work,
    ground: &'a Ground,
    port: u16,
    tokens: Option<&'a Tokens>,
}

impl Asked<'_> {
    fn is_tls(&self, server: Server) -> bool {
        self.work.is_tls(server)
    }

    fn url(&self, server: Server, host: &str) -> String {
        let scheme = if self.is_tls(server) { "https" } else { "http" };
        format!("{scheme}://{host}:{}{}", self.port, self.work.path())
    }

    /// Writes a file for this front and returns its path.
    fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.ground.folder.join(format!("{}-{name}", self.port));
        fs::write(&path, text)?;
        Ok(path)
    }
}
