//! node's `oidc-provider`, a peer for tokens.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::super::ground::start;
use super::super::tokens::{ASSERTED, ONCE, assertions, post_script, posting_each};
use super::super::work::{Server, Work};
use super::{Asked, Front};
use crate::shell::{cache, command, read, succeed};

pub(super) fn front(asked: &Asked<'_>) -> Result<Front> {
    let (node, port, work) = (crate::bench::token::node()?, asked.port, asked.work);
    let folder = asked.ground.folder.join(format!("oidc-provider-{port}"));
    fs::create_dir_all(&folder)?;
    let mut program = Command::new(node);
    program.current_dir(cache().join("node")).args(["oidc-provider.mjs", &port.to_string()]);
    program.arg(if work == Work::Introspect { "opaque" } else { "jwt" });
    if work == Work::Assertion {
        succeed(&mut assertions(&folder, &[])?)?;
        program.arg(folder.join("jwks.json"));
    }
    let running = start("0", &mut program, port)?;
    let issuer = format!("http://127.0.0.1:{port}");
    let (path, script) = match work {
        Work::Assertion => {
            succeed(&mut assertions(&folder, &[&issuer, &ONCE.to_string()])?)?;
            ("token", Some(posting_each(&folder.join("assertions"), ASSERTED)))
        }
        Work::Introspect => {
            let form = format!("{CLIENT}&token={}", token(&issuer)?);
            ("token/introspection", Some(post_script(&form)))
        }
        Work::Discovery => (".well-known/openid-configuration", None),
        _ => ("token", Some(post_script(&format!("{GRANT}&{CLIENT}")))),
    };
    let script = script.map(|text| asked.file("oidc-provider.lua", &text)).transpose()?;
    Ok(Front {
        server: Server::OidcProvider,
        work,
        port,
        headers: Vec::new(),
        url: format!("{issuer}/{path}"),
        script,
        tokens: None,
        running,
    })
}

fn token(issuer: &str) -> Result<String> {
    let form = format!("{GRANT}&{CLIENT}");
    let answer = read(command("curl").args(["-sS", "--data", &form, &format!("{issuer}/token")]))?;
    let answer: Value = serde_json::from_str(&answer)?;
    let token = answer.get("access_token").and_then(Value::as_str);
    token.map(str::to_owned).with_context(|| format!("no token in {answer}"))
}

const GRANT: &str = "grant_type=client_credentials";
const CLIENT: &str = "client_id=robot&client_secret=a-secret-of-at-least-32-characters!";
