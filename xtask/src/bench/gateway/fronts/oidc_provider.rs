//! node's `oidc-provider`, a peer for tokens.

use std::process::Command;

use anyhow::Result;

use super::super::ground::start;
use super::super::tokens::post_script;
use super::super::work::{Server, Work};
use super::{Asked, Front};
use crate::shell::cache;

pub(super) fn front(asked: &Asked<'_>) -> Result<Front> {
    let (node, port) = (crate::bench::token::node()?, asked.port);
    let mut program = Command::new(node);
    program.current_dir(cache().join("node")).args(["oidc-provider.mjs", &port.to_string()]);
    let running = start("0", &mut program, port)?;
    let body = "grant_type=client_credentials&client_id=robot&client_secret=a-secret-of-at-least-32-characters!";
    let script = asked.file("oidc-provider.lua", &post_script(body))?;
    Ok(Front {
        server: Server::OidcProvider,
        work: Work::Token,
        port,
        headers: Vec::new(),
        url: format!("http://127.0.0.1:{port}/token"),
        script: Some(script),
        tokens: None,
        running,
    })
}
