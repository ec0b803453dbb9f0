//! A manifest as typed: files read, shapes checked, nothing resolved.
//!
//! The crate reads no files. The caller hands in the main file, then asks [`Draft::includes`] for
//! the patterns to expand and [`Draft::wants`] for the files that the check needs.

use crate::catalogue::code;
use crate::finding::{Finding, Findings};
use crate::keys::{INCLUDED, ROOT};
use crate::node::{Entry, Node};
use crate::resolve::file_of;
use crate::shape::{self, Shape};
use crate::source::{At, Source, Sources};
use crate::syntax;

/// A manifest as typed.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) sources: Sources,
    pub(crate) root: Node,
    pub(crate) findings: Vec<Finding>,
    /// Patterns that matched at least one file.
    pub(crate) answered: Vec<String>,
}

/// A file that the check needs.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Want {
    /// What it is read as.
    pub kind: WantKind,
    /// Relative to the root manifest's folder; a pattern for Cedar files.
    pub path: String,
    /// The service that it describes, or the client that it belongs to; empty for Cedar files.
    pub service: String,
}

/// What a wanted file is read as.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum WantKind {
    /// Flask source, a file or a folder.
    Flask,
    /// Stored GraphQL documents, a folder.
    GraphQl,
    /// A file descriptor set of gRPC; binary.
    Grpc,
    /// Public keys of a client, as a JWKS document.
    Jwks,
    /// An OpenAPI document.
    OpenApi,
    /// Cedar policies, a pattern with `*`.
    Policy,
}

impl Draft {
    /// Reads the main file. Mistakes are kept for [`crate::check`].
    pub fn read(main: Source) -> Self {
        let mut sources = Sources::default();
        sources.push(main);
        let mut findings = Findings::new(&sources, Vec::new());
        let root = syntax::read(0, &mut findings);
        shape::check("", &root, &Shape::Table(ROOT), &mut findings);
        let (findings, _) = findings.finish();
        Self { sources, root, findings, answered: Vec::new() }
    }

    /// The `include` patterns of the main file, such as `services/*/ringwall.toml`.
    pub fn includes(&self) -> Vec<String> {
        let texts = self.root.get("include").map(Node::texts).unwrap_or_default();
        texts.into_iter().map(|(text, _)| text.to_owned()).collect()
    }

    /// Takes in a file that `pattern` matched.
    pub fn add(&mut self, pattern: &str, source: Source) {
        self.answered.push(pattern.to_owned());
        if self.sources.has(&source.path) {
            return;
        }
        let file = self.sources.push(source);
        let mut findings = Findings::new(&self.sources, std::mem::take(&mut self.findings));
        let part = syntax::read(file, &mut findings);
        shape::check("", &part, &Shape::Table(ROOT), &mut findings);
        for entry in part.entries() {
            merge(&mut self.root, entry, &mut findings);
        }
        (self.findings, _) = findings.finish();
    }

    /// The files that [`crate::check`] needs, in a fixed order, each once.
    pub fn wants(&self) -> Vec<Want> {
        let mut wants = Vec::new();
        for service in self.root.table("services") {
            let sources = [
                ("openapi", WantKind::OpenApi),
                ("flask", WantKind::Flask),
                ("grpc", WantKind::Grpc),
            ];
            wants.extend(sources.into_iter().filter_map(|(key, kind)| {
                let node = service.node.get(key)?;
                let path = self.sources.resolve(node.at.file, file_of(node)?);
                Some(Want { kind, path, service: service.key.clone() })
            }));
        }
        wants.extend(self.root.table("services").iter().filter_map(|service| {
            let node = service.node.get("graphql")?.get("documents")?;
            let path = self.sources.resolve(node.at.file, node.as_text()?);
            Some(Want { kind: WantKind::GraphQl, path, service: service.key.clone() })
        }));
        wants.extend(self.root.table("clients").iter().filter_map(|client| {
            let node = client.node.get("jwks")?;
            let path = self.sources.resolve(node.at.file, node.as_text()?);
            Some(Want { kind: WantKind::Jwks, path, service: client.key.clone() })
        }));
        for (pattern, _) in self.root.get("policies").map(Node::texts).unwrap_or_default() {
            let path = pattern.to_owned();
            wants.push(Want { kind: WantKind::Policy, path, service: String::new() });
        }
        wants.sort();
        wants.dedup();
        wants
    }
}

