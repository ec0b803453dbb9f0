//! Where the owner of an object stands: `own.getOrder = "path.user_id"`.

use std::collections::BTreeMap;

use ringwall_base::{Operation, ParameterPlace};

use super::Checker;
use crate::catalogue::code;
use crate::model::{OwnerRule, OwnerSource, OwnerValue};
use crate::node::Entry;
use crate::source::At;
use crate::suggest::did_you_mean;

impl Checker<'_> {
    pub(super) fn own_rules(&mut self, service: &Entry) -> BTreeMap<String, OwnerRule> {
        let mut rules = BTreeMap::new();
        for entry in service.node.table("own") {
            if !self.known_operation(&service.key, &entry.key, entry.at) {
                continue;
            }
            let operation = self
                .model
                .services
                .get(&service.key)
                .and_then(|known| known.operations.get(&entry.key))
                .cloned();
            if let (Some(operation), Some(text)) = (operation, entry.node.as_text())
                && let Some(rule) = self.own_rule(&operation, text, entry.node.at)
            {
                rules.insert(entry.key.clone(), rule);
            }
        }
        rules
    }

    pub(super) fn own_rule(
        &mut self,
        operation: &Operation,
        text: &str,
        at: At,
    ) -> Option<OwnerRule> {
        let Some((source, name, equals)) = parse(text) else {
            self.findings
                .add(code::BAD_OWN, at, format!("`{text}` does not say where the owner stands"))
                .label("`path.`, `query.`, `body.` or `response.` and a name")
                .help(format!("write `own.{} = \"path.user_id\"`", operation.name));
            return None;
        };
        if let Some(known) = unknown_parameter(operation, source, name) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let near = did_you_mean(name, known.iter().copied());
            let help = near.unwrap_or_else(|| match known.as_slice() {
                [] => "it has none; use `response.…` if the owner stands in the answer".to_owned(),
                known => format!("it has {}", known.join(", ")),
            });
            let message = format!("`{}` has no parameter `{name}`", operation.name);
            self.findings
                .add(code::BAD_OWN, at, message)
                .label(format!("not in {} {}", operation.method, operation.path))
                .help(help);
            return None;
        }
        Some(OwnerRule { source, name: name.to_owned(), equals, place: self.place(at) })
    }
}

type Parsed<'a> = (OwnerSource, &'a str, OwnerValue);

/// `path.user_id`, `response.owner.name = person.name`.
fn parse(text: &str) -> Option<Parsed<'_>> {
    let (left, equals) = match text.split_once('=') {
        None => (text.trim(), OwnerValue::Subject),
        Some((left, right)) => match right.trim() {
            "person.name" => (left.trim(), OwnerValue::Name),
            "person.sub" => (left.trim(), OwnerValue::Subject),
            _ => return None,
        },
    };
    let (source, name) = left.split_once('.')?;
    let source = match source {
        "body" => OwnerSource::Body,
        "path" => OwnerSource::Path,
        "query" => OwnerSource::Query,
        "response" => OwnerSource::Response,
        _ => return None,
    };
    let is_name = name.split('.').all(|part| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "-_".contains(c))
    });
    is_name.then_some((source, name, equals))
}

/// The names that would be right, if `name` is not one of them. Query parameters, bodies and
/// answers are only checked where something is declared: a bare route declares nothing.
fn unknown_parameter(
    operation: &Operation,
    source: OwnerSource,
    name: &str,
) -> Option<Vec<String>> {
    let parameters = |place: ParameterPlace| -> Vec<String> {
        let all = operation.parameters.iter().filter(|one| one.place == place);
        all.map(|one| one.name.clone()).collect()
    };
    let (known, must_be_declared) = match source {
        OwnerSource::Path => {
            let mut known = parameters(ParameterPlace::Path);
            known.extend(template_names(&operation.path));
            known.sort();
            known.dedup();
            (known, true)
        }
        OwnerSource::Query => (parameters(ParameterPlace::Query), false),
        OwnerSource::Body => (operation.request_fields.clone(), false),
        OwnerSource::Response => (operation.response_fields.clone(), false),
    };
    let fits = name.split('.').all(|part| known.iter().any(|one| one == part));
    (!fits && (must_be_declared || !known.is_empty())).then_some(known)
}

fn template_names(path: &str) -> impl Iterator<Item = String> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.trim_end_matches('*').to_owned())
}
