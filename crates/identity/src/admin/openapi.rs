//! The admin API as an `OpenAPI` 3.1 document, made of the table of routes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ROOT;
use super::actor::PREFIX;
use super::route::{ROUTES, Route};
use crate::answer::{AUTHORIZE, TOKEN};
use crate::keys::Purpose;

pub(super) fn document(issuer: &str) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_default();
        item.insert(route.method.to_ascii_lowercase(), operation(route));
    }
    let scopes: BTreeMap<String, &str> =
        ROUTES.iter().map(|route| (format!("{PREFIX}{}", route.scope), "")).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ringwall admin API",
            "version": "1",
            "description": "People, organisations, clients, sessions, tokens and keys. Every change is in the audit \
                            log before it is made. Times are seconds since 1970.",
        },
        "servers": [{ "url": format!("{issuer}{ROOT}") }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": { "oauth": {
                "type": "oauth2",
                "flows": {
                    "clientCredentials": { "tokenUrl": format!("{issuer}{TOKEN}"), "scopes": scopes },
                    "authorizationCode": {
                        "authorizationUrl": format!("{issuer}{AUTHORIZE}"),
                        "tokenUrl": format!("{issuer}{TOKEN}"),
                        "scopes": scopes,
                    },
                },
            } },
        },
    })
}

fn operation(route: &Route) -> Value {
    let (status, gives) = route.gives;
    let mut answer = json!({ "description": "Done." });
    if let (Some(name), Some(members)) = (gives, answer.as_object_mut()) {
        members.insert("content".to_owned(), json!({ "application/json": { "schema": by(name) } }));
    }
    let mut responses = Map::new();
    responses.insert(status.to_string(), answer);
    let problem = json!({
        "description": "Why not.",
        "content": { "application/problem+json": { "schema": by("Problem") } },
    });
    for status in problems(route) {
        responses.insert(status.to_string(), problem.clone());
    }
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.about,
        "parameters": parameters(route),
        "responses": responses,
        "security": [{ "oauth": [format!("{PREFIX}{}", route.scope)] }],
    });
    if let (Some(name), Some(members)) = (route.takes, operation.as_object_mut()) {
        let content = json!({ "application/json": { "schema": by(name) } });
        members.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
    }
    operation
}

/// What a route can answer instead.
fn problems(route: &Route) -> Vec<u16> {
    // Some of these come from the gateway, before a request gets here.
    let mut statuses = vec![400, 401, 403, 404, 429, 503];
    if route.method != "GET" {
        statuses.push(409);
    }
    if route.is_versioned {
        statuses.extend([412, 428]);
    }
    if route.takes.is_some() {
        statuses.extend([413, 415, 422]);
    }
    if route.path.contains("{role}") {
        statuses.push(422);
    }
    statuses
}

fn parameters(route: &Route) -> Value {
    let id = id();
    let segments = route.path.split('/').filter_map(|one| one.strip_prefix('{'));
    let mut parameters: Vec<Value> = segments
        .filter_map(|one| one.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": id }))
        .collect();
    for name in route.query {
        let schema = match *name {
            "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 100 }),
            _ => json!({ "type": "string" }),
        };
        parameters.push(json!({ "name": name, "in": "query", "schema": schema }));
    }
    if route.is_versioned {
        let schema = json!({ "type": "string" });
        parameters.push(
            json!({ "name": "If-Match", "in": "header", "required": true, "schema": schema }),
        );
    }
    parameters.into()
}

/// What has one spelling in a path.
fn id() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$" })
}

fn by(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn schemas() -> Value {
    let mut all = of_instance();
    if let Some(members) = all.as_object_mut() {
        members.extend(of_organisations());
    }
    all
}

fn of_organisations() -> impl Iterator<Item = (String, Value)> {
    let (text, switch) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let slug = json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,39}$" });
    let name = json!({ "type": ["string", "null"], "minLength": 1, "maxLength": 80 });
    let maybe_switch = json!({ "type": ["boolean", "null"] });
    let time = |kinds: Value| json!({ "type": kinds });
    let schemas = [
        ("Organisations", list("Organisation")),
        (
            "Organisation",
            whole(&[
                ("id", slug.clone()),
                ("name", text),
                ("disabled", switch),
                ("people", time(json!("integer"))),
                ("created", time(json!(["integer", "null"]))),
            ]),
        ),
        ("NewOrganisation", object(&[("id", slug), ("name", name.clone())], &["id"])),
        ("OrganisationChange", object(&[("name", name), ("disabled", maybe_switch)], &[])),
    ];
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema))
}

