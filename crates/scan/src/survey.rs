//! What a repository holds: apps, how they are started, whom they call, what they leak.

mod group;
mod name;
mod settings;
mod start;
mod callee;

use std::collections::BTreeMap;

use ringwall_base::Contract;

use crate::compose;
use crate::contract::{contract_of, is_below, is_source};
use crate::python::{self, Facts};
use crate::secrets::{self, SecretHit};
use crate::tree::Tree;

/// A repository as found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Survey {
    /// Flask apps, sorted by name.
    pub apps: Vec<App>,
    /// Values that look like committed secrets.
    pub secrets: Vec<SecretHit>,
    /// Python files that could not be read.
    pub unreadable: Vec<String>,
}

/// One Flask app, which becomes a service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct App {
    /// A name for the service, from its folder or file.
    pub name: String,
    /// Folder or file, relative to the root; `.` for the root.
    pub root: String,
    /// The file that creates the app.
    pub file: String,
    /// Folder in which it is started.
    pub dir: String,
    /// A command that probably starts it.
    pub run: String,
    /// The port that it probably listens on.
    pub port: Option<u16>,
    /// Variables that compose files and Dockerfiles set and the code reads; no secrets.
    pub environment: BTreeMap<String, String>,
    /// Variables that are set there and hold secrets. The values are not kept.
    pub secret_variables: Vec<String>,
    /// `host:port` of databases and queues that it reaches without HTTP.
    pub databases: Vec<String>,
    /// Its OpenAPI file, if there is one.
    pub openapi: Option<String>,
    /// Its operations, from the routes.
    pub contract: Contract,
    /// Its calls to others.
    pub calls: Vec<Call>,
    /// `host:port` under which other services' code calls it.
    pub hosts: Vec<String>,
    /// Whether it reads the `Authorization` header itself.
    pub reads_authorization: bool,
    /// Whether it renders pages for people.
    pub renders_pages: bool,
}

/// A call to another service or to a third party.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Call {
    /// Whom.
    pub callee: Callee,
    /// HTTP method; empty when it is not known.
    pub method: String,
    /// Path; `*` stands for a part that is known at run time only.
    pub path: String,
    /// File and line.
    pub file: String,
    /// From one.
    pub line: u32,
}

/// Whom a call goes to.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Callee {
    /// Another app: its name, and the operation, if exactly one fits.
    App(String, Option<String>),
    /// A host that is no app here: base address.
    Other(String),
}

/// Looks through a tree. Everything in the result is a guess for a person to confirm.
pub fn survey(tree: &dyn Tree) -> Survey {
    let files = tree.files();
    let mut survey = Survey::default();
    let mut read: BTreeMap<String, Facts> = BTreeMap::new();
    for file in files.iter().filter(|file| is_source(file)).take(FILES_MAX) {
        match tree.read(file).and_then(|text| python::read(&text)) {
            Some(facts) => drop(read.insert(file.clone(), facts)),
            None => survey.unreadable.push(file.clone()),
        }
    }
    let composed = composed(tree, &files);
    let roots = group::roots(&read);
    survey.apps = roots.iter().map(|root| app(tree, &files, &read, root)).collect();
    for root in &roots {
        share_constants(tree, &mut read, root);
    }
    name::name_all(&mut survey.apps);
    let surroundings = Surroundings { tree, files: &files, read: &read, composed: &composed };
    for app in &mut survey.apps {
        start::fill(&surroundings, app);
    }
    start::give_ports(&mut survey.apps);
    callee::resolve(&read, &composed, &mut survey.apps);
    survey.secrets = committed(tree, &files, &read);
    survey.apps.sort_by(|a, b| a.name.cmp(&b.name));
    survey
}

/// What surrounds the apps.
struct Surroundings<'a> {
    tree: &'a dyn Tree,
    files: &'a [String],
    read: &'a BTreeMap<String, Facts>,
    composed: &'a [(String, compose::Composed)],
}

/// Reads the files of an app again, now that the constants of all of them are known.
fn share_constants(tree: &dyn Tree, read: &mut BTreeMap<String, Facts>, root: &group::Root) {
    let mut constants: BTreeMap<String, String> = BTreeMap::new();
    let own: Vec<String> = read.keys().filter(|file| root.holds(file)).cloned().collect();
    for facts in own.iter().filter_map(|file| read.get(file)) {
        for (name, text) in &facts.constants {
            constants.entry(name.clone()).or_insert_with(|| text.clone());
        }
    }
    for file in own {
        let again = tree.read(&file).and_then(|text| python::read_with(&text, &constants));
        if let Some(facts) = again {
            read.insert(file, facts);
        }
    }
}

fn app(
    tree: &dyn Tree,
    files: &[String],
    read: &BTreeMap<String, Facts>,
    root: &group::Root,
) -> App {
    let own: BTreeMap<String, Facts> = read
        .iter()
        .filter(|(file, _)| root.holds(file))
        .map(|(file, facts)| (file.clone(), facts.clone()))
        .collect();
    App {
        root: root.path.clone(),
        file: root.file.clone(),
        openapi: files.iter().find(|file| root.holds(file) && is_openapi(tree, file)).cloned(),
        contract: contract_of(tree, &root.path, &own),
        reads_authorization: own.values().any(|facts| facts.reads_authorization),
        renders_pages: own.values().any(|facts| facts.renders_pages),
        ..App::default()
    }
}

fn is_openapi(tree: &dyn Tree, file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    let is_candidate =
        ["yaml", "yml", "json"].contains(&name.rsplit('.').next().unwrap_or_default());
    let head = |text: String| {
        text.lines().take(20).any(|line| {
            let line = line.trim_start_matches([' ', '{', '"']);
            line.starts_with("openapi:") || line.starts_with("openapi\"")
        })
    };
    is_candidate && tree.read(file).is_some_and(head)
}

/// Compose services with the folder of their file.
fn composed(tree: &dyn Tree, files: &[String]) -> Vec<(String, compose::Composed)> {
    let is_compose = |file: &&String| {
        let name = file.rsplit('/').next().unwrap_or(file);
        ["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"].contains(&name)
    };
    let mut found = Vec::new();
    for file in files.iter().filter(is_compose) {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let services = tree.read(file).map(|text| compose::read(&text)).unwrap_or_default();
        found.extend(services.into_iter().map(|service| (folder.to_owned(), service)));
    }
    found
}

fn committed(tree: &dyn Tree, files: &[String], read: &BTreeMap<String, Facts>) -> Vec<SecretHit> {
    let mut hits = Vec::new();
    for (file, facts) in read {
        for (name, value, line) in &facts.texts {
            if secrets::is_secret(name, value) {
                hits.push(SecretHit { file: file.clone(), line: *line, name: name.clone() });
            }
        }
    }
    for file in files
        .iter()
        .filter(|file| file.rsplit('/').next().is_some_and(|name| name.starts_with(".env")))
    {
        hits.extend(
            tree.read(file).map(|text| secrets::in_env_file(file, &text)).unwrap_or_default(),
        );
    }
    hits.sort();
    hits.dedup();
    hits
}

/// A repository with more Python files is surveyed app by app.
const FILES_MAX: usize = 20_000;

#[cfg(test)]
mod tests;
