//! `ringwall waf test`: requests of a file, judged by the rules of the manifest.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use ringwall_waf::{Arena, Connection, NoMemory, RequestHead, Ruleset, Transaction};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;
use crate::requests::{self, Request};
use crate::{render, rules};

/// Which requests.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// A HAR file of a browser, JSON lines (`{"method", "url", "headers", "body"}`), or HTTP
    /// requests as they are sent, with a line `---` between them
    file: PathBuf,
    /// Show only those that would be refused
    #[arg(long)]
    refused: bool,
}

/// Judges each request. Exit code 4 when one would be refused.
pub(super) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let loaded = Loaded::read(place)?;
    let model = match loaded.model(out)? {
        Ok(model) => model,
        Err(exit) => return Ok(exit),
    };
    let rules = match rules::read_always(model, place) {
        Ok(rules) => rules,
        Err((findings, _)) => {
            render::findings(&findings, &loaded.texts, out)?;
            return Ok(Exit::Invalid);
        }
    };
    let requests = requests::read(&args.file, &model.gateway.host)?;
    let mut arena = Arena::new();
    let mut refused = 0_usize;
    let mut shown = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        let verdict = judge(&rules.set, &arena, request);
        arena.reset();
        refused = refused.saturating_add(usize::from(verdict.status.is_some()));
        if verdict.status.is_some() || !args.refused {
            shown.push((number.saturating_add(1), request, verdict));
        }
    }
    if out.format() == Format::Json {
        let values = shown.iter().map(|(number, request, verdict)| verdict.json(*number, request));
        out.json(&json!({
            "requests": requests.len(), "refused": refused, "verdicts": values.collect::<Vec<_>>(),
        }))?;
    } else {
        for (number, request, verdict) in &shown {
            out.data(&verdict.text(*number, request))?;
        }
        out.talk(&format!("{refused} of {} would be refused", requests.len()));
    }
    Ok(if refused == 0 { Exit::Ok } else { Exit::Findings })
}

/// What the rules said.
#[derive(Debug)]
struct Verdict {
    /// What the client would be answered, when not what the service says.
    status: Option<u16>,
    score: Option<String>,
    matches: Vec<Matched>,
}

#[derive(Debug)]
struct Matched {
    rule: u64,
    place: String,
    variable: String,
    message: String,
}

fn judge(rules: &Ruleset, arena: &Arena, request: &Request) -> Verdict {
    let connection = Connection {
        client_address: "192.0.2.1",
        client_port: 50_000,
        server_address: "192.0.2.2",
        server_port: 443,
        user: "",
        unique_id: "test",
        now_secs: 0,
    };
    let headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
    let head = RequestHead {
        method: request.method.as_bytes(),
        target: request.target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
    };
    let mut transaction = Transaction::begin(rules, arena, &NoMemory, connection, head);
    transaction.request_body(&request.body);
    let status = transaction.intervention().map(|one| one.status);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let score = ["blocking_inbound_anomaly_score", "anomaly_score"]
        .into_iter()
        .find_map(|name| transaction.tx(name))
        .map(text);
    let logged = transaction.matches().iter().filter(|one| one.is_logged());
    let matches = logged.map(|one| Matched {
        rule: one.id(),
        place: format!("{}:{}", one.place().file, one.place().line),
        variable: text(one.variable),
        message: text(one.message),
    });
    Verdict { status, score, matches: matches.collect() }
}

impl Verdict {
    fn text(&self, number: usize, request: &Request) -> String {
        let verdict = self.status.map_or_else(|| "pass".to_owned(), |status| status.to_string());
        let score = self.score.as_ref().map_or_else(String::new, |one| format!(", score {one}"));
        let target: String = request.target.escape_debug().take(TARGET_CHARS).collect();
        let mut text =
            format!("{number}. {verdict}{score}: {} {target}", request.method.escape_debug());
        for one in &self.matches {
            let (message, variable) = (one.message.escape_debug(), one.variable.escape_debug());
            let at = &one.place;
            // A string takes all that is written.
            write!(text, "\n     {} {message} in {variable} ({at})", one.rule).unwrap_or_default();
        }
        text
    }

    fn json(&self, number: usize, request: &Request) -> Value {
        let matches = self.matches.iter().map(|one| {
            json!({
                "rule": one.rule, "at": one.place, "variable": one.variable, "message": one.message,
            })
        });
        json!({
            "number": number,
            "method": request.method,
            "target": request.target,
            "status": self.status,
            "score": self.score,
            "matches": matches.collect::<Vec<_>>(),
        })
    }
}

/// As much of a target as fits on a line.
const TARGET_CHARS: usize = 100;
