//! What the audit log says that rules found.

use anyhow::{Result, bail};
use ringwall_api::{AuditFilter, Reply, Request};
use serde_json::Value;

use crate::control;
use crate::paths::Place;
use crate::rules::is_one_target;

/// One request in which rules matched.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorded {
    pub(super) request: String,
    pub(super) method: String,
    pub(super) path: String,
    /// `service.operation`.
    pub(super) operation: Option<String>,
    /// Person, client or address.
    pub(super) caller: String,
    pub(super) status: Option<u64>,
    pub(super) scores: [Option<u64>; 2],
    pub(super) left_out: u64,
    /// Rules that matched and are not in `matches`.
    pub(super) others: Vec<u64>,
    /// Values that rules passed over, and some of them with what proves them.
    pub(super) proven: u64,
    pub(super) proven_places: Option<String>,
    pub(super) matches: Vec<Matched>,
}

/// One match.
#[derive(Clone, Debug, Default)]
pub(super) struct Matched {
    pub(super) rule: u64,
    pub(super) variable: String,
    /// Absent where it may be secret.
    pub(super) value: Option<String>,
    pub(super) message: String,
}

impl Matched {
    /// Whether it only adds up what others found: an exclusion there would switch everything off.
    pub(super) fn is_sum(&self) -> bool {
        self.variable.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("TX:"))
            || !self.variable.contains(':') && self.variable == "REMOTE_ADDR"
    }
}

/// The requests in which rules matched, oldest first: one of them, or the newest.
pub(super) fn read(request: Option<&str>, limit: usize, place: &Place) -> Result<Vec<Recorded>> {
    let request = request.map(str::to_owned);
    let filter = AuditFilter { limit, request, ..AuditFilter::default() };
    match control::ask(&Request::AuditQuery(filter), place)? {
        Reply::Values { values } => Ok(values.iter().filter_map(of_event).collect()),
        Reply::Failed(problem) => bail!("{}", problem.message),
        _ => bail!("the server's answer is not understood; is it another version?"),
    }
}

fn of_event(event: &Value) -> Option<Recorded> {
    let word = |path: &str| event.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let found = event.pointer("/ringwall/waf")?;
    let number = |name: &str| found.get(name).and_then(Value::as_u64);
    let list = found.get("matches").and_then(Value::as_array);
    let others = found.get("others").and_then(Value::as_array).into_iter().flatten();
    let service = word("/service/name").zip(word("/ringwall/operation"));
    let caller = ["/user/id", "/ringwall/client", "/ringwall/caller", "/source/ip"];
    Some(Recorded {
        request: word("/http/request/id").unwrap_or_default(),
        method: word("/http/request/method").unwrap_or_default(),
        path: word("/url/path").unwrap_or_default(),
        operation: service.map(|(service, operation)| format!("{service}.{operation}")),
        caller: caller.into_iter().find_map(word).unwrap_or_default(),
        status: event.pointer("/http/response/status_code").and_then(Value::as_u64),
        scores: [number("inbound_score"), number("outbound_score")],
        left_out: number("left_out").unwrap_or(0),
        others: others.filter_map(Value::as_u64).collect(),
        proven: number("proven").unwrap_or(0),
        proven_places: found.get("proven_places").and_then(Value::as_str).map(str::to_owned),
        matches: list.into_iter().flatten().map(of_match).collect(),
    })
}

fn of_match(found: &Value) -> Matched {
    let word = |name: &str| found.get(name).and_then(Value::as_str).map(str::to_owned);
    Matched {
        rule: found.get("rule").and_then(Value::as_u64).unwrap_or(0),
        variable: word("variable").unwrap_or_default(),
        value: word("value"),
        message: word("message").unwrap_or_default(),
    }
}

/// The command that would let this target pass, as narrow as is known; none where the target's name,
/// which a stranger chose, is more than a name.
pub(super) fn exclusion(
    rule: u64,
    variable: &str,
    operation: Option<&str>,
    path: &str,
) -> Option<String> {
    if !is_one_target(variable) {
        return None;
    }
    let scope = operation.map_or_else(
        || format!("--path {}", quoted(path)),
        |operation| format!("--operation {operation}"),
    );
    Some(format!("ringwall waf allow {rule} --target {} {scope}", quoted(variable)))
}

/// For a shell: the words come from a stranger.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
    if word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
