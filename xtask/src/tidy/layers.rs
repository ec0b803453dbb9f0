//! The layer table, held as a constant: a package uses only packages of lower layers.

use serde_json::Value;

/// Every package with its layer. A new package enters here, with a line in `ARCHITECTURE.md`.
const LAYERS: &[(&str, u8)] = &[
    ("ringwall-base", 0),
    ("ringwall-api", 1),
    ("ringwall-balance", 1),
    ("ringwall-content", 1),
    ("ringwall-jose", 1),
    ("ringwall-leaks", 1),
    ("ringwall-manifest", 1),
    ("ringwall-openapi", 1),
    ("ringwall-policy", 1),
    ("ringwall-protobuf", 1),
    ("ringwall-waf", 1),
    ("ringwall-webauthn", 1),
    ("ringwall-cell", 2),
    ("ringwall-net", 2),
    ("ringwall-store", 2),
    ("ringwall-acme", 3),
    ("ringwall-audit", 3),
    ("ringwall-ca", 3),
    ("ringwall-gateway", 3),
    ("ringwall-identity", 3),
    ("ringwall-scan", 3),
    ("ringwall-vault", 3),
    ("ringwall", 5),
];

/// Used by tests of all layers, so it may use only the lowest.
const TESTKIT: &str = "ringwall-testkit";

/// Names every edge that the table does not allow.
pub(super) fn check(metadata: &Value) -> Vec<String> {
    let packages = metadata.get("packages").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut breaches = Vec::new();
    for package in &packages {
        let name = text(package, "name");
        let dependencies = package.get("dependencies").and_then(Value::as_array);
        for dependency in dependencies.into_iter().flatten() {
            let target = text(dependency, "name");
            let is_dev = text(dependency, "kind") == "dev";
            breaches.extend(edge(name, target, is_dev));
        }
    }
    breaches
}

fn edge(from: &str, to: &str, is_dev: bool) -> Option<String> {
    if !to.starts_with("ringwall") {
        return None;
    }
    if from == "xtask" {
        return Some("xtask uses nothing of ours".to_owned());
    }
    if to == TESTKIT {
        return (!is_dev).then(|| format!("`{from}` uses the testkit outside tests"));
    }
    if from == TESTKIT {
        let allowed = ["ringwall-base", "ringwall-net"].contains(&to);
        return (!allowed).then(|| format!("the testkit uses `{to}`"));
    }
    match (layer(from), layer(to)) {
        (Some(above), Some(below)) if below < above => None,
        (Some(above), Some(below)) => {
            Some(format!("`{from}` (layer {above}) uses `{to}` (layer {below})"))
        }
        _ => Some(format!("`{from}` or `{to}` is not in the layer table")),
    }
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_point_down_only() {
        assert_eq!(edge("ringwall-gateway", "ringwall-jose", false), None);
        assert!(edge("ringwall-jose", "ringwall-gateway", false).is_some());
        assert!(edge("ringwall-gateway", "ringwall-identity", false).is_some());
        assert!(edge("ringwall-surprise", "ringwall-base", false).is_some());
        assert_eq!(edge("ringwall-jose", "serde", false), None);
    }

    #[test]
    fn the_testkit_stays_in_tests() {
        assert_eq!(edge("ringwall-jose", "ringwall-testkit", true), None);
        assert!(edge("ringwall-jose", "ringwall-testkit", false).is_some());
        assert!(edge("ringwall-testkit", "ringwall-store", false).is_some());
        assert!(edge("xtask", "ringwall-base", false).is_some());
    }
}
