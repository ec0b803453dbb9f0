//! What a person sees when the server starts: at most twelve lines.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use ringwall_manifest::{Finding, Model, Severity, unenforced};

use super::{Running, outbox};
use crate::out::Out;
use crate::wire::descriptors;
use crate::wire::fleet::{Fleet, State};
use crate::wire::ground::issuer;
use crate::wire::notify;

/// Waits until the services listen, then says where everything is.
pub(super) async fn start(running: &mut Running, out: &mut Out) -> Result<()> {
    let model = running.shared.model();
    let url = issuer(&model);
    out.talk(&format!("  gateway   {url}      login    {url}{}", model.gateway.login_path));
    if running.options.is_dev() {
        let services = settle(&mut running.fleet).await;
        let shown: Vec<String> = services
            .iter()
            .map(|(name, state)| format!("{name} {}", if *state == State::Up { "✓" } else { "✗" }))
            .collect();
        let identities = count(model.services.len(), "identity", "identities");
        let egress = egress(&model);
        let shown = shown.join("  ");
        out.talk(&format!("  services  {shown}    {identities}, egress: {egress}"));
        for (name, state) in &services {
            explain(name, state, out);
        }
        if model.mail.is_none() {
            let outbox = outbox(&running.options, &running.place).unwrap_or_default();
            out.talk(&format!("  mail      written to {} (no `[mail]`)", outbox.display()));
        }
        if let Err(why) = &running.isolation {
            out.talk(&format!("  ‼ {why}: services could go around their doors; only RINGWALL_*_URL leads through them"));
            stores_without_cells(&model, out);
        }
    }
    if !running.options.is_dev() {
        out.talk(&format!("  {}", descriptors::told(&running.options)));
    }
    let has_callers = model.services.values().any(|service| !service.callers.is_empty());
    if !running.options.is_dev() && has_callers {
        out.talk(
            "  declared, not enforced by `serve`: callers.* (it opens the public door only; keep \
             services from each other by other means)",
        );
    }
    if running.options.danger_plain_http {
        out.talk("  ‼ danger_plain_http: the public door speaks HTTP without TLS");
    }
    let findings = &running.loaded.report.findings;
    pending(&model, out);
    out.talk(&format!("  {}", last_line(&model, findings, running.options.is_dev())));
    notify::tell("READY=1");
    Ok(())
}

/// Says which services ended since the last look.
pub(super) async fn ends(fleet: &mut Fleet, out: &mut Out) {
    for (name, state) in fleet.fresh_ends().await {
        explain(&name, &state, out);
    }
}

/// `1 identity`, `2 identities`.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

async fn settle(fleet: &mut Fleet) -> Vec<(String, State)> {
    for _ in 0..START_LOOKS {
        let states = fleet.states().await;
        if states.iter().all(|(_, state)| *state != State::Starting) {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    drop(fleet.fresh_ends().await);
    fleet.states().await
}

fn explain(name: &str, state: &State, out: &mut Out) {
    match state {
        State::Ended(how, last) => {
            out.talk(&format!(
                "  ✗ {name} ended ({how}); its last lines, all in .ringwall/logs/{name}.log:"
            ));
            for line in last {
                out.talk(&format!("      {line}"));
            }
        }
        State::Starting => {
            out.talk(&format!(
                "  ✗ {name} does not listen on its `upstream` yet; see .ringwall/logs/{name}.log"
            ));
        }
        State::Up => {}
    }
}

/// Without cells the host's network is used: nothing leads a name to where the database is.
fn stores_without_cells(model: &Model, out: &mut Out) {
    let stores = model.services.values().flat_map(|service| &service.stores);
    let names: BTreeSet<&str> =
        stores.filter(|(name, target)| name != target).map(|(name, _)| name.as_str()).collect();
    if !names.is_empty() {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        out.talk(&format!("  ‼ {names}: has to resolve on this machine, as `stores` needs cells"));
    }
}

/// What may be reached outside the fleet: partners and stores.
fn egress(model: &Model) -> String {
    let stores = model.services.values().flat_map(|service| service.stores.keys());
    let names: BTreeSet<&str> = model.partners.keys().chain(stores).map(String::as_str).collect();
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() { "nothing".to_owned() } else { format!("{} only", names.join(", ")) }
}

/// One line for everything that is declared but not enforced yet.
fn pending(model: &Model, out: &mut Out) {
    let pending = unenforced(model);
    if pending.is_empty() {
        return;
    }
    let shown: Vec<&str> =
        pending.iter().take(PENDING_SHOWN).map(|(what, _)| what.as_str()).collect();
    let more = match pending.len().saturating_sub(PENDING_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    out.talk(&format!(
        "  declared, not yet enforced: {}{more} (`ringwall check` lists all)",
        shown.join(", ")
    ));
}

fn last_line(model: &Model, findings: &[Finding], is_dev: bool) -> String {
    let people = model.services.values().filter(|service| !service.people.is_empty());
    let facing: BTreeSet<_> = people
        .flat_map(|service| {
            service.people.values().flatten().map(move |grant| (&service.name, &grant.operation))
        })
        .collect();
    let all: usize = model.services.values().map(|service| service.operations.len()).sum();
    let is_broken = findings
        .iter()
        .any(|finding| finding.code == "RW2001" && finding.severity == Severity::Error);
    let promises = match (model.expectations.len(), is_broken) {
        (0, _) => "no expectations declared".to_owned(),
        (_, true) => "NOT all expectations hold".to_owned(),
        (1, false) => "the expectation holds".to_owned(),
        (many, false) => format!("{many} expectations hold"),
    };
    let internal = all.saturating_sub(facing.len());
    let tail = if is_dev { "Watching ringwall.toml. Ctrl-C stops everything." } else { "Ready." };
    let facing = count(facing.len(), "people-facing operation", "people-facing operations");
    format!("{facing}, {internal} internal, {promises}. {tail}")
}

/// The rest is in `ringwall check`: a start fits into twelve lines.
const PENDING_SHOWN: usize = 4;

/// Together 30 s, which is what gunicorn gives its own workers.
const START_LOOKS: usize = 600;
const LOOK: Duration = Duration::from_millis(50);
