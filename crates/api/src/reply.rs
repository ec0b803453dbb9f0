//! What a server answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Hidden;

/// One reply.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Reply {
    /// It was done.
    Done {
        /// What was done, for a person.
        message: String,
    },
    /// It was not done.
    Failed(Problem),
    /// Rows for a table; the same content in JSON.
    Rows {
        /// Column names.
        columns: Vec<String>,
        /// Cells.
        rows: Vec<Vec<String>>,
    },
    /// A secret value.
    Secret {
        /// The value.
        value: Hidden,
        /// A remark for the person, such as that it is shown only once.
        message: Option<String>,
    },
    /// How the server is.
    Status(Box<Status>),
    /// Requests as they were recorded.
    Tap(Taps),
    /// Events or explanations, one JSON object each.
    Values {
        /// In order.
        values: Vec<Value>,
    },
}

/// Why something was not done.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// RW code.
    pub code: String,
    /// What to do instead.
    pub help: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// How a certificate of the public door is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct CertificateState {
    /// The names in it.
    pub names: Vec<String>,
    /// The file, `acme` or `local authority`.
    pub source: String,
    /// Whole days until it ends; none when there is no certificate.
    pub days_left: Option<u64>,
    /// Why there is no newer one.
    pub problem: Option<String>,
}

/// How the server is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Status {
    /// Number of events in the audit log.
    pub audit_events: u64,
    /// Whether the audit log is writable.
    pub audit_is_writable: bool,
    /// Certificates of the public door.
    #[serde(default)]
    pub certificates: Vec<CertificateState>,
    /// Findings of the last manifest that was refused, if the newest one was.
    pub broken_manifest: Option<String>,
    /// Connections of clients: open now, and accepted since the start.
    #[serde(default)]
    pub connections: (u64, u64),
    /// Doors in front of services: name and address. They want a certificate of the fleet.
    #[serde(default)]
    pub doors: Vec<(String, String)>,
    /// Where clients reach it.
    pub gateway: String,
    /// Public listeners: door and address.
    #[serde(default)]
    pub listeners: Vec<(String, String)>,
    /// Version of the snapshot in force.
    pub manifest_version: u64,
    /// `block` or `observe`.
    pub mode: String,
    /// Fleet name.
    pub name: String,
    /// Process id.
    pub pid: u32,
    /// Connections refused before their first request: reason and number.
    #[serde(default)]
    pub refused: Vec<(String, u64)>,
    /// Services: name and state.
    pub services: Vec<(String, String)>,
    /// What rules of the firewall remember, shared with other gateways: as `shared_limits`.
    #[serde(default)]
    pub shared_collections: Option<String>,
    /// Limits shared with other gateways: `up`, `starting`, or why each counts for itself. `None`:
    /// they are not shared.
    #[serde(default)]
    pub shared_limits: Option<String>,
    /// Names of upstreams that cannot be looked up, and why: their last good addresses are used.
    #[serde(default)]
    pub stale_names: Vec<(String, String)>,
    /// Endpoints of services: service, address, and whether it is asked.
    #[serde(default)]
    pub upstreams: Vec<(String, String, bool)>,
    /// Seconds since the start.
    pub uptime_secs: u64,
    /// Version of the program.
    #[serde(default)]
    pub version: String,
}

/// Requests as they were recorded, masked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Taps {
    /// The number to ask with next.
    pub next: u64,
    /// How many were not kept since the last reply.
    pub dropped: u64,
    /// In order.
    pub entries: Vec<Tapped>,
}

/// One request. No query, no header, no body; names and numbers are masked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tapped {
    /// When it ended.
    pub at: String,
    /// Its id, for `ringwall why`.
    pub request: String,
    /// `allowed`, `refused` or `would-refuse`.
    pub outcome: String,
    /// Status.
    pub status: Option<u16>,
    /// Code of a refusal.
    pub code: Option<String>,
    /// Method.
    pub method: Option<String>,
    /// Path, with `*` for what could name somebody.
    pub path: Option<String>,
    /// Service.
    pub service: Option<String>,
    /// Operation.
    pub operation: Option<String>,
    /// Calling service or client.
    pub caller: Option<String>,
    /// First letter of the login name.
    pub person: Option<String>,
    /// Microseconds until the head of the answer.
    pub micros: Option<u64>,
}

/// One operation, as `ringwall top` shows it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TopRow {
    /// Service; empty where none was found.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Requests a second.
    pub rate: f64,
    /// Share of answers with 5xx or a refusal, in percent.
    pub errors: f64,
    /// Half are answered within so many milliseconds; none without requests.
    pub p50_millis: Option<f64>,
    /// All but one of a hundred.
    pub p99_millis: Option<f64>,
}

/// One endpoint of a service, as `ringwall top` shows it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TopUpstream {
    /// Service.
    pub service: String,
    /// Its address.
    pub address: String,
    /// Whether it is neither ejected nor unhealthy.
    pub is_available: bool,
    /// Requests under way.
    pub in_flight: u64,
    /// Attempts a second that ended.
    pub rate: f64,
    /// Share of them that failed, in percent.
    pub errors: f64,
}

/// What `ringwall top` shows.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Top {
    /// Seconds that were looked at.
    pub seconds: f64,
    /// Requests that wait for an answer.
    pub in_flight: u64,
    /// Connections of clients.
    pub connections: u64,
    /// The busiest first.
    pub rows: Vec<TopRow>,
    /// Those that are not asked first, then the busiest.
    #[serde(default)]
    pub upstreams: Vec<TopUpstream>,
}
