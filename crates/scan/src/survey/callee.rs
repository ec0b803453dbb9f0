//! Whom the calls in the code go to: another app here, or somebody else.

use std::collections::BTreeMap;

use super::{App, Call, Callee, is_below};
use crate::compose::Composed;
use crate::python::{self, CallFact, Facts, HOLE};

/// Fills in calls and hard-wired hosts of all apps.
pub(super) fn resolve(
    read: &BTreeMap<String, Facts>,
    composed: &[(String, Composed)],
    apps: &mut [App],
) {
    let known = apps.to_vec();
    let mut hosts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for app in apps.iter_mut() {
        let own = read
            .iter()
            .filter(|(file, _)| app.root == "." || app.root == **file || is_below(file, &app.root));
        let facts = own.flat_map(|(file, facts)| facts.calls.iter().map(move |fact| (file, fact)));
        for (file, fact) in facts {
            let url = python::expand(&fact.url, &|name| app.environment.get(name).cloned());
            let Some(address) = Address::parse(&url) else { continue };
            let callee = address.app(&known, composed, &app.name);
            if let Some(name) = &callee {
                hosts.entry(name.clone()).or_default().push(address.host_and_port());
            }
            app.calls.push(call(file, fact, &address, callee, &known));
        }
        app.calls.sort();
        app.calls.dedup();
    }
    for app in apps {
        let mut hosts = hosts.remove(&app.name).unwrap_or_default();
        hosts.sort();
        hosts.dedup();
        app.hosts = hosts;
    }
}

fn call(
    file: &str,
    fact: &CallFact,
    address: &Address,
    callee: Option<String>,
    known: &[App],
) -> Call {
    let callee = match callee {
        Some(name) => {
            let target = known.iter().find(|app| app.name == name);
            let operation = target.and_then(|app| operation(app, &fact.method, &address.path));
            Callee::App(name, operation)
        }
        None => Callee::Other(address.base()),
    };
    let path = address.path.replace(HOLE, "*");
    Call { callee, method: fact.method.clone(), path, file: file.to_owned(), line: fact.line }
}

/// The one operation that a method and a path with holes fit.
fn operation(app: &App, method: &str, path: &str) -> Option<String> {
    let fits: Vec<_> = app
        .contract
        .operations
        .iter()
        .filter(|operation| {
            (method.is_empty() || operation.method == method) && fits(&operation.path, path)
        })
        .collect();
    // A literal template beats one with a parameter, as in the router.
    let literal =
        fits.iter().find(|operation| !operation.path.contains('{') && operation.path == path);
    match (literal, fits.as_slice()) {
        (Some(operation), _) => Some(operation.name.clone()),
        (None, [only]) => Some(only.name.clone()),
        _ => None,
    }
}

fn fits(template: &str, path: &str) -> bool {
    let mut wanted = template.split('/');
    let mut found = path.split('/');
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(segment), Some(_)) if segment.ends_with("*}") => return true,
            (Some(segment), Some(text)) => {
                let is_open = segment.starts_with('{') || text.contains(HOLE);
                if !is_open && segment != text {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// An address in code, as far as it is known.
struct Address {
    scheme: String,
    host: String,
    port: Option<u16>,
    path: String,
}

impl Address {
    fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        if scheme != "http" && scheme != "https" {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit('@').next()?;
        if authority.is_empty() || authority.contains(HOLE) {
            return None;
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (authority, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Some(Self {
            scheme: scheme.to_owned(),
            host: host.to_ascii_lowercase(),
            port,
            path: path.to_owned(),
        })
    }

    fn host_and_port(&self) -> String {
        let default = if self.scheme == "https" { 443 } else { 80 };
        format!("{}:{}", self.host, self.port.unwrap_or(default))
    }

    fn base(&self) -> String {
        match self.port {
            Some(port) => format!("{}://{}:{port}", self.scheme, self.host),
            None => format!("{}://{}", self.scheme, self.host),
        }
    }

    /// By the name in a compose file, by the service's name, or by the port on this machine.
    fn app(&self, apps: &[App], composed: &[(String, Composed)], caller: &str) -> Option<String> {
        let others = || apps.iter().filter(|app| app.name != caller);
        let by_compose = composed.iter().find(|(_, service)| service.names.contains(&self.host));
        let by_compose = by_compose.and_then(|(at, service)| {
            others().find(|app| {
                let build = service.build.as_deref().unwrap_or("-").trim_start_matches("./");
                let folder = match (at.as_str(), build) {
                    (at, "" | ".") => at.to_owned(),
                    ("", build) => build.to_owned(),
                    (at, build) => format!("{at}/{build}"),
                };
                app.dir == folder
            })
        });
        let by_name = || others().find(|app| super::name::is_known_as(app, &self.host));
        let is_local = ["localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal"]
            .contains(&self.host.as_str());
        let is_private = is_local || !self.host.contains('.');
        let by_port =
            || others().find(|app| is_private && self.port.is_some() && app.port == self.port);
        let found = by_compose.or_else(by_name).or_else(by_port);
        found.map(|app| app.name.clone())
    }
}
