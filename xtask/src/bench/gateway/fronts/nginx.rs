//! nginx, from Debian.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::super::ground::{Running, start as start_server};
use super::super::work::{Server, Work};
use super::Asked;

pub(super) fn start(asked: &Asked<'_>) -> Result<Running> {
    let (port, folder) = (asked.port, asked.ground.folder.display());
    let (listen, tls) = if asked.is_tls(Server::Nginx) {
        let h2 = if asked.work == Work::H2 { " http2" } else { "" };
        let tls = format!(
            "ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_session_tickets off;"
        );
        (format!(" ssl{h2}"), tls)
    } else {
        Default::default()
    };
    let server = format!(
        "upstream back {{ server 127.0.0.1:{}; keepalive 512; }}\n\
         server {{ listen 127.0.0.1:{port}{listen} backlog=4096; {tls} keepalive_requests 100000000; \
         location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_set_header X-Forwarded-For $remote_addr; }} }}",
        asked.ground.upstream
    );
    let name = format!("front-{port}");
    let config = asked.file("nginx.conf", &config(&asked.ground.folder, &name, &server))?;
    start_server("0", Command::new("nginx").arg("-c").arg(config), port)
}

/// One worker, no access log, everything that it writes below `folder`.
pub(crate) fn config(folder: &Path, name: &str, server: &str) -> String {
    let folder = folder.display();
    format!(
        "daemon off; worker_processes 1; worker_rlimit_nofile 40000; pid {folder}/{name}.pid; \
         error_log {folder}/{name}.log warn;\n\
         events {{ worker_connections 30000; }}\n\
         http {{ access_log off; keepalive_requests 100000000; sendfile on;\n\
         client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy; \
         fastcgi_temp_path {folder}/{name}-f; uwsgi_temp_path {folder}/{name}-u; scgi_temp_path {folder}/{name}-s;\n\
         {server} }}\n"
    )
}
