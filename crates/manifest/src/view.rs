//! Views of a manifest: tables for people, JSON for programs.

use serde_json::{Value, json};

use crate::access::{Caller, flows};
use crate::analyse::paths::{has_address, public_path};
use crate::matrix::{Matrix, word};
use crate::model::{Model, RateKey};

/// A table that is also JSON.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct View {
    /// Headings.
    pub columns: Vec<String>,
    /// Cells, as many in each row as there are headings.
    pub rows: Vec<Vec<String>>,
    /// The same for programs.
    pub json: Value,
}

impl View {
    /// The table as text, columns aligned, no trailing blanks.
    pub fn to_text(&self) -> String {
        let mut widths: Vec<usize> = self.columns.iter().map(|cell| cell.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut out = String::new();
        for row in std::iter::once(&self.columns).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let missing = width.saturating_sub(cell.chars().count()).saturating_add(2);
                line.extend(std::iter::repeat_n(' ', missing));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    fn new(columns: &[&str], rows: Vec<Vec<String>>) -> Self {
        let json = rows.iter().map(|row| {
            let cells =
                columns.iter().zip(row).map(|(column, cell)| ((*column).to_owned(), json!(cell)));
            Value::Object(cells.collect())
        });
        let json = Value::Array(json.collect());
        Self { columns: columns.iter().map(|column| (*column).to_owned()).collect(), rows, json }
    }
}

/// Every operation with its public address; `-` when it is not reachable from outside.
pub fn routes(model: &Model) -> View {
    let mut rows = Vec::new();
    for service in model.services.values() {
        for operation in service.operations.values() {
            let upstreams: Vec<String> =
                service.upstreams.iter().map(ToString::to_string).collect();
            let is_public = has_address(model, service, &operation.name);
            rows.push(vec![
                operation.method.clone(),
                if is_public { public_path(service, &operation.path) } else { "-".to_owned() },
                format!("{}.{}", service.name, operation.name),
                upstreams.join(", "),
                operation.path.clone(),
                limit_text(model, &service.name, &operation.name),
            ]);
        }
    }
    rows.sort_by(|a, b| (a.get(1), a.first()).cmp(&(b.get(1), b.first())));
    View::new(&["method", "public path", "operation", "upstream", "upstream path", "limit"], rows)
}

/// What people and partners may call from outside.
pub fn surface(model: &Model) -> View {
    let matrix = Matrix::of(model);
    let mut rows = Vec::new();
    for row in &matrix.rows {
        for (caller, access) in matrix.callers.iter().zip(&row.cells) {
            let (Some(access), false) = (access, matches!(caller, Caller::Service(_))) else {
                continue;
            };
            // A role that merely has what everybody has is not a line of the surface.
            let is_own_line = access.by == caller.name();
            if is_own_line {
                rows.push(vec![
                    caller.to_string(),
                    word(Some(access)).to_owned(),
                    row.method.clone(),
                    row.path.clone(),
                    format!("{}.{}", row.service, row.operation),
                    access.place.to_string(),
                ]);
            }
        }
    }
    rows.sort_by(|a, b| {
        let key = |row: &[String]| (row.first().is_none_or(|who| who != "anyone"), row.to_vec());
        key(a).cmp(&key(b))
    });
    View::new(&["who", "access", "method", "public path", "operation", "line"], rows)
}

/// Which data class goes where.
pub fn data(model: &Model) -> View {
    let rows = flows(model).into_iter().map(|flow| {
        let from = if flow.from.is_empty() { "-".to_owned() } else { flow.from };
        let own = if flow.is_own { "only their own" } else { "all" };
        let kind = flow.kind.to_owned();
        vec![flow.class, from, flow.to, kind, own.to_owned(), flow.place.to_string()]
    });
    View::new(&["class", "from", "to", "kind", "extent", "line"], rows.collect())
}

/// Which secret goes where. Values are never here.
pub fn secrets(model: &Model) -> View {
    let mut rows = Vec::new();
    for (name, rule) in &model.secrets {
        let mut users = Vec::new();
        for service in model.services.values() {
            for (variable, _) in service.secrets.iter().filter(|(_, secret)| *secret == name) {
                users.push((service.name.clone(), variable.clone()));
            }
        }
        for (partner, about) in &model.partners {
            if about.auth.as_ref().is_some_and(|(_, secret)| secret == name) {
                users.push((partner.clone(), "credential, added outside the services".to_owned()));
            }
            if about.webhook.as_ref().is_some_and(|hook| hook.secret == *name) {
                users.push((partner.clone(), "webhook signature".to_owned()));
            }
        }
        if users.is_empty() {
            users.push(("-".to_owned(), "-".to_owned()));
        }
        let rotate = rule
            .rotate
            .map_or_else(|| "-".to_owned(), |time| format!("{} d", time.as_secs() / 86_400));
        for (user, how) in users {
            rows.push(vec![name.clone(), user, how, rotate.clone(), rule.place.to_string()]);
        }
    }
    View::new(&["secret", "used by", "as", "rotate", "line"], rows)
}

/// The limit of an operation as written in the manifest, or the default.
pub(crate) fn limit_text(model: &Model, service: &str, operation: &str) -> String {
    let own = model.limits.operations.get(&(service.to_owned(), operation.to_owned()));
    let Some(limit) = own.or(model.limits.default.as_ref()) else { return "-".to_owned() };
    let mut parts = Vec::new();
    if let Some(rate) = limit.rate {
        let unit = match rate.per.as_secs() {
            1 => "second",
            60 => "minute",
            3_600 => "hour",
            _ => "day",
        };
        let key = match rate.key {
            RateKey::Account => "account",
            RateKey::Ip => "ip",
            RateKey::User => "user",
        };
        parts.push(format!("{} per {unit} per {key}", rate.count));
    }
    if let Some(bytes) = limit.body_bytes_max {
        parts.push(format!("body {bytes} B"));
    }
    if let Some(timeout) = limit.timeout {
        parts.push(format!("timeout {} ms", timeout.as_millis()));
    }
    parts.join(", ")
}
