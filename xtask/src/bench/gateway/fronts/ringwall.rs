//! Ringwall, with the manifest that the work needs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::super::ground::{Ground, start};
use super::super::tokens::{ASSERTED, ONCE, Tokens, assertions, post_script, posting_each};
use super::super::work::{Server, Work};
use super::{Asked, Front};
use crate::shell::{command, read, root, succeed};

pub(super) fn front(asked: &Asked<'_>) -> Result<Front> {
    let (work, ground, port) = (asked.work, asked.ground, asked.port);
    let folder = ground.folder.join(format!("ringwall-{port}"));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("ringwall.toml"), manifest(asked))?;
    let secret = program(asked, &folder)?;
    if let Some(crowd) = work.crowd() {
        let mut python = command("python3");
        python.arg(root().join("benches/crowd.py")).arg(folder.join(".ringwall/store.db"));
        succeed(python.args(crowd))?;
    }
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
    let form = secret.map(|secret| format!("client_id=robot&client_secret={secret}"));
    if let Some(form) = form {
        let body = format!("grant_type=client_credentials&{form}");
        if matches!(work, Work::Token | Work::TokenCrowded) {
            script = Some(asked.file("token.lua", &post_script(&body))?);
        } else if work != Work::Login {
            let issued = Tokens::issue(ground, port, &body, work.tokens())?;
            script = Some(if work == Work::Introspect {
                asked.file("ask.lua", &posting_each(issued.list(), &format!("{form}&token=")))?
            } else {
                issued.script().to_owned()
            });
            tokens = Some(issued);
        }
    } else if work == Work::Assertion {
        let list = folder.join("assertions");
        let issuer = format!("https://bench.localhost:{port}");
        settle();
        succeed(&mut assertions(&folder, &[&issuer, &ONCE.to_string()])?)?;
        script = Some(asked.file("token.lua", &posting_each(&list, ASSERTED))?);
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

/// Registers the program that asks, if one does. Returns its secret, unless it has a key.
fn program(asked: &Asked<'_>, folder: &Path) -> Result<Option<String>> {
    match asked.work {
        Work::Assertion => {
            succeed(&mut assertions(folder, &[])?)?;
            let mut add = Command::new(&asked.ground.ringwall);
            add.current_dir(folder);
            add.args([
                "client",
                "add",
                "robot",
                "--role",
                "robot",
                "--bearer",
                "--jwks",
                "jwks.json",
            ]);
            succeed(&mut add).context("the program was not registered")?;
            Ok(None)
        }
        work if work.has_token() || (work.is_identity() && work != Work::Discovery) => {
            register(asked.ground, folder).map(Some)
        }
        _ => Ok(None),
    }
}

/// Registers the program whose tokens are used, and returns its secret.
fn register(ground: &Ground, folder: &Path) -> Result<String> {
    let secret = read(
        Command::new(&ground.ringwall)
            .current_dir(folder)
            .args(["client", "add", "robot", "--role", "robot", "--bearer", "--es256"]),
    )
    .context("the program was not registered")?;
    Ok(secret.trim().to_owned())
}

/// In its first ten seconds a server looks up on the disk what came before its start.
#[expect(clippy::disallowed_methods, reason = "a benchmark waits for a server by the wall clock")]
fn settle() {
    thread::sleep(Duration::from_secs(12));
}
