//! Caddy, from the Python package that carries its binary.

use std::process::Command;

use anyhow::Result;

use super::super::ground::{Running, start as start_server};
use super::super::work::Server;
use super::Asked;
use crate::setup::Peers;

pub(super) fn start(asked: &Asked<'_>) -> Result<Running> {
    let folder = asked.ground.folder.display();
    let (scheme, tls) = if asked.is_tls(Server::Caddy) {
        ("https", format!("  tls {folder}/cert.pem {folder}/key.pem\n"))
    } else {
        ("http", String::new())
    };
    // Any host, and the one certificate whatever name the load generator sends or does not.
    let text = format!(
        "{{\n  admin off\n  auto_https off\n  default_sni bench.localhost\n  fallback_sni bench.localhost\n  storage file_system {folder}/caddy\n}}\n\
         {scheme}://:{} {{\n  bind 127.0.0.1\n{tls}  reverse_proxy 127.0.0.1:{}\n}}\n",
        asked.port, asked.ground.upstream
    );
    let config = asked.file("Caddyfile", &text)?;
    let mut caddy = Command::new(Peers::ensure()?.program("caddy"));
    caddy.env("GOMAXPROCS", "1").env("HOME", &asked.ground.folder);
    caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(config);
    start_server("0", &mut caddy, asked.port)
}
