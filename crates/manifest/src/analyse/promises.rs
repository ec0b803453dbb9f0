//! `[expect]`, proved on paper: every promise is looked up in the grants.

use ringwall_base::Place;

use crate::access::{Access, Caller, flows};
use crate::catalogue::code;
use crate::model::{Expectation, Model, Party};
use crate::resolve::Checker;

pub(super) fn run(checker: &mut Checker<'_>) {
    let broken: Vec<(Expectation, Proof)> = checker
        .model
        .expectations
        .iter()
        .map(|promise| (promise.clone(), prove(&checker.model, promise)))
        .filter(|(promise, proof)| !proof.holds(promise.is_always))
        .collect();
    for (promise, proof) in broken {
        report(checker, &promise, proof);
    }
}

/// Whether every promise holds, with the line that breaks it.
pub fn standing(model: &Model) -> Vec<(&Expectation, bool)> {
    let hold = |promise: &Expectation| prove(model, promise).holds(promise.is_always);
    model.expectations.iter().map(|promise| (promise, hold(promise))).collect()
}

/// What was looked up for one promise.
#[derive(Debug, Default)]
struct Proof {
    /// What is allowed, and by which line.
    allowed: Vec<(String, Place)>,
    /// What is not.
    denied: Vec<String>,
}

impl Proof {
    fn holds(&self, is_always: bool) -> bool {
        if is_always {
            self.denied.is_empty() && !self.allowed.is_empty()
        } else {
            self.allowed.is_empty()
        }
    }

    fn note(&mut self, what: String, line: Option<Place>) {
        match line {
            Some(place) => self.allowed.push((what, place)),
            None => self.denied.push(what),
        }
    }
}

fn report(checker: &mut Checker<'_>, promise: &Expectation, proof: Proof) {
    let at = checker.at(&promise.place);
    let text = &promise.text;
    if promise.is_always {
        let what = proof.denied.first().cloned().unwrap_or_else(|| text.clone());
        checker
            .findings
            .add(
                code::EXPECTATION_BROKEN,
                at,
                format!("`{text}` is promised always, and does not hold"),
            )
            .label(format!("no line allows {what}"))
            .help(missing_line(promise));
        return;
    }
    let Some((what, place)) = proof.allowed.into_iter().next() else { return };
    let granting = checker.at(&place);
    let related = checker.findings.related(granting, format!("this line allows {what}"));
    checker
        .findings
        .add(
            code::EXPECTATION_BROKEN,
            at,
            format!("`{text}` is promised never, and {place} allows it"),
        )
        .label(format!("broken by {what}"))
        .help(format!("remove the grant at {place}, or take the promise back"))
        .related(related);
}

fn missing_line(promise: &Expectation) -> String {
    match (&promise.from, &promise.to) {
        (Party::Service(caller), Party::Operation(service, operation)) => {
            format!("write `callers.{caller} = [\"{operation}\"]` in `[services.{service}]`")
        }
        (Party::Role(role), Party::Operation(service, operation)) => {
            format!("write `people.{role} = [\"{operation}\"]` in `[services.{service}]`")
        }
        (Party::Anyone | Party::People, Party::Operation(service, operation)) => {
            format!("write `people.anyone = [\"{operation}\"]` in `[services.{service}]`")
        }
        (Party::Partner(partner), Party::Operation(service, operation)) => {
            format!(
                "write `webhook = {{ to = \"{service}.{operation}\", … }}` in `[partners.{partner}]`"
            )
        }
        (Party::Service(caller), Party::Partner(partner)) => {
            format!("write `callers.{caller} = [\"POST /…\"]` in `[partners.{partner}]`")
        }
        _ => "add the line that allows it, or take the promise back".to_owned(),
    }
}

fn prove(model: &Model, promise: &Expectation) -> Proof {
    let mut proof = Proof::default();
    if let Party::Data(class) = &promise.from {
        prove_flow(model, class, &promise.to, &mut proof);
        return proof;
    }
    let callers = callers(model, promise);
    for caller in &callers {
        match &promise.to {
            Party::Operation(service, operation) => {
                let access = Access::of(model, caller, service, operation);
                proof
                    .note(format!("{caller} → {service}.{operation}"), access.map(|one| one.place));
            }
            Party::Service(service) => {
                let operations =
                    model.services.get(service).into_iter().flat_map(|one| one.operations.keys());
                for operation in operations {
                    let access = Access::of(model, caller, service, operation);
                    proof.note(
                        format!("{caller} → {service}.{operation}"),
                        access.map(|one| one.place),
                    );
                }
            }
            Party::Partner(partner) => {
                let grants =
                    model.partners.get(partner).and_then(|one| one.callers.get(caller.name()));
                let line =
                    grants.and_then(|grants| grants.first()).map(|grant| grant.place.clone());
                proof.note(format!("{caller} → {partner}"), line);
            }
            _ => {}
        }
    }
    // "people", promised always, means each role; `anyone` then needs no line of its own.
    if promise.is_always && promise.from == Party::People && !model.roles.is_empty() {
        proof.denied.retain(|what| !what.starts_with("anyone "));
    }
    proof
}

fn callers(model: &Model, promise: &Expectation) -> Vec<Caller> {
    match &promise.from {
        Party::Anyone => vec![Caller::Anyone],
        Party::People => std::iter::once(Caller::Anyone)
            .chain(model.roles.keys().cloned().map(Caller::Role))
            .collect(),
        Party::Role(name) => vec![Caller::Role(name.clone())],
        Party::Service(name) => vec![Caller::Service(name.clone())],
        Party::Partner(name) => vec![Caller::Partner(name.clone())],
        Party::Data(_) | Party::Logs | Party::Operation(..) => Vec::new(),
    }
}

fn prove_flow(model: &Model, class: &str, to: &Party, proof: &mut Proof) {
    let (name, kind) = match to {
        Party::Logs => ("logs", "logs"),
        Party::Partner(name) => (name.as_str(), "partner"),
        Party::Service(name) => (name.as_str(), "service"),
        _ => return,
    };
    let mut line = flows(model)
        .into_iter()
        .find(|flow| flow.class == class && flow.to == name && flow.kind == kind)
        .map(|flow| flow.place);
    if kind == "service" && line.is_none() {
        let holder =
            model.services.get(name).filter(|one| one.data.iter().any(|held| held == class));
        line = holder.map(|one| one.place.clone());
    }
    proof.note(format!("{class} → {name}"), line);
}
