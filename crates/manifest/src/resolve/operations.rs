//! The operations of a service: from OpenAPI, from Flask, by hand; and their drift.

use std::collections::BTreeMap;

use ringwall_base::{Contract, Operation, Parameter, ParameterPlace};

use super::Checker;
use super::grpc::file_of;
use super::quantity::is_path;
use crate::catalogue::code;
use crate::draft::WantKind;
use crate::node::{Entry, Node};
use crate::source::At;

/// The operations of one service, and whether they carry schemas.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) operations: BTreeMap<String, Operation>,
    pub(super) has_schemas: bool,
}

impl Checker<'_> {
    pub(super) fn operations(&mut self, service: &Entry) -> Offer {
        let inputs = self.inputs;
        let name = service.key.as_str();
        let source = |key: &str| service.node.get(key).map(|node| node.at);
        let (openapi, flask) = (source("openapi"), source("flask"));
        let contract = openapi.and(inputs.openapi.get(name));
        let routes = flask.and(inputs.flask.get(name));
        self.needed(service, WantKind::OpenApi, openapi, contract.is_some());
        self.needed(service, WantKind::Flask, flask, routes.is_some());
        let grpc = source("grpc").filter(|_| service.node.get("grpc").is_some_and(is_named));
        let methods = grpc.and(inputs.grpc.get(name));
        self.needed(service, WantKind::Grpc, grpc, methods.is_some());
        if let (Some(contract), Some(routes), Some(at)) = (contract, routes, openapi) {
            self.drift(name, at, contract, routes);
        }
        let mut offer = Offer::default();
        if let Some(used) = contract.or(routes.filter(|_| openapi.is_none())) {
            offer.has_schemas = used.has_schemas;
            let at = openapi.or(flask).unwrap_or(service.at);
            for operation in &used.operations {
                self.offer(name, &mut offer, operation.clone(), at);
            }
        }
        if let (Some(methods), Some(at)) = (methods, grpc) {
            for operation in self.named_by_routes(service, methods) {
                self.offer(name, &mut offer, operation, at);
            }
        }
        for route in service.node.table("routes") {
            if let Some(operation) = self.route(route) {
                self.offer(name, &mut offer, operation, route.at);
            }
        }
        offer
    }

    /// Reports a source that is named but was not read.
    fn needed(&mut self, service: &Entry, kind: WantKind, at: Option<At>, is_there: bool) {
        let (Some(at), false) = (at, is_there) else { return };
        self.incomplete.push(service.key.clone());
        if self.failures(kind, &service.key, Some(at)) {
            return;
        }
        let code = match kind {
            WantKind::Flask => code::FLASK_UNREADABLE,
            WantKind::Grpc => code::DESCRIPTORS,
            WantKind::GraphQl | WantKind::Jwks | WantKind::OpenApi | WantKind::Policy => {
                code::OPENAPI_UNREADABLE
            }
        };
        self.findings
            .add(code, at, format!("the operations of `{}` were not read", service.key))
            .label("this file is needed")
            .help("its path starts at the manifest's folder");
    }

    fn offer(&mut self, service: &str, offer: &mut Offer, operation: Operation, at: At) {
        if let Some(first) = offer.operations.get(&operation.name) {
            let message = format!(
                "`{service}` has two operations `{}`: {} {} and {} {}",
                operation.name, first.method, first.path, operation.method, operation.path
            );
            self.findings
                .add(code::DUPLICATE_OPERATION, at, message)
                .label("a grant could not tell them apart")
                .help("give each operation its own `operationId` (in Flask: its own endpoint)");
            return;
        }
        offer.operations.insert(operation.name.clone(), operation);
    }

    /// `getUser = "GET /users/{id}"`.
    fn route(&mut self, entry: &Entry) -> Option<Operation> {
        let text = entry.node.as_text()?;
        let is_name = entry.key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let parsed = parse_route(text).filter(|_| is_name && !entry.key.is_empty());
        let Some((method, path)) = parsed else {
            self.findings
                .add(code::BAD_ROUTE, entry.node.at, format!("`{text}` is not a route"))
                .label("a method, a blank, a path")
                .help(format!("write `{} = \"GET /users/{{id}}\"`", entry.key));
            return None;
        };
        Some(Operation {
            name: entry.key.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            parameters: path_parameters(path),
            place: self.place(entry.at),
            ..Operation::default()
        })
    }

    /// Compares what OpenAPI declares with what the Flask source does, both ways.
    fn drift(&mut self, service: &str, at: At, declared: &Contract, real: &Contract) {
        let key = |operation: &Operation| (operation.method.clone(), shape(&operation.path));
        let by_route = |contract: &Contract| -> BTreeMap<(String, String), Operation> {
            contract.operations.iter().map(|one| (key(one), one.clone())).collect()
        };
        let (declared_routes, real_routes) = (by_route(declared), by_route(real));
        for (route, operation) in &real_routes {
            if declared_routes.contains_key(route) {
                continue;
            }
            let moved = declared.operations.iter().find(|one| one.name == operation.name);
            let (method, path) = (&operation.method, &operation.path);
            let finding = match moved {
                Some(other) => self.findings.add(
                    code::DRIFT_MOVED,
                    at,
                    format!(
                        "`{service}.{}` is {method} {path} in {}, and {} {} in {}",
                        operation.name, operation.place, other.method, other.path, declared.source
                    ),
                ),
                None => self.findings.add(
                    code::DRIFT_MISSING,
                    at,
                    format!(
                        "{method} {path} of `{service}` ({}) is not in {}",
                        operation.place, declared.source
                    ),
                ),
            };
            finding
                .label("this file and the code differ")
                .help("Ringwall refuses a path that the OpenAPI file does not name: add it there");
        }
        for (route, operation) in &declared_routes {
            let is_moved = real.operations.iter().any(|one| one.name == operation.name);
            if real_routes.contains_key(route) || is_moved {
                continue;
            }
            let message = format!(
                "`{service}.{}`, {} {}, is in {}, but no Flask route answers it",
                operation.name, operation.method, operation.path, declared.source
            );
            self.findings
                .add(code::DRIFT_GONE, at, message)
                .label("this file and the code differ")
                .help("remove it from the OpenAPI file, or add the route");
        }
    }

    /// Whether a service has the operation; reports one that it does not have.
    pub(super) fn known_operation(&mut self, service: &str, name: &str, at: At) -> bool {
        let Some(known) = self.model.services.get(service) else { return false };
        if known.operations.contains_key(name) {
            return true;
        }
        if self.incomplete.iter().any(|incomplete| incomplete == service) {
            return false;
        }
        let names = || known.operations.keys().map(String::as_str);
        let help = if let Some(help) = crate::suggest::did_you_mean(name, names()) {
            help
        } else if known.operations.is_empty() {
            format!(
                "`{service}` has no operations: name its `openapi`, `flask` or `grpc` file, or \
                 write `routes.{name} = \"GET /…\"`"
            )
        } else {
            let mut list: Vec<&str> = names().take(LISTED_MAX + 1).collect();
            if list.len() > LISTED_MAX {
                list.truncate(LISTED_MAX);
                list.push("…");
            }
            format!("`{service}` has {}", list.join(", "))
        };
        self.findings
            .add(code::UNKNOWN_OPERATION, at, format!("`{service}` has no operation `{name}`"))
            .label("no `operationId` and no endpoint has this name")
            .help(help);
        false
    }
}

fn is_named(node: &Node) -> bool {
    file_of(node).is_some()
}

/// Method and path of `GET /users/{id}`.
pub(super) fn parse_route(text: &str) -> Option<(&str, &str)> {
    let (method, path) = text.trim().split_once(' ')?;
    let path = path.trim();
    let is_method = METHODS.contains(&method);
    let balanced = path
        .split('/')
        .all(|part| part.matches('{').count() == part.matches('}').count() && !part.contains("}{"));
    (is_method && is_path(path) && balanced).then_some((method, path))
}

/// The parameters of a path template.
fn path_parameters(path: &str) -> Vec<Parameter> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| Parameter {
            name: name.trim_end_matches('*').to_owned(),
            place: ParameterPlace::Path,
            required: true,
        })
        .collect()
}

/// A template without the names of its parameters, so that `{id}` and `{user_id}` are one.
fn shape(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => {
                inside = true;
                out.push_str("{}");
            }
            '}' => inside = false,
            '*' if inside => out.push('*'),
            _ if inside => {}
            _ => out.push(c),
        }
    }
    out
}

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Names listed in a help text.
const LISTED_MAX: usize = 8;
