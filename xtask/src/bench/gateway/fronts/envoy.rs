//! Envoy, from the Python package that carries its binary.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::super::ground::{Running, start as start_server};
use super::super::work::{Server, Work};
use super::Asked;
use crate::setup::Peers;

pub(super) fn start(asked: &Asked<'_>) -> Result<Running> {
    let config = asked.file("envoy.json", &config(asked)?.to_string())?;
    let mut envoy = Command::new(Peers::ensure()?.program("envoy"));
    // Several may run at once: each has a shared memory region of its own.
    let number = asked.port.to_string();
    envoy.args(["--concurrency", "1", "--log-level", "error", "--base-id", &number]);
    envoy.arg("--config-path").arg(config);
    start_server("0", &mut envoy, asked.port)
}

fn config(asked: &Asked<'_>) -> Result<Value> {
    let mut chain = json!({ "filters": [{
        "name": "http",
        "typed_config": {
            "@type": format!("{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "front",
            "use_remote_address": true,
            "http_filters": http_filters(asked)?,
            "route_config": { "virtual_hosts": [{
                "name": "all", "domains": ["*"],
                "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "back" } }],
            }] },
        },
    }] });
    if let (true, Some(chain)) = (asked.is_tls(Server::Envoy), chain.as_object_mut()) {
        chain.insert("transport_socket".to_owned(), transport(asked));
    }
    Ok(json!({ "static_resources": {
        "listeners": [{ "name": "front", "address": address(asked.port), "filter_chains": [chain] }],
        "clusters": [{
            "name": "back",
            "connect_timeout": "5s",
            "load_assignment": { "cluster_name": "back", "endpoints": [{ "lb_endpoints": [
                { "endpoint": { "address": address(asked.ground.upstream) } },
            ] }] },
        }],
    } }))
}

fn address(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

fn transport(asked: &Asked<'_>) -> Value {
    let file = |name: &str| json!({ "filename": asked.ground.folder.join(name) });
    let protocols = if asked.work == Work::H2 { ["h2"] } else { ["http/1.1"] };
    json!({ "name": "tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "disable_stateless_session_resumption": true,
        "disable_stateful_session_resumption": true,
        "common_tls_context": {
            "alpn_protocols": protocols,
            "tls_certificates": [
                { "certificate_chain": file("cert.pem"), "private_key": file("key.pem") },
            ],
        },
    } })
}

fn http_filters(asked: &Asked<'_>) -> Result<Vec<Value>> {
    let router = json!({
        "name": "router",
        "typed_config": { "@type": format!("{FILTERS}.http.router.v3.Router") },
    });
    if !asked.work.has_token() {
        return Ok(vec![router]);
    }
    let tokens = asked.tokens.context("no tokens")?;
    let all = json!({ "default_value": { "numerator": 100, "denominator": "HUNDRED" } });
    let jwt = json!({ "name": "jwt", "typed_config": {
        "@type": format!("{FILTERS}.http.jwt_authn.v3.JwtAuthentication"),
        "providers": { "bench": {
            "issuer": tokens.issuer(), "audiences": [tokens.issuer()],
            "local_jwks": { "inline_string": tokens.jwks() },
            "jwt_cache_config": { "jwt_cache_size": 2_000 },
        } },
        "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "bench" } }],
    } });
    // One bucket for all: this filter has none for each subject.
    let limit = json!({ "name": "limit", "typed_config": {
        "@type": format!("{FILTERS}.http.local_ratelimit.v3.LocalRateLimit"),
        "stat_prefix": "limit",
        "token_bucket": { "max_tokens": 100_000_000, "tokens_per_fill": 100_000_000, "fill_interval": "1s" },
        "filter_enabled": all, "filter_enforced": all,
    } });
    Ok(vec![jwt, limit, router])
}

const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters";
