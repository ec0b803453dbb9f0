//! From what was typed to what is true: names are resolved, defaults filled in, files read in.
//!
//! Every part adds its findings and goes on, so that one run shows every mistake.

mod names;
mod quantity;
mod gateway;
mod door;
mod tls;
mod roles;
mod clients;
mod operations;
mod services;
mod upstreams;
mod survive;
mod traffic;
mod grpc;
mod headers;
mod cors;
mod stores;
mod grants;
mod own;
mod partners;
mod limits;
mod mail;
mod oidc;
mod plans;
mod waf;
mod content;
mod expectations;

use std::collections::{BTreeMap, BTreeSet};

use ringwall_base::{Contract, Place};

use crate::catalogue::code;
use crate::draft::{self, Draft, WantKind};
use crate::finding::{Finding, Findings};
use crate::model::Model;
use crate::node::Node;
use crate::source::At;
use crate::suggest::did_you_mean;
use crate::{analyse, model};

pub(crate) use grpc::file_of;
use names::Names;

/// What the caller found out for the check: files read, environment chosen.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The `[env.NAME]` that is laid over; none for development.
    pub environment: Option<String>,
    /// Service to its operations, read from its OpenAPI file.
    pub openapi: BTreeMap<String, Contract>,
    /// Service to its operations, read from its Flask source.
    pub flask: BTreeMap<String, Contract>,
    /// Service to its methods, read from its descriptors of gRPC.
    pub grpc: BTreeMap<String, Contract>,
    /// Client to its public keys: a JWKS document.
    pub jwks: BTreeMap<String, String>,
    /// Service to the texts of its stored GraphQL documents.
    pub documents: BTreeMap<String, BTreeSet<String>>,
    /// Cedar files: path and text.
    pub policies: Vec<(String, String)>,
    /// Files that could not be read, or not be understood.
    pub failures: Vec<Failure>,
    /// Whether `policies` are enforced by this build; if not, the check says so.
    pub enforces_policies: bool,
}

/// A wanted file that could not be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What it should have been read as.
    pub kind: WantKind,
    /// The path, as in [`crate::Want`].
    pub path: String,
    /// The service or the client; empty for Cedar files.
    pub service: String,
    /// Whether the file is there but is not what it should be.
    pub is_malformed: bool,
    /// What went wrong.
    pub message: String,
    /// Where in that file, if known.
    pub place: Option<Place>,
}

/// What the check gives.
#[derive(Clone, Debug)]
pub struct Report {
    /// The resolved manifest; none when a finding makes it unusable.
    pub model: Option<Model>,
    /// The worst first, then in the order of the text.
    pub findings: Vec<Finding>,
    /// How many more there are than `findings` holds.
    pub left_out: usize,
}

/// Checks a manifest: names, references, paths, promises.
pub fn check(draft: &Draft, inputs: &Inputs) -> Report {
    let mut root = draft.root.clone();
    if let Some(name) = &inputs.environment {
        draft::overlay(&mut root, name);
    }
    let findings = Findings::new(&draft.sources, draft.findings.clone());
    let mut checker = Checker {
        names: Names::read(&root),
        root: &root,
        inputs,
        findings,
        model: Model::default(),
        marks: BTreeMap::new(),
        incomplete: Vec::new(),
    };
    checker.run(draft);
    let Checker { findings, model, .. } = checker;
    let model = (!findings.is_invalid()).then_some(model);
    let (findings, left_out) = findings.finish();
    Report { model, findings, left_out }
}

/// The state of one check.
pub(crate) struct Checker<'a> {
    pub(crate) root: &'a Node,
    pub(crate) inputs: &'a Inputs,
    pub(crate) findings: Findings<'a>,
    pub(crate) model: Model,
    names: Names,
    /// The span behind each place of the model, for findings of the analysis.
    marks: BTreeMap<Place, At>,
    /// Services whose operations could not be read: nothing more is said about them.
    pub(crate) incomplete: Vec<String>,
}

