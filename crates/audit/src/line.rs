//! The canonical line of an event: ECS 9 with a closed `ringwall.*` namespace.
//!
//! These bytes are what is hashed; nothing ever serializes an event a second time. All texts are
//! capped, and characters that a terminal obeys or a reader does not see are escaped.
//!
//! Written by hand, because every request has a line: `serde_json` takes three times as long. A test
//! holds both equal. A line has two parts: the tail is all that whoever puts an event knows, and is
//! written on its thread; the head has id and sequence, which only the log's writer gives.

mod judged;
mod text;

use ringwall_base::{Notice, Outcome, Place, Timestamp, Ulid};

use crate::action::Action;
use text::{decimal, digits, string};

/// Longer texts are cut. Paths and reasons carry what an attacker wrote; names are short.
const PATH_BYTES_MAX: usize = 1_024;
const REASON_BYTES_MAX: usize = 2_048;
const NAME_BYTES_MAX: usize = 256;
const ROLES_MAX: usize = 32;

/// Room for a usual tail.
pub(crate) const TAIL_BYTES_USUAL: usize = 768;

/// Writes the canonical line of an event, without an end of line.
pub fn canonical(notice: &Notice<'_>, at: Timestamp, id: Ulid, sequence: u64) -> Vec<u8> {
    let mut line = Vec::with_capacity(TAIL_BYTES_USUAL);
    head(&mut line, at, id, sequence);
    tail(&mut line, notice);
    line
}

/// The part that the log's writer knows.
pub(crate) fn head(line: &mut Vec<u8>, at: Timestamp, id: Ulid, sequence: u64) {
    line.extend_from_slice(b"{\"@timestamp\":\"");
    time(line, at);
    line.extend_from_slice(b"\",\"event\":{\"id\":\"");
    line.extend_from_slice(&id.text());
    line.extend_from_slice(b"\",\"sequence\":");
    decimal(line, sequence);
}

/// All the rest.
pub(crate) fn tail(line: &mut Vec<u8>, notice: &Notice<'_>) {
    let catalogue = Action::find(notice.action);
    name(line, b",\"action\":", Some(notice.action));
    line.extend_from_slice(b",\"category\":[");
    string(line, catalogue.map_or("configuration", |action| action.category));
    line.extend_from_slice(b"],\"type\":[");
    string(line, catalogue.map_or("info", |action| action.kind));
    let is_failure = notice.outcome == Outcome::Failure;
    line.extend_from_slice(b"],\"outcome\":");
    string(line, if is_failure { "failure" } else { "success" });
    name(line, b",\"code\":", notice.code);
    capped(line, b",\"reason\":", notice.reason, REASON_BYTES_MAX);
    let nanos = notice.duration_micros.map(|micros| micros.saturating_mul(1_000));
    number(line, b",\"duration\":", nanos);
    line.push(b'}');
    user(line, notice);
    within(line, b",\"organization\":{", |line| name(line, b",\"id\":", notice.organisation));
    within(line, b",\"source\":{", |line| name(line, b",\"ip\":", notice.source));
    within(line, b",\"service\":{", |line| name(line, b",\"name\":", notice.service));
    within(line, b",\"http\":{", |line| http(line, notice));
    within(line, b",\"url\":{", |line| {
        capped(line, b",\"path\":", notice.path, PATH_BYTES_MAX);
    });
    within(line, b",\"trace\":{", |line| name(line, b",\"id\":", notice.trace));
    within(line, b",\"ringwall\":{", |line| ringwall(line, notice));
    line.extend_from_slice(b",\"ecs\":{\"version\":\"9.0.0\"}}");
}

fn user(line: &mut Vec<u8>, notice: &Notice<'_>) {
    within(line, b",\"user\":{", |line| {
        name(line, b",\"id\":", notice.person);
        name(line, b",\"name\":", notice.person_name);
        let mut before: &[u8] = b",\"roles\":[";
        for role in notice.roles.iter().take(ROLES_MAX) {
            name(line, before, Some(role));
            before = b",";
        }
        if before == b"," {
            line.push(b']');
        }
    });
}

fn http(line: &mut Vec<u8>, notice: &Notice<'_>) {
    within(line, b",\"request\":{", |line| {
        name(line, b",\"id\":", notice.request);
        name(line, b",\"method\":", notice.method);
    });
    within(line, b",\"response\":{", |line| {
        number(line, b",\"status_code\":", notice.status.map(u64::from));
    });
}

fn ringwall(line: &mut Vec<u8>, notice: &Notice<'_>) {
    name(line, b",\"caller\":", notice.caller);
    name(line, b",\"client\":", notice.client);
    name(line, b",\"operation\":", notice.operation);
    name(line, b",\"stage\":", notice.stage);
    if let Some(place) = notice.line {
        line.extend_from_slice(b",\"line\":");
        written(line, place);
    }
    number(line, b",\"manifest\":", notice.manifest);
    if let Some(judged) = notice.judged {
        within(line, b",\"waf\":{", |line| judged::write(line, judged));
    }
    if notice.outcome == Outcome::WouldDeny {
        line.extend_from_slice(b",\"would_deny\":true");
    }
}

/// A place as it prints.
fn written(line: &mut Vec<u8>, place: &Place) {
    string(line, &place.file);
    if place.line > 0 {
        // Inside of the quotes.
        line.pop();
        for number in [place.line, place.column].into_iter().take_while(|number| *number > 0) {
            line.push(b':');
            decimal(line, number.into());
        }
        line.push(b'"');
    }
}

/// An object; left out when nothing is in it. Each member begins with a comma, which the first one
/// loses.
fn within(line: &mut Vec<u8>, key: &[u8], members: impl FnOnce(&mut Vec<u8>)) {
    let before = line.len();
    line.extend_from_slice(key);
    let start = line.len();
    members(line);
    if line.len() == start {
        line.truncate(before);
    } else {
        line.remove(start);
        line.push(b'}');
    }
}

fn name(line: &mut Vec<u8>, key: &[u8], text: Option<&str>) {
    capped(line, key, text, NAME_BYTES_MAX);
}

/// Cuts at a character border and marks the cut.
fn capped(line: &mut Vec<u8>, key: &[u8], text: Option<&str>, bytes_max: usize) {
    let Some(text) = text else { return };
    line.extend_from_slice(key);
    if text.len() <= bytes_max {
        string(line, text);
        return;
    }
    let head = text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default();
    string(line, head);
    // Inside of the quotes.
    line.pop();
    line.extend_from_slice("…\"".as_bytes());
}

fn number(line: &mut Vec<u8>, key: &[u8], value: Option<u64>) {
    let Some(value) = value else { return };
    line.extend_from_slice(key);
    decimal(line, value);
}

/// As [`Timestamp`] prints.
fn time(line: &mut Vec<u8>, at: Timestamp) {
    let [year, month, day, hour, minute, second] = at.civil();
    if year > 9_999 {
        line.extend_from_slice(at.to_string().as_bytes());
        return;
    }
    digits::<4>(line, year);
    for (before, part) in [(b'-', month), (b'-', day), (b'T', hour), (b':', minute), (b':', second)]
    {
        line.push(before);
        digits::<2>(line, part);
    }
    line.push(b'.');
    digits::<6>(line, at.micros() % 1_000_000);
    line.push(b'Z');
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
