//! `HAProxy`, from Debian.

use std::process::Command;

use anyhow::{Context, Result};

use super::super::ground::{Running, start as start_server};
use super::super::work::{Server, Work};
use super::Asked;

pub(super) fn start(asked: &Asked<'_>) -> Result<Running> {
    let folder = asked.ground.folder.display();
    let tls = match (asked.is_tls(Server::Haproxy), asked.work) {
        (false, _) => String::new(),
        (true, Work::H2) => format!(" ssl crt {folder}/both.pem alpn h2"),
        (true, _) => format!(" ssl crt {folder}/both.pem no-tls-tickets"),
    };
    let check = if asked.work.has_token() { jwt(asked)? } else { String::new() };
    let text = format!(
        "global\n  nbthread 1\n  maxconn 9000\n  tune.ssl.cachesize 0\n\ndefaults\n  mode http\n  timeout client 300s\n  \
         timeout server 30s\n  timeout connect 5s\n  option forwardfor\n  http-reuse always\n\n\
         frontend front\n  bind 127.0.0.1:{}{tls}\n{check}  default_backend back\n\n\
         backend back\n  server one 127.0.0.1:{}\n",
        asked.port, asked.ground.upstream
    );
    let config = asked.file("haproxy.cfg", &text)?;
    start_server("0", Command::new("haproxy").arg("-f").arg(config), asked.port)
}

/// Algorithm, signature, issuer, audience and expiry, then a limit per subject.
fn jwt(asked: &Asked<'_>) -> Result<String> {
    let tokens = asked.tokens.context("no tokens")?;
    let key = asked.file("key.pub.pem", tokens.public_pem())?;
    let issuer = tokens.issuer();
    Ok(format!(
        "  http-request set-var(txn.jwt) http_auth_bearer\n  \
         http-request deny unless {{ var(txn.jwt),jwt_header_query('$.alg') -m str ES256 }}\n  \
         http-request deny unless {{ var(txn.jwt),jwt_payload_query('$.iss') -m str {issuer} }}\n  \
         http-request deny unless {{ var(txn.jwt),jwt_payload_query('$.aud') -m str {issuer} }}\n  \
         http-request set-var(txn.exp) var(txn.jwt),jwt_payload_query('$.exp','int')\n  \
         http-request set-var(txn.now) date()\n  \
         http-request deny if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}\n  \
         http-request deny unless {{ var(txn.jwt),jwt_verify(\"ES256\",\"{}\") 1 }}\n  \
         stick-table type string len 64 size 200k expire 60s store http_req_rate(60s)\n  \
         http-request track-sc0 var(txn.jwt),jwt_payload_query('$.sub')\n  \
         http-request deny if {{ sc_http_req_rate(0) gt 100000000 }}\n",
        key.display()
    ))
}