impl Checker<'_> {
    fn run(&mut self, draft: &Draft) {
        self.head(draft);
        self.names();
        self.gateway();
        self.roles();
        self.data();
        self.secrets();
        self.clients();
        self.services();
        self.partners();
        self.stores();
        self.limits();
        self.redis();
        self.waf();
        self.mail();
        self.plans();
        self.expectations();
        analyse::run(self);
    }

    /// Version, fleet name, includes, environment, policies.
    fn head(&mut self, draft: &Draft) {
        let start = At::default();
        if self.root.get("ringwall").is_none() {
            self.findings
                .add(code::VERSION, start, "the version of the manifest is missing")
                .label("the first line")
                .help("write `ringwall = 1` as the first line");
        }
        match self.root.entry("name") {
            None => {
                self.findings
                    .add(code::BAD_NAME, start, "the fleet has no name")
                    .help("write `name = \"shop\"`: it is also the trust domain of identities");
            }
            Some(entry) => {
                let (at, name) = (entry.node.at, entry.node.as_text().unwrap_or("").to_owned());
                self.fleet_name(at, &name);
                self.model.name = name;
            }
        }
        for (pattern, at) in self.root.get("include").map(Node::texts).unwrap_or_default() {
            if !draft.answered.iter().any(|answered| answered == pattern) {
                self.findings
                    .add(code::INCLUDE_EMPTY, at, format!("`{pattern}` matches no file"))
                    .label("nothing is included")
                    .help("paths are relative to this manifest's folder");
            }
        }
        self.environment();
        self.model.policies.clone_from(&self.inputs.policies);
        self.failures(WantKind::Policy, "", self.root.get("policies").map(|node| node.at));
    }

    fn environment(&mut self) {
        let Some(name) = &self.inputs.environment else { return };
        let known: Vec<&str> = self.root.table("env").iter().map(|env| env.key.as_str()).collect();
        if !known.contains(&name.as_str()) {
            let at = self.root.entry("env").map_or_else(At::default, |env| env.at);
            self.findings
                .add(code::UNKNOWN_ENVIRONMENT, at, format!("there is no environment `{name}`"))
                .help(format!("write `[env.{name}]`, even if nothing differs there"))
                .help_maybe(did_you_mean(name, known));
        }
    }

    /// Reports the files of one kind and service that could not be read.
    fn failures(&mut self, kind: WantKind, service: &str, at: Option<At>) -> bool {
        let inputs = self.inputs;
        let mut found = false;
        for failure in &inputs.failures {
            if failure.kind != kind || failure.service != service {
                continue;
            }
            found = true;
            let code = match (kind, failure.is_malformed) {
                (WantKind::OpenApi, false) => code::OPENAPI_UNREADABLE,
                (WantKind::OpenApi, true) => code::OPENAPI_INVALID,
                (WantKind::Flask, _) => code::FLASK_UNREADABLE,
                (WantKind::Grpc, _) => code::DESCRIPTORS,
                (WantKind::Policy, _) => code::POLICY_UNREADABLE,
                (WantKind::Jwks, _) => code::JWKS_UNREADABLE,
                (WantKind::GraphQl, _) => code::BAD_CONTENT,
            };
            let place =
                failure.place.as_ref().map_or_else(|| failure.path.clone(), Place::to_string);
            self.findings
                .add(code, at.unwrap_or_default(), format!("`{place}`: {}", failure.message))
                .label("this file is needed")
                .help(match kind {
                    WantKind::OpenApi => {
                        "correct the file, or remove the line and name the operations in `routes`"
                    }
                    WantKind::Flask => "name the Python file or folder that makes the Flask app",
                    WantKind::GraphQl => "a folder with one document in each `*.graphql` file",
                    WantKind::Grpc => {
                        "write it with `protoc --include_imports --descriptor_set_out=FILE`, or `buf build -o FILE`"
                    }
                    WantKind::Policy => "correct the file, or remove it from `policies`",
                    WantKind::Jwks => "a JWKS document with public keys: `{\"keys\": [{…}]}`",
                });
        }
        found
    }

    /// The place of a span; the span can be found again by [`Checker::at`].
    fn place(&mut self, at: At) -> Place {
        let place = self.findings.sources.place(at);
        self.marks.insert(place.clone(), at);
        place
    }

    /// The span behind a place of the model.
    pub(crate) fn at(&self, place: &Place) -> At {
        self.marks.get(place).copied().unwrap_or_default()
    }

    /// A path written at `at`, relative to the root manifest's folder.
    fn path(&self, at: At, path: &str) -> String {
        self.findings.sources.resolve(at.file, path)
    }
}

/// Text keys of a table as a map.
fn text_map(node: Option<&Node>) -> BTreeMap<String, String> {
    let entries = node.map_or(&[][..], Node::entries);
    entries
        .iter()
        .filter_map(|entry| Some((entry.key.clone(), entry.node.as_text()?.to_owned())))
        .collect()
}

/// A switch that is on.
fn is_true(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool).unwrap_or(false)
}

/// The word of a key with a few choices, turned into its meaning.
fn chosen<T: Copy>(node: &Node, key: &str, words: &[(&str, T)], otherwise: T) -> T {
    let text = node.text(key).unwrap_or("");
    words.iter().find(|(word, _)| *word == text).map_or(otherwise, |(_, meaning)| *meaning)
}

/// What `:own` and `:on-behalf` mean.
fn scope_of(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(name, scope)| (name, Some(scope)))
}

/// Whether a scope word is known.
fn scope_named(word: &str) -> Option<model::Scope> {
    match word {
        "own" => Some(model::Scope::Own),
        "on-behalf" => Some(model::Scope::OnBehalf),
        _ => None,
    }
}
