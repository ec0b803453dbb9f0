//! Kubernetes Gateway API: the door and its paths.
//!
//! People, roles, schemas and limits have no place there: a Gateway that is made from this lets
//! through what Ringwall would refuse. It is for a cluster that routes to Ringwall's services, and
//! [`left_out`] says what is missing.

use std::collections::BTreeMap;

use ringwall_manifest::{Address, Model, Service};
use serde_json::{Value, json};

/// What the manifest says and these resources cannot.
pub(super) fn left_out(model: &Model) -> Vec<String> {
    let mut left = vec!["who may do what (people, callers), limits and schemas".to_owned()];
    for service in model.services.values().filter(|service| !service.people.is_empty()) {
        let is_named =
            service.upstreams.iter().any(|upstream| backend(&upstream.address).is_some());
        if !is_named {
            left.push(format!("`{}`: its upstream is no `host:port`", service.name));
        }
    }
    left
}

/// All resources, as a `List` that `kubectl apply` takes.
pub(super) fn list(model: &Model) -> Value {
    let mut items = vec![gateway(model)];
    if model.gateway.http_port.is_some() {
        items.push(redirect(model));
    }
    for service in model.services.values().filter(|service| !service.people.is_empty()) {
        items.extend(routes(model, service));
    }
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

fn gateway(model: &Model) -> Value {
    let mut listeners = Vec::new();
    for (index, host) in hosts(model).enumerate() {
        let tls = json!({
            "mode": "Terminate",
            "certificateRefs": [{ "kind": "Secret", "name": format!("{}-tls", model.name) }],
        });
        listeners.push(json!({
            "name": format!("https-{index}"), "hostname": host, "port": model.gateway.port,
            "protocol": "HTTPS", "tls": tls, "allowedRoutes": { "namespaces": { "from": "Same" } },
        }));
    }
    if let Some(port) = model.gateway.http_port {
        listeners.push(json!({
            "name": "http", "port": port, "protocol": "HTTP",
            "allowedRoutes": { "namespaces": { "from": "Same" } },
        }));
    }
    json!({
        "apiVersion": API, "kind": "Gateway", "metadata": { "name": model.name },
        "spec": { "gatewayClassName": model.name, "listeners": listeners },
    })
}

/// The plain door.
fn redirect(model: &Model) -> Value {
    let filter = json!({
        "type": "RequestRedirect",
        // The API knows no 308 before version 1.5.
        "requestRedirect": { "scheme": "https", "port": model.gateway.port, "statusCode": 301 },
    });
    json!({
        "apiVersion": API, "kind": "HTTPRoute",
        "metadata": { "name": format!("{}-redirect", model.name) },
        "spec": {
            "parentRefs": [{ "name": model.name, "sectionName": "http" }],
            "hostnames": hosts(model).collect::<Vec<_>>(),
            "rules": [{ "filters": [filter] }],
        },
    })
}

/// One route, or more when there are more operations than one may have.
fn routes(model: &Model, service: &Service) -> Vec<Value> {
    let backends: Vec<Value> = service
        .upstreams
        .iter()
        .filter_map(|upstream| {
            let (host, port) = backend(&upstream.address)?;
            Some(json!({ "name": host, "port": port, "weight": upstream.weight }))
        })
        .collect();
    if backends.is_empty() {
        return Vec::new();
    }
    let matches = matches(service);
    let rules: Vec<Value> = matches
        .chunks(MATCHES_MAX)
        .map(|some| json!({ "matches": some, "backendRefs": backends }))
        .collect();
    let sections: Vec<Value> = hosts(model)
        .enumerate()
        .map(|(index, _)| json!({ "name": model.name, "sectionName": format!("https-{index}") }))
        .collect();
    rules
        .chunks(RULES_MAX)
        .enumerate()
        .map(|(index, some)| {
            let name =
                if index == 0 { service.name.clone() } else { format!("{}-{index}", service.name) };
            json!({
                "apiVersion": API, "kind": "HTTPRoute",
                "metadata": { "name": name.replace('_', "-").to_lowercase() },
                "spec": {
                    "parentRefs": sections, "hostnames": hosts(model).collect::<Vec<_>>(),
                    "rules": some,
                },
            })
        })
        .collect()
}

/// Operations that a person may be let through to, exactly.
fn matches(service: &Service) -> Vec<Value> {
    let granted = service.people.values().flatten().map(|grant| &grant.operation);
    let granted: BTreeMap<&String, _> =
        granted.filter_map(|name| Some((name, service.operations.get(name)?))).collect();
    granted
        .values()
        .map(|operation| {
            let path = format!("{}{}", service.mount, operation.path);
            let (kind, value) = if path.contains('{') {
                ("RegularExpression", expression(&path))
            } else {
                ("Exact", path)
            };
            let path = json!({ "type": kind, "value": value });
            if METHODS.contains(&operation.method.as_str()) {
                json!({ "path": path, "method": operation.method })
            } else {
                json!({ "path": path })
            }
        })
        .collect()
}

/// `/books/{id}` as an expression: one segment for each parameter.
fn expression(path: &str) -> String {
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(&escape(before));
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(if name.ends_with('*') { ".+" } else { "[^/]+" });
        rest = after;
    }
    text + &escape(rest)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_alphanumeric() && !matches!(character, '/' | '-' | '_' | '~') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn backend(address: &Address) -> Option<(String, u16)> {
    let (Address::Tcp(text) | Address::Dns(text)) = address else { return None };
    let (host, port) = text.rsplit_once(':')?;
    // A Service of Kubernetes has a name, and not an address.
    let is_name = host.chars().any(|character| character.is_ascii_alphabetic());
    let service = host.split('.').next().unwrap_or(host);
    Some((service.to_owned(), port.parse().ok()?)).filter(|_| is_name)
}

fn hosts(model: &Model) -> impl Iterator<Item = &String> {
    std::iter::once(&model.gateway.host).chain(&model.gateway.aliases)
}

const API: &str = "gateway.networking.k8s.io/v1";

/// `maxItems` of the resource definitions, which also want fewer than 128 matches in all rules.
const RULES_MAX: usize = 1;
const MATCHES_MAX: usize = 64;

/// The enumeration of the resource definitions.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
