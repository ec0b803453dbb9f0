//! `ringwall status`: how the running server is.

use anyhow::Result;
use ringwall_api::{CertificateState, Reply, Request, Status};

use crate::control;
use crate::exit::Exit;
use crate::out::{Format, Out};
use crate::paths::Place;

/// Runs the command.
pub(crate) fn run(place: &Place, out: &mut Out) -> Result<Exit> {
    let Some(reply) = control::over_socket(&Request::Status, place)? else {
        let help = "start one with `ringwall dev` or `ringwall serve`, or name its --state folder";
        out.problem("RW4002", "no server runs here", Some(help));
        return Ok(Exit::Unreachable);
    };
    match reply {
        Reply::Status(status) if out.format() != Format::Json => {
            let is_healthy = is_healthy(&status);
            out.data(&text(&status))?;
            Ok(if is_healthy { Exit::Ok } else { Exit::Findings })
        }
        other => control::print(other, out),
    }
}

fn is_healthy(status: &Status) -> bool {
    let services_up = status.services.iter().all(|(_, state)| state == "up");
    let certificates_good = status.certificates.iter().all(is_good);
    let is_fresh = status.stale_names.is_empty();
    let all_asked = status.upstreams.iter().all(|(_, _, is_asked)| *is_asked);
    let shared = [&status.shared_limits, &status.shared_collections];
    let is_shared = shared.iter().all(|state| state.as_deref().is_none_or(|state| state == "up"));
    status.audit_is_writable
        && status.broken_manifest.is_none()
        && services_up
        && is_fresh
        && all_asked
        && is_shared
        && certificates_good
}

fn text(status: &Status) -> String {
    let mark = |good: bool| if good { "√" } else { "×" };
    let mut lines = vec![
        format!(
            "{} up for {} s, process {}, version {}",
            status.name, status.uptime_secs, status.pid, status.version
        ),
        format!("√ gateway   {}  ({} mode)", status.gateway, status.mode),
        format!("√ listens   {}", joined(&status.listeners)),
        format!(
            "√ clients   {} connections now, {} since the start",
            status.connections.0, status.connections.1
        ),
        match &status.broken_manifest {
            None => format!("√ manifest  version {}", status.manifest_version),
            Some(why) => {
                format!("× manifest  version {} stays in force: {why}", status.manifest_version)
            }
        },
        format!("{} audit     {} events", mark(status.audit_is_writable), status.audit_events),
    ];
    for certificate in &status.certificates {
        lines.push(format!("{} tls       {}", mark(is_good(certificate)), about(certificate)));
    }
    if !status.refused.is_empty() {
        let refused = status.refused.iter().map(|(why, count)| format!("{count} {why}"));
        lines.push(format!("! refused   {}", refused.collect::<Vec<_>>().join(", ")));
    }
    for (name, state) in &status.services {
        lines.push(format!("{} service   {name}: {state}", mark(state == "up")));
    }
    for (service, address, is_asked) in &status.upstreams {
        let state = if *is_asked { "is asked" } else { "is left out: it fails" };
        lines.push(format!("{} upstream  {service}: {address} {state}", mark(*is_asked)));
    }
    for (name, why) in &status.stale_names {
        lines
            .push(format!("{} upstream  {name}: {why}; the last good addresses stay", mark(false)));
    }
    let exchanges = [
        ("limits    shared", "counts", &status.shared_limits),
        ("firewall  collections shared", "remembers", &status.shared_collections),
    ];
    for (what, does, state) in exchanges {
        let Some(state) = state else { continue };
        let (mark, text) = match state.as_str() {
            "up" | "starting" => (mark(true), state.clone()),
            why => (mark(false), format!("each gateway {does} for itself: {why}")),
        };
        lines.push(format!("{mark} {what}: {text}"));
    }
    lines.push(if is_healthy(status) { "all is well" } else { "something needs you" }.to_owned());
    lines.join("\n")
}

/// Renewed in time, and nothing went wrong. What is renewed by us is so long before its last day.
pub(crate) fn is_good(certificate: &CertificateState) -> bool {
    let is_ours = matches!(certificate.source.as_str(), "acme" | "local authority");
    let least = if is_ours { 0 } else { RENEW_DAYS };
    certificate.problem.is_none() && certificate.days_left.is_some_and(|days| days >= least)
}

/// One certificate in a line.
pub(crate) fn about(certificate: &CertificateState) -> String {
    let names = certificate.names.join(", ");
    let mut text = format!("{names} ({})", certificate.source);
    text.extend(certificate.days_left.map(|days| format!(": {days} days left")));
    text.extend(certificate.problem.as_ref().map(|problem| format!("; {problem}")));
    text
}

/// Two weeks: time to find whoever renews by hand.
const RENEW_DAYS: u64 = 14;
/// `edge 0.0.0.0:443, http 0.0.0.0:80`.
fn joined(listeners: &[(String, String)]) -> String {
    let all: Vec<_> = listeners.iter().map(|(door, at)| format!("{door} {at}")).collect();
    all.join(", ")
}
