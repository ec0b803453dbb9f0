//! Ringwall, with the manifest that the work needs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::super::ground::{Ground, start};
use super::super::tokens::{Tokens, post_script};
use super::super::work::{Server, Work};
use super::{Asked, Front};
use crate::shell::read;

pub(super) fn front(asked: &Asked<'_>) -> Result<Front> {
    let (work, ground, port) = (asked.work, asked.ground, asked.port);
    let folder = ground.folder.join(format!("ringwall-{port}"));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("ringwall.toml"), manifest(asked))?;
    let needs_program = work.has_token() || work == Work::Token;
    let secret = if needs_program { Some(register(ground, &folder)?) } else { None };
    let mut serve = Command::new(&ground.ringwall);
    serve.current_dir(&folder);
    serve.args(["serve", "--workers", "1", "--listen", &format!("127.0.0.1:{port}")]);
    if asked.is_tls(Server::Ringwall) {
        // The load generator names no host, and only a certificate from a file answers that.
        serve.arg("--certificate").arg(ground.folder.join("cert.pem"));
        serve.arg("--key").arg(ground.folder.join("key.pem"));
    } else {
        serve.arg("--danger-plain-http");
    }
    let running = start("0", &mut serve, port)?;
    let (mut script, mut tokens) = (None, None);
    if let Some(secret) = secret {
        let body = format!("grant_type=client_credentials&client_id=robot&client_secret={secret}");
        if work == Work::Token {
            script = Some(asked.file("token.lua", &post_script(&body))?);
        } else {
            let issued = Tokens::issue(ground, port, &body, work.tokens())?;
            script = Some(issued.script().to_owned());
            tokens = Some(issued);
        }
    }
    let headers = vec![format!("Host: bench.localhost:{port}")];
    let url = asked.url(Server::Ringwall, "127.0.0.1");
    Ok(Front { server: Server::Ringwall, work, port, headers, url, script, tokens, running })
}

fn manifest(asked: &Asked<'_>) -> String {
    let who = if asked.work.has_token() { "robot" } else { "anyone" };
    let mut routes = "getItem = \"GET /item\", getLarge = \"GET /large\"".to_owned();
    for number in 1..asked.work.operations() {
        // Writing to a string does not fail.
        let _written = write!(routes, ", other{number} = \"GET /others/{number}/{{id}}\"");
    }
    // The peers write no access log either, except where the work says so.
    let audit = if asked.work.has_token() { "" } else { "[audit]\nrequests = \"denied\"\n\n" };
    format!(
        "ringwall = 1\nname = \"bench\"\n\n[gateway]\nhost = \"bench.localhost\"\nport = {}\n\n\
         [roles]\nrobot = {{}}\n\n{audit}\
         [services.items]\nupstream = \"127.0.0.1:{}\"\nroutes = {{ {routes} }}\n\
         people.{who} = [\"getItem\", \"getLarge\"]\n\n\
         [limits]\ndefault = \"100000000 per minute per user\"\n",
        asked.port, asked.ground.upstream
    )
}

/// Registers the program whose tokens are used, and returns its secret.
fn register(ground: &Ground, folder: &Path) -> Result<String> {
    let secret = read(
        Command::new(&ground.ringwall)
            .current_dir(folder)
            .args(["client", "add", "robot", "--role", "robot", "--es256"]),
    )
    .context("the program was not registered")?;
    Ok(secret.trim().to_owned())
}
