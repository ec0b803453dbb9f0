//! What is declared but not enforced by this version. It is said, never silently accepted.

mod door;

use ringwall_base::Place;

use crate::catalogue::code;
use crate::model::{Login, Logs, Model};
use crate::resolve::Checker;
use crate::source::At;

pub(super) fn run(checker: &mut Checker<'_>) {
    let mut found: Vec<(String, At)> = unenforced(&checker.model)
        .into_iter()
        .map(|(what, place)| (what, checker.at(&place)))
        .collect();
    if let Some(entry) = checker.root.entry("policies")
        && !checker.inputs.enforces_policies
    {
        found.push(("conditions in `policies`".to_owned(), entry.at));
    }
    for env in checker.root.table("env") {
        if let Some(identity) = env.node.entry("identity") {
            found.push((format!("`env.{}.identity`", env.key), identity.at));
        }
    }
    for (what, at) in found {
        checker
            .findings
            .add(code::NOT_YET, at, format!("{what}: declared, not yet enforced"))
            .label("read and checked, without effect in this version");
    }
}

/// What of a manifest this version does not enforce, each with its line.
pub fn unenforced(model: &Model) -> Vec<(String, Place)> {
    let mut found = Vec::new();
    let gateway = &model.gateway;
    // Without `[gateway.oidc]` nobody is known there.
    if let (Login::Issuer(issuer), None) = (&gateway.login, &gateway.oidc) {
        found.push((format!("sign-in at {issuer}"), gateway.place.clone()));
    }
    for (name, class) in &model.data {
        // To leave a field out is the default, and what happens: no body is ever logged.
        if class.logs != Logs::Drop {
            found.push((format!("`logs` of data class `{name}`"), class.place.clone()));
        }
    }
    for (name, partner) in &model.partners {
        if partner.auth.is_some() {
            found.push((format!("the credential of partner `{name}`"), partner.place.clone()));
        }
        if !partner.callers.is_empty() {
            found.push((format!("the routes of partner `{name}`"), partner.place.clone()));
        }
        if let Some(hook) = &partner.webhook {
            found.push((format!("the signature of partner `{name}`"), hook.place.clone()));
        }
    }
    for (name, secret) in model.secrets.iter().filter(|(_, secret)| secret.rotate.is_some()) {
        found.push((format!("the rotation of secret `{name}`"), secret.place.clone()));
    }
    found.extend(door::of(model));
    found
}
