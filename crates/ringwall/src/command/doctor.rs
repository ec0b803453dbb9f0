//! `ringwall doctor`: what could stand in the way, each with its fix. Changes nothing.

mod certificates;
mod machine;
mod services;
mod state;

use anyhow::Result;
use ringwall_api::{Reply, Request, Status};
use ringwall_manifest::Severity;
use serde_json::{Value, json};

use crate::control;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;
use crate::render;

/// Runs the command.
pub(crate) fn run(place: &Place, out: &mut Out) -> Result<Exit> {
    let mut report = Report::default();
    let loaded = manifest(place, &mut report);
    let model = loaded.as_ref().and_then(|loaded| loaded.report.model.as_ref());
    let server = server(place, &mut report);
    machine::clock(place, &mut report);
    machine::namespaces(&mut report);
    if let Some(model) = model {
        machine::gateway(model, server.as_ref(), &mut report);
        certificates::all(model, place, server.as_ref(), &mut report);
    }
    state::folder(place, &mut report);
    state::room(place, &mut report);
    state::store(place, model, server.is_some(), &mut report);
    if let Some(model) = model {
        state::secrets(model, place, &mut report);
        services::all(model, place, server.as_ref(), &mut report);
    }
    report.print(out)
}

/// How one thing is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mark {
    Good,
    Warning,
    Bad,
}

/// Everything that was looked at, in order.
#[derive(Debug, Default)]
struct Report {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    group: &'static str,
    mark: Mark,
    text: String,
    fix: Option<String>,
}

impl Report {
    fn good(&mut self, group: &'static str, text: impl Into<String>) {
        self.lines.push(Line { group, mark: Mark::Good, text: text.into(), fix: None });
    }

    fn warn(&mut self, group: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        let fix = Some(fix.into());
        self.lines.push(Line { group, mark: Mark::Warning, text: text.into(), fix });
    }

    fn bad(&mut self, group: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        let fix = Some(fix.into());
        self.lines.push(Line { group, mark: Mark::Bad, text: text.into(), fix });
    }

    fn print(&self, out: &mut Out) -> Result<Exit> {
        let count = |mark| self.lines.iter().filter(|line| line.mark == mark).count();
        let (bad, warnings) = (count(Mark::Bad), count(Mark::Warning));
        if out.format() == Format::Json {
            out.json(&json!(self.lines.iter().map(Line::json).collect::<Vec<_>>()))?;
            return Ok(if bad == 0 { Exit::Ok } else { Exit::Findings });
        }
        let mut text = String::new();
        for group in self.lines.chunk_by(|a, b| a.group == b.group) {
            text.push_str(group.first().map_or("", |line| line.group));
            text.push('\n');
            text.extend(group.iter().map(|line| line.text(out.format())));
        }
        let verdict = match (bad, warnings) {
            (0, 0) => "√ nothing stands in the way".to_owned(),
            (0, 1) => "‼ nothing stands in the way; 1 thing to know".to_owned(),
            (0, more) => format!("‼ nothing stands in the way; {more} things to know"),
            (1, _) => "× 1 thing has to be mended".to_owned(),
            (bad, _) => format!("× {bad} things have to be mended"),
        };
        text.push_str(&verdict);
        out.data(&text)?;
        Ok(if bad == 0 { Exit::Ok } else { Exit::Findings })
    }
}

impl Line {
    fn json(&self) -> Value {
        json!({
            "group": self.group,
            "state": self.mark.word(),
            "message": self.text,
            "help": self.fix,
        })
    }

    fn text(&self, format: Format) -> String {
        let mark = if format == Format::Plain { self.mark.word() } else { self.mark.sign() };
        let fix = self.fix.as_ref().map(|fix| format!("      {fix}\n")).unwrap_or_default();
        format!("  {mark} {}\n{fix}", self.text)
    }
}

impl Mark {
    fn sign(self) -> &'static str {
        match self {
            Self::Good => "√",
            Self::Warning => "‼",
            Self::Bad => "×",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

fn manifest(place: &Place, report: &mut Report) -> Option<Loaded> {
    let path = place.manifest.display();
    let loaded = match Loaded::read(place) {
        Ok(loaded) => loaded,
        Err(error) => {
            report.bad("manifest", format!("{error:#}"), "ringwall init");
            return None;
        }
    };
    let findings = &loaded.report.findings;
    let verdict = render::verdict(findings, loaded.report.left_out);
    if loaded.report.model.is_none() {
        report.bad("manifest", format!("{path} is invalid: {verdict}"), "ringwall check");
    } else if findings.iter().any(|finding| finding.severity != Severity::Note) {
        report.warn("manifest", format!("{path} is valid: {verdict}"), "ringwall check");
    } else {
        report.good("manifest", format!("{path} is valid"));
    }
    Some(loaded)
}

fn server(place: &Place, report: &mut Report) -> Option<Status> {
    match control::over_socket(&Request::Status, place) {
        Ok(None) => report.good("server", "none runs here"),
        Ok(Some(Reply::Status(status))) => {
            let text =
                format!("{} runs as process {} at {}", status.name, status.pid, status.gateway);
            report.good("server", text);
            if let Some(why) = &status.broken_manifest {
                let text = format!("it keeps the last good manifest: {why}");
                report.bad("server", text, "ringwall check");
            }
            if !status.audit_is_writable {
                let fix = "make room on the disk of the state folder: `df -h`";
                report.bad("server", "its audit log takes no events", fix);
            }
            return Some(*status);
        }
        Ok(Some(_)) => report.bad(
            "server",
            "it gives an answer that is not understood",
            "stop the server and start it with this version: `ringwall version`",
        ),
        Err(error) => report.bad("server", format!("{error:#}"), "ringwall status"),
    }
    None
}
