//! Why a request was answered as it was: the event in the log, and the manifest line behind it.

use anyhow::Result;
use ringwall_api::Reply;
use ringwall_manifest::{Model, why};
use serde_json::{Value, json};

use super::execute::failed;
use super::ground::Ground;

/// Explains one request by its id.
pub(super) fn request(ground: &Ground, model: Option<&Model>, id: &str) -> Result<Reply> {
    // What was just answered may still be on its way to the disk.
    ground.log().flush()?;
    let found = ground.log().find_request(id)?;
    let Some(entry) = found.last() else {
        let help = "ids are in the answer's `Ringwall-Request` header and in its body; \
                    answers older than the log's retention are gone";
        return Ok(failed(&format!("no request `{id}` in the audit log"), Some(help)));
    };
    let event: Value = entry.value()?;
    let text = Told::of(&event).text(model);
    Ok(Reply::Values { values: vec![json!({ "text": text, "event": event })] })
}

/// The parts of an event that tell why.
struct Told<'a>(&'a Value);

impl<'a> Told<'a> {
    fn of(event: &'a Value) -> Self {
        Self(event)
    }

    /// A member by its ECS name, whether nested or dotted.
    fn get(&self, name: &str) -> Option<&'a Value> {
        let nested = name.split('.').try_fold(self.0, |value, part| value.get(part));
        nested.or_else(|| self.0.get(name))
    }

    fn text_of(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str)
    }

    fn who(&self) -> String {
        let person = self.text_of("user.name").or_else(|| self.text_of("user.id"));
        let roles = self.roles();
        let person = person.map(|name| {
            if roles.is_empty() {
                name.to_owned()
            } else {
                format!("{name} ({})", roles.join(", "))
            }
        });
        let caller = self.text_of("ringwall.caller").map(|caller| format!("service {caller}"));
        let client = self.text_of("ringwall.client").map(|client| format!("client {client}"));
        match (person, caller.or(client)) {
            (Some(person), Some(caller)) => format!("{caller} for {person}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "anyone".to_owned(),
        }
    }

    fn roles(&self) -> Vec<String> {
        let roles = self.get("user.roles").and_then(Value::as_array);
        roles.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn target(&self) -> Option<String> {
        let service = self.text_of("service.name")?;
        Some(match self.text_of("ringwall.operation") {
            Some(operation) => format!("{service}.{operation}"),
            None => service.to_owned(),
        })
    }

    fn verdict(&self) -> &'static str {
        if self.get("ringwall.would_deny").and_then(Value::as_bool) == Some(true) {
            return "would be denied (observe mode)";
        }
        match self.text_of("event.outcome") {
            Some("success") => "allowed",
            _ => "denied",
        }
    }

    fn text(&self, model: Option<&Model>) -> String {
        let path = self.text_of("http.request.method").zip(self.text_of("url.path"));
        let path = || path.map(|(method, path)| format!("{method} {path}"));
        // What was refused before it was read has neither.
        let target = self.target().or_else(path).unwrap_or_else(|| "a request".to_owned());
        let mut lines = vec![format!("{}: {} → {target}", self.verdict(), self.who())];
        let status = self.get("http.response.status_code").and_then(Value::as_u64);
        let code = self.text_of("event.code");
        let stage = self.text_of("ringwall.stage");
        let facts = [
            status.map(|status| format!("answered {status}")),
            code.map(str::to_owned),
            stage.map(|stage| format!("decided by {stage}")),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        if !facts.is_empty() {
            lines.push(facts.join(", "));
        }
        if let Some(reason) = self.text_of("event.reason") {
            lines.push(reason.to_owned());
        }
        if let Some(line) = self.text_of("ringwall.line") {
            lines.push(format!("by {line}"));
        }
        if matches!(code, Some("RW3001" | "RW3003")) {
            lines.extend(self.smallest_change(model));
        }
        lines.join("\n")
    }

    /// What `ringwall why WHO OPERATION` says about the same pair.
    fn smallest_change(&self, model: Option<&Model>) -> Vec<String> {
        let (Some(model), Some(target)) = (model, self.target()) else { return Vec::new() };
        let roles = self.roles();
        let who = match self.text_of("ringwall.caller") {
            Some(caller) => caller.to_owned(),
            None if roles.is_empty() => "anyone".to_owned(),
            None => roles.join(","),
        };
        // The operation may be gone from a newer manifest; then there is nothing to add.
        let Ok(explanation) = why(model, &who, &target) else { return Vec::new() };
        explanation.to_text().lines().skip(1).map(str::to_owned).collect()
    }
}