/// Puts one top-level entry of an included file into the tree.
fn merge(root: &mut Node, entry: &Entry, findings: &mut Findings<'_>) {
    if !INCLUDED.contains(&entry.key.as_str()) {
        // An unknown key has been reported already.
        if ROOT.iter().any(|key| key.name == entry.key) {
            findings
                .add(code::ROOT_ONLY, entry.at, format!("`{}` in an included file", entry.key))
                .label("belongs to the main file")
                .help(format!("an included file may hold {}", INCLUDED.join(", ")));
        }
        return;
    }
    if entry.key == "ringwall" {
        return;
    }
    let Some(tables) = root.entries_mut() else { return };
    match tables.iter_mut().find(|known| known.key == entry.key) {
        Some(table) => entry.node.entries().iter().for_each(|inner| {
            graft(&mut table.node, inner, &entry.key, findings);
        }),
        None => tables.push(entry.clone()),
    }
}

fn graft(table: &mut Node, entry: &Entry, name: &str, findings: &mut Findings<'_>) {
    if let Some(first) = table.entry(&entry.key) {
        let related = findings.related(first.at, "first declared here");
        let message = format!("`{name}.{}` is declared in two files", entry.key);
        findings
            .add(code::DECLARED_TWICE, entry.at, message)
            .label("declared again")
            .help("keep one: the team that owns the service owns its table")
            .related(related);
    } else if let Some(entries) = table.entries_mut() {
        entries.push(entry.clone());
    }
}

/// Lays the overlay `[env.NAME]` over the tree. Only what an overlay may hold is looked at.
pub(crate) fn overlay(root: &mut Node, name: &str) {
    let Some(patch) = root.get("env").and_then(|env| env.get(name)).cloned() else { return };
    let hosts = [patch.entry("host"), patch.get("gateway").and_then(|node| node.entry("host"))];
    for host in hosts.into_iter().flatten() {
        put(child(root, "gateway", host.at), host);
    }
    for entry in patch.table("upstream") {
        let upstream = Entry { key: "upstream".to_owned(), ..entry.clone() };
        patch_service(root, &entry.key, &upstream);
    }
    for service in patch.table("services") {
        if let Some(upstream) = service.node.entry("upstream") {
            patch_service(root, &service.key, upstream);
        }
    }
    for client in patch.table("clients") {
        for key in ["redirect_uris", "post_logout_uris"] {
            if let Some(uris) = client.node.entry(key) {
                put(named(root, "clients", &client.key), uris);
            }
        }
    }
    for limit in patch.table("limits") {
        let limits = child(root, "limits", limit.at);
        if ["default", "login"].contains(&limit.key.as_str()) || limit.node.as_text().is_some() {
            put(limits, limit);
        } else if let Some(limits) = limits {
            for inner in limit.node.entries() {
                put(child(limits, &limit.key, limit.at), inner);
            }
        }
    }
}

fn patch_service(root: &mut Node, service: &str, upstream: &Entry) {
    put(named(root, "services", service), upstream);
}

/// What the table `table` has of this name.
fn named<'a>(root: &'a mut Node, table: &str, name: &str) -> Option<&'a mut Node> {
    let within = |node: &'a mut Node, key: &str| {
        let entries = node.entries_mut()?;
        entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    };
    within(within(root, table)?, name)
}

/// The table `key` in `node`, made when there is none.
fn child<'a>(node: &'a mut Node, key: &str, at: At) -> Option<&'a mut Node> {
    let entries = node.entries_mut()?;
    if !entries.iter().any(|entry| entry.key == key) {
        entries.push(Entry { key: key.to_owned(), at, node: Node::empty(at) });
    }
    entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
}

fn put(table: Option<&mut Node>, entry: &Entry) {
    let Some(entries) = table.and_then(Node::entries_mut) else { return };
    entries.retain(|known| known.key != entry.key);
    entries.push(entry.clone());
}
