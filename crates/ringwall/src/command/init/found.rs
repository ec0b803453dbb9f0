//! What `init` says that it found.

use std::collections::BTreeMap;
use std::path::Path;

use ringwall_scan::{Survey, Tree};
use serde_json::{Value, json};

use super::fleet::{Fleet, Found};

/// The lines of the transcript, at most about ten.
pub(super) fn lines(fleet: &Fleet) -> Vec<String> {
    let apps: Vec<String> = fleet
        .services
        .iter()
        .map(|service| match service.operations.len() {
            1 => format!("{} (1 route)", service.app.file),
            count => format!("{} ({count} routes)", service.app.file),
        })
        .collect();
    let mut lines = vec![format!("  found  {}   {}", count(apps.len(), "Flask app"), some(&apps))];
    lines.push(openapi(fleet));
    let calls = calls(fleet);
    lines.push(format!(
        "  found  {}",
        if calls.is_empty() { "no outgoing calls".to_owned() } else { calls }
    ));
    let secrets = secrets(fleet);
    if !secrets.is_empty() {
        let (count, list) = (count(secrets.len(), "secret"), some(&secrets));
        lines.push(format!("  found  {count} in code: {list}   (RW3101, not copied)"));
    }
    if !fleet.unreadable.is_empty() {
        let list = some(&fleet.unreadable);
        lines.push(format!(
            "  note   not Python that can be read: {list}; routes there are missing"
        ));
    }
    lines
}

/// The last fact: what was written, and what is left to the person.
pub(super) fn wrote(name: &str, text: &str) -> String {
    let guesses = text.matches("# guess").count();
    let todos = text.matches("# TODO").count();
    let lines = text.lines().count();
    format!(
        "  wrote  {name}  {lines} lines, {guesses} marked `# guess`, {todos} marked TODO: who are your users?"
    )
}

/// The same for programs.
pub(super) fn json(fleet: &Fleet) -> Value {
    let service = |service: &Found| {
        json!({
            "name": service.app.name,
            "file": service.app.file,
            "routes": service.operations.len(),
            "openapi": service.app.openapi,
            "port": service.app.port,
            "hosts": service.app.hosts,
        })
    };
    let hits = fleet.services.iter().flat_map(|service| &service.secrets).chain(&fleet.secrets);
    let secrets = hits.map(
        |hit| json!({ "code": "RW3101", "file": hit.file, "line": hit.line, "name": hit.name }),
    );
    json!({
        "name": fleet.name,
        "services": fleet.services.iter().map(service).collect::<Vec<_>>(),
        "partners": fleet.partners.keys().collect::<Vec<_>>(),
        "secrets": secrets.collect::<Vec<_>>(),
        "unreadable": fleet.unreadable,
    })
}

/// What to say when there is no Flask app.
pub(super) fn nothing(tree: &dyn Tree, survey: &Survey, dir: &Path) -> (String, String) {
    let python = tree.files().iter().filter(|file| file.rsplit('.').next() == Some("py")).count();
    let message = format!(
        "no Flask app in {}: looked through {} for `Flask(…)`",
        dir.display(),
        count(python, "Python file")
    );
    let mut help =
        "start it in the folder that holds your services, or name it: `ringwall init DIR`"
            .to_owned();
    if !survey.unreadable.is_empty() {
        help.push_str("; these could not be read: ");
        help.push_str(&some(&survey.unreadable));
    }
    (message, help)
}

fn openapi(fleet: &Fleet) -> String {
    let is_used =
        |service: &&Found| service.app.openapi.is_some() && service.openapi_problem.is_none();
    let files: Vec<String> = fleet
        .services
        .iter()
        .filter(is_used)
        .filter_map(|service| service.app.openapi.clone())
        .collect();
    let others: Vec<String> = fleet
        .services
        .iter()
        .filter(|service| !is_used(service))
        .map(|service| service.app.name.clone())
        .collect();
    let mut line = match files.as_slice() {
        [] => "  found  no OpenAPI file".to_owned(),
        files => format!("  found  {}   {}", count(files.len(), "OpenAPI file"), some(files)),
    };
    if !others.is_empty() {
        line.extend([";  ", &some(&others), ": operations taken from the Flask routes"]);
    }
    let drift: usize = fleet.services.iter().map(|service| service.drift).sum();
    if drift > 0 {
        line.extend([";  ", &count(drift, "operation"), " not the same in file and routes"]);
    }
    line
}

fn calls(fleet: &Fleet) -> String {
    let mut edges: BTreeMap<String, usize> = BTreeMap::new();
    for service in &fleet.services {
        for (caller, calls) in &service.callers {
            let known: usize = calls.known.values().map(Vec::len).sum();
            let edge = format!("{caller}→{}", service.app.name);
            edges.insert(edge, known.saturating_add(calls.unknown.len()));
        }
    }
    for (base, partner) in &fleet.partners {
        let host = base.split("://").nth(1).unwrap_or(base);
        for (caller, routes) in &partner.callers {
            edges.insert(format!("{caller}→{host}"), routes.values().map(Vec::len).sum());
        }
    }
    if edges.is_empty() {
        return String::new();
    }
    let total: usize = edges.values().sum();
    let edges: Vec<String> = edges
        .into_iter()
        .map(|(edge, number)| if number == 1 { edge } else { format!("{edge} ({number})") })
        .collect();
    format!("{}   {}", count(total, "outgoing call"), some(&edges))
}

fn secrets(fleet: &Fleet) -> Vec<String> {
    let hits = fleet.services.iter().flat_map(|service| &service.secrets).chain(&fleet.secrets);
    hits.map(|hit| format!("{}:{} {}", hit.file, hit.line, hit.name)).collect()
}

/// The first few, and how many more there are.
pub(super) fn some(list: &[String]) -> String {
    let shown = list.iter().take(LISTED_MAX).map(|item| plain(item)).collect::<Vec<_>>().join("  ");
    match list.len().saturating_sub(LISTED_MAX) {
        0 => shown,
        more => format!("{shown}  and {more} more"),
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Names of files are foreign text: on a terminal and in a comment they stay on one line.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

const LISTED_MAX: usize = 6;
