//! `ringwall.waf`: what rules of the firewall found.

use ringwall_base::{Judged, RuleMatch};

use super::text::decimal;
use super::{name, number, within};

/// More than a request needs to be understood; whoever makes the list keeps it shorter.
const MATCHES_MAX: usize = 32;
const OTHERS_MAX: usize = 128;

pub(super) fn write(line: &mut Vec<u8>, judged: &Judged) {
    number(line, b",\"inbound_score\":", judged.inbound_score.map(u64::from));
    number(line, b",\"outbound_score\":", judged.outbound_score.map(u64::from));
    number(line, b",\"proven\":", u64::try_from(judged.proven).ok().filter(|count| *count > 0));
    let places = judged.proven_places.join(", ");
    name(line, b",\"proven_places\":", Some(places.as_str()).filter(|places| !places.is_empty()));
    let left_out = judged.left_out.saturating_add(judged.matches.len().saturating_sub(MATCHES_MAX));
    let left_out = u64::try_from(left_out).ok().filter(|count| *count > 0);
    number(line, b",\"left_out\":", left_out);
    let mut before: &[u8] = b",\"others\":[";
    for rule in judged.others.iter().take(OTHERS_MAX) {
        line.extend_from_slice(before);
        decimal(line, *rule);
        before = b",";
    }
    if before == b"," {
        line.push(b']');
    }
    let mut before: &[u8] = b",\"matches\":[{";
    for one in judged.matches.iter().take(MATCHES_MAX) {
        within(line, before, |line| matched(line, one));
        before = b",{";
    }
    if before == b",{" {
        line.push(b']');
    }
}

fn matched(line: &mut Vec<u8>, one: &RuleMatch) {
    line.extend_from_slice(b",\"rule\":");
    decimal(line, one.rule);
    number(line, b",\"phase\":", Some(one.phase.into()));
    number(line, b",\"severity\":", one.severity.map(u64::from));
    name(line, b",\"variable\":", Some(&one.variable));
    name(line, b",\"value\":", one.value.as_deref());
    name(line, b",\"message\":", Some(&one.message));
    if one.is_disruptive {
        line.extend_from_slice(b",\"disruptive\":true");
    }
}
