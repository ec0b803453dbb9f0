//! The machine: its clock, its ports, its namespaces.

use std::net::ToSocketAddrs;

use ringwall_api::Status;
use ringwall_base::{Clock, SystemClock};
use ringwall_cell::{Shim, available, who_listens};
use ringwall_manifest::Model;

use super::Report;
use crate::paths::Place;

/// Whether the clock can be right: tokens, certificates and the audit log rest on it.
pub(super) fn clock(place: &Place, report: &mut Report) {
    let now = SystemClock::start().now();
    let text = now.to_string();
    let fix = "timedatectl set-ntp true";
    if now.secs() < BUILT_AFTER_SECS {
        report.bad("machine", format!("the clock says {text}, before this program was made"), fix);
        return;
    }
    let newest = ringwall_audit::tail(&place.audit(), 1).ok().and_then(|mut found| found.pop());
    let newest = newest.and_then(|entry| entry.value().ok());
    let newest = newest.as_ref().and_then(|value| value.get("@timestamp")?.as_str());
    // Both are RFC 3339 in UTC: to the second, the order of the texts is the order of time.
    let seconds = |text: &str| text.get(..SECONDS_CHARS).map(str::to_owned);
    match newest {
        Some(newest) if seconds(newest) > seconds(&text) => {
            let text = format!("the clock says {text}, before the newest audit event ({newest})");
            report.bad("machine", text, fix);
        }
        _ => report.good("machine", format!("the clock says {text}")),
    }
}

/// Whether `dev` can put services into cells.
pub(super) fn namespaces(report: &mut Report) {
    match available(Shim::default()) {
        Ok(()) => {
            report.good("machine", "namespaces are there: services cannot go around their doors");
        }
        Err(why) => {
            let text = format!(
                "no namespaces ({}): in `dev` services could go around their doors",
                why.source
            );
            report.warn("machine", text, why.hint);
        }
    }
}

/// Whether the gateway's port is free or ours, and its name leads here.
pub(super) fn gateway(model: &Model, server: Option<&Status>, report: &mut Report) {
    let (host, port) = (model.gateway.host.as_str(), model.gateway.port);
    match (who_listens(port), server) {
        (None, None) => report.good("machine", format!("port {port} is free")),
        (None, Some(status)) => {
            let text = format!("the server runs, but nobody listens on port {port}");
            report.warn("machine", text, format!("it was started for {}", status.gateway));
        }
        (Some(holder), Some(status)) if holder.pid == Some(status.pid) => {
            report.good("machine", format!("port {port} is ours"));
        }
        (Some(holder), _) => {
            let fix = match holder.pid {
                Some(pid) => {
                    format!("end it (`kill {pid}`), or choose another: `port = …` under [gateway]")
                }
                None => "choose another: `port = …` under [gateway]".to_owned(),
            };
            report.bad("machine", format!("port {port} is taken by {holder}"), fix);
        }
    }
    if (host, port).to_socket_addrs().is_ok_and(|mut found| found.next().is_some()) {
        report.good("machine", format!("{host} has an address"));
    } else {
        let text =
            format!("{host} has no address here; browsers and curl know *.localhost themselves");
        let fix = format!("for other programs: echo '127.0.0.1 {host}' | sudo tee -a /etc/hosts");
        report.warn("machine", text, fix);
    }
}

/// 2026-01-01: no clock of this program's users is before it.
const BUILT_AFTER_SECS: u64 = 1_767_225_600;
/// `2026-01-01T00:00:00`.
const SECONDS_CHARS: usize = 19;