fn of_instance() -> Value {
    let (text, switch) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let (texts, time) = (json!({ "type": "array", "items": text }), json!({ "type": "integer" }));
    let name = json!({ "type": "string", "pattern": "^([A-Za-z][A-Za-z0-9-]{0,39}/)?[A-Za-z0-9._@+-]{1,64}$" });
    let password = json!({ "type": "string", "minLength": 8, "maxLength": 1024 });
    let maybe_time = json!({ "type": ["integer", "null"] });
    let maybe_text = json!({ "type": ["string", "null"] });
    let signs = json!({ "enum": Purpose::ALL.map(Purpose::name) });
    let client = client();
    let with = |more: &[(&str, Value)]| {
        let mut members = client.clone();
        members.extend(more.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())));
        members
    };
    let owner = json!({ "enum": ["command", "manifest"] });
    let shown = [("owner", owner), ("disabled", switch.clone())];
    // Services of the fleet need no registration, and are only looked at here.
    let kinds =
        json!({ "enum": ["certificate", "federated", "keys", "public", "secret", "workload"] });
    let shown = [&shown[..], &[("access", kinds)]].concat();
    let secret = [&shown[..], &[("secret", text.clone())]].concat();
    let needed = ["id", "access", "grants"];
    json!({
        "Problem": problem(),
        "Users": list("User"),
        "User": whole(&[
            ("id", text.clone()), ("name", text.clone()), ("organisation", text.clone()),
            ("roles", texts.clone()), ("disabled", switch.clone()),
            ("second_factor", switch.clone()), ("created", time.clone()),
        ]),
        "NewUser": object(
            &[("name", name), ("password", password.clone()), ("roles", texts)],
            &["name", "password"],
        ),
        "Switch": whole(&[("disabled", switch.clone())]),
        "Password": whole(&[("password", password)]),
        "Roles": list("Role"),
        "Role": whole(&[
            ("name", text.clone()), ("admin", json!({ "type": "array", "items": text })),
            ("organisations", switch),
        ]),
        "Sessions": list("Session"),
        "Session": whole(&[
            ("id", text.clone()), ("since", time.clone()), ("seen", time.clone()),
            ("address", maybe_text.clone()), ("agent", maybe_text),
        ]),
        "Clients": list("Client"),
        "Client": members(&with(&shown), None),
        "RegisteredClient": members(&with(&secret), Some(&[&needed[..], &["owner"]].concat())),
        "NewClient": members(&client, Some(&needed)),
        "ClientSecret": whole(&[("secret", text.clone())]),
        "Revocation": whole(&[
            ("by", json!({ "enum": ["client_id", "jti", "sid", "sub"] })), ("value", id()),
        ]),
        "Keys": list("Key"),
        "Key": whole(&[
            ("id", text), ("signs", signs.clone()),
            ("state", json!({ "enum": ["active", "published", "retiring"] })),
            ("published", time), ("activated", maybe_time.clone()), ("retired", maybe_time),
        ]),
        "NewKey": whole(&[("signs", signs)]),
    })
}

/// RFC 9457. What the gateway answers before a request gets here has members of its own.
fn problem() -> Value {
    let (text, number) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let all = [
        ("type", &text),
        ("title", &text),
        ("status", &number),
        ("detail", &text),
        ("code", &text),
        ("request_id", &text),
    ];
    object(&all.map(|(name, schema)| (name, schema.clone())), &["type", "title", "status"])
}

fn client() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let grants: Vec<&str> = crate::Grant::ALL.iter().map(|grant| grant.name()).collect();
    let members = [
        ("id", json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" })),
        ("access", json!({ "enum": ["secret", "keys", "public", "certificate", "federated"] })),
        ("jwks", json!({ "type": ["object", "null"] })),
        ("grants", json!({ "type": "array", "items": { "enum": grants } })),
        ("redirect_uris", texts.clone()),
        ("post_logout_redirect_uris", texts.clone()),
        ("scopes", texts.clone()),
        ("roles", texts.clone()),
        ("acts_for", texts),
        (
            "requires",
            json!({ "type": "array", "items": { "enum": ["bound", "certificate", "consent", "dpop", "opaque", "par"] } }),
        ),
        ("signed_by", json!({ "enum": ["EdDSA", "ES256"] })),
        ("organisation", json!({ "type": ["string", "null"] })),
    ];
    members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn list(name: &str) -> Value {
    let next = json!({ "type": ["string", "null"] });
    whole(&[("items", json!({ "type": "array", "items": by(name) })), ("next", next)])
}

/// All members are there.
fn whole(properties: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    object(properties, &names)
}

fn object(properties: &[(&str, Value)], required: &[&str]) -> Value {
    let properties = properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone()));
    members(&properties.collect(), Some(required))
}

fn members(properties: &Map<String, Value>, required: Option<&[&str]>) -> Value {
    let all: Vec<&str> = properties.keys().map(String::as_str).collect();
    let required = json!(required.unwrap_or(&all));
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}
