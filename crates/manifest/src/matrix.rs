//! Callers × operations: what `ringwall show matrix` prints, and what tests are made from.

use serde_json::{Value, json};

use crate::access::{Access, Caller};
use crate::analyse::paths::public_path;
use crate::model::{Model, Scope};
use crate::view::View;

/// Every caller against every operation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Matrix {
    /// The columns: `anyone`, roles, services, partners.
    pub callers: Vec<Caller>,
    /// One per operation, by service and name.
    pub rows: Vec<Row>,
}

/// One operation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// Service.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Upper-case method.
    pub method: String,
    /// Public path template, with the mount.
    pub path: String,
    /// In the order of [`Matrix::callers`]; none means denied.
    pub cells: Vec<Option<Access>>,
}

impl Matrix {
    /// Computes the matrix of a manifest.
    pub fn of(model: &Model) -> Self {
        let callers = Caller::all(model);
        let mut rows = Vec::new();
        for service in model.services.values() {
            for operation in service.operations.values() {
                let cell = |caller| Access::of(model, caller, &service.name, &operation.name);
                rows.push(Row {
                    service: service.name.clone(),
                    operation: operation.name.clone(),
                    method: operation.method.clone(),
                    path: public_path(service, &operation.path),
                    cells: callers.iter().map(cell).collect(),
                });
            }
        }
        Self { callers, rows }
    }

    /// As a table: `✓` allowed, `own`, `on behalf`, `·` denied.
    pub fn view(&self) -> View {
        let mut columns = vec!["operation".to_owned()];
        columns.extend(self.callers.iter().map(ToString::to_string));
        let rows = self.rows.iter().map(|row| {
            let name = format!("{}.{}", row.service, row.operation);
            let cells = row.cells.iter().map(|cell| sign(cell.as_ref()).to_owned());
            std::iter::once(name).chain(cells).collect()
        });
        View { columns, rows: rows.collect(), json: self.to_json() }
    }

    fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let cells = self.callers.iter().zip(&row.cells).map(|(caller, cell)| {
                let word = word(cell.as_ref());
                let line = cell.as_ref().map(|access| access.place.to_string());
                (caller.to_string(), json!({ "access": word, "line": line }))
            });
            json!({
                "service": row.service,
                "operation": row.operation,
                "method": row.method,
                "path": row.path,
                "callers": cells.collect::<serde_json::Map<_, _>>(),
            })
        });
        let callers: Vec<String> = self.callers.iter().map(ToString::to_string).collect();
        json!({ "callers": callers, "operations": rows.collect::<Vec<_>>() })
    }
}

fn sign(access: Option<&Access>) -> &'static str {
    match access.map(|access| access.scope) {
        None => "·",
        Some(Scope::All) => "✓",
        Some(Scope::OnBehalf) => "on behalf",
        Some(Scope::Own) => "own",
    }
}

/// `allowed`, `own`, `on-behalf` or `denied`.
pub(crate) fn word(access: Option<&Access>) -> &'static str {
    match access.map(|access| access.scope) {
        None => "denied",
        Some(Scope::All) => "allowed",
        Some(Scope::OnBehalf) => "on-behalf",
        Some(Scope::Own) => "own",
    }
}
