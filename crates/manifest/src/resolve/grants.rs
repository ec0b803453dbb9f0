//! Who may do what: `people.ROLE` and `callers.SERVICE`.

use std::collections::BTreeMap;

use super::{Checker, scope_named, scope_of};
use crate::catalogue::code;
use crate::model::{Grant, Scope};
use crate::node::Entry;
use crate::source::At;
use crate::suggest::did_you_mean;

type Grants = BTreeMap<String, Vec<Grant>>;

/// Which side a grant is for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Side {
    Callers,
    People,
}

impl Checker<'_> {
    pub(super) fn people(&mut self, service: &Entry) -> Grants {
        let mut grants = Grants::new();
        for entry in service.node.table("people") {
            let role = entry.key.as_str();
            if role != "anyone" && !self.names.roles.contains_key(role) {
                self.unknown_person(service, entry);
                continue;
            }
            let list = self.grants(service, entry, Side::People);
            grants.insert(entry.key.clone(), list);
        }
        grants
    }

    pub(super) fn callers(&mut self, service: &Entry) -> Grants {
        let mut grants = Grants::new();
        for entry in service.node.table("callers") {
            let caller = entry.key.as_str();
            if !self.names.services.contains_key(caller) {
                self.unknown_caller(&format!("service `{}`", service.key), entry);
                continue;
            }
            let list = self.grants(service, entry, Side::Callers);
            grants.insert(entry.key.clone(), list);
        }
        grants
    }

    fn unknown_person(&mut self, service: &Entry, entry: &Entry) {
        let role = entry.key.as_str();
        let roles = || self.names.roles.keys().map(String::as_str).chain(["anyone"]);
        let (label, help) = match self.names.kind(role) {
            Some(kind @ "a service") => {
                (format!("this is {kind}, not a role"), format!("write `callers.{role} = …`"))
            }
            Some(kind) => (
                format!("this is {kind}, not a role"),
                "only roles and `anyone` stand in `people`".to_owned(),
            ),
            None if role == "everyone" || role == "public" || role == "anonymous" => (
                "no role has this name".to_owned(),
                "write `people.anyone = …` for people who are not signed in".to_owned(),
            ),
            None => (
                "no role has this name".to_owned(),
                did_you_mean(role, roles())
                    .unwrap_or_else(|| format!("declare it: `{role} = {{}}` under `[roles]`")),
            ),
        };
        let message =
            format!("service `{}` lets in people `{role}`, but no role has that name", service.key);
        self.findings.add(code::UNKNOWN_ROLE, entry.at, message).label(label).help(help);
    }

    /// Reports a caller that is no service. `who` begins the sentence.
    pub(super) fn unknown_caller(&mut self, who: &str, entry: &Entry) {
        let caller = entry.key.as_str();
        let (label, help) = match self.names.kind(caller) {
            Some(kind @ "a role") => {
                (format!("this is {kind}, not a service"), format!("write `people.{caller} = …`"))
            }
            Some(kind @ "a partner") => (
                format!("this is {kind}, not a service"),
                format!("a partner comes in by its webhook: `[partners.{caller}] webhook`"),
            ),
            Some(kind) => (
                format!("this is {kind}, not a service"),
                "only services stand in `callers`".to_owned(),
            ),
            None if caller == "anyone" => (
                "this means people".to_owned(),
                "write `people.anyone = …`, or name the services one by one".to_owned(),
            ),
            None => (
                "no service has this name".to_owned(),
                did_you_mean(caller, self.names.services.keys().map(String::as_str))
                    .unwrap_or_else(|| format!("declare it as `[services.{caller}]`")),
            ),
        };
        let message = format!("{who} lets in caller `{caller}`, but no service has that name");
        self.findings.add(code::UNKNOWN_SERVICE, entry.at, message).label(label).help(help);
    }

    fn grants(&mut self, service: &Entry, entry: &Entry, side: Side) -> Vec<Grant> {
        let mut grants: Vec<Grant> = Vec::new();
        for (text, at) in entry.node.texts() {
            let (name, word) = scope_of(text);
            let Some(scope) = self.scope(&service.key, name, word, (at, side)) else { continue };
            if scope == Scope::Own && entry.key == "anyone" {
                self.findings
                    .add(code::BAD_GRANT, at, "who is not signed in owns nothing")
                    .label("`:own` needs a person")
                    .help(format!("grant it to a role: `people.customer = [\"{text}\"]`"));
            } else if name == "*" {
                self.all_operations(service, entry, (at, scope), &mut grants);
            } else if self.known_operation(&service.key, name, at) {
                self.one(name, at, scope, &mut grants);
            }
        }
        grants
    }

    /// Adds a grant, unless an earlier one of the list gives the same or more.
    fn one(&mut self, name: &str, at: At, scope: Scope, grants: &mut Vec<Grant>) {
        let grant = Grant { operation: name.to_owned(), scope, place: self.place(at) };
        let Some(first) = grants.iter_mut().find(|known| known.operation == name) else {
            grants.push(grant);
            return;
        };
        let related = self
            .findings
            .related(self.marks.get(&first.place).copied().unwrap_or_default(), "also here");
        self.findings
            .add(code::REDUNDANT_GRANT, at, format!("`{name}` is granted twice in one list"))
            .label("the wider of the two is what counts")
            .help("keep the one that you mean")
            .related(related);
        if scope == Scope::All {
            *first = grant;
        }
    }

    fn all_operations(
        &mut self,
        service: &Entry,
        entry: &Entry,
        (at, scope): (At, Scope),
        grants: &mut Vec<Grant>,
    ) {
        let names: Vec<String> = match self.model.services.get(&service.key) {
            Some(known) => known.operations.keys().cloned().collect(),
            None => Vec::new(),
        };
        let severity_help = if entry.key == "anyone" {
            "anybody on the internet may then do everything: name the operations"
        } else {
            "new operations are granted without anybody deciding it: name the operations"
        };
        let message =
            format!("`{}` may do all {} operations of `{}`", entry.key, names.len(), service.key);
        self.findings
            .add(code::OVER_BROAD, at, message)
            .label("also those added later")
            .help(severity_help);
        for name in names {
            if !grants.iter().any(|known| known.operation == name) {
                let place = self.place(at);
                grants.push(Grant { operation: name, scope, place });
            }
        }
    }

    fn scope(
        &mut self,
        service: &str,
        name: &str,
        word: Option<&str>,
        (at, side): (At, Side),
    ) -> Option<Scope> {
        let Some(word) = word else { return Some(Scope::All) };
        match (scope_named(word), side) {
            (Some(Scope::Own), Side::Callers) => {
                self.findings
                    .add(code::OWN_FOR_SERVICE, at, "a service owns nothing")
                    .label("`:own` is for people")
                    .help(format!(
                        "write `\"{name}:on-behalf\"`: allowed when a person's call is passed on"
                    ));
                None
            }
            (Some(Scope::OnBehalf), Side::People) => {
                self.findings
                    .add(code::BEHALF_FOR_PEOPLE, at, "people act for themselves")
                    .label("`:on-behalf` is for callers")
                    .help(format!("write `\"{name}\"` or `\"{name}:own\"`"));
                None
            }
            (Some(scope), _) => Some(scope),
            (None, _) => {
                let help = did_you_mean(word, ["own", "on-behalf"]).unwrap_or_else(|| {
                    format!("write an operation of `{service}`, such as `\"{name}\"`")
                });
                self.findings
                    .add(code::BAD_GRANT, at, format!("`:{word}` is not known"))
                    .label("`:own` for people, `:on-behalf` for callers")
                    .help(help);
                None
            }
        }
    }
}
