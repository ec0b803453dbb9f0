//! The operations of one Flask app, read from its source.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_base::{Contract, Operation, Parameter, ParameterPlace, Place};

use crate::python::{self, Facts, RouteFact};
use crate::tree::Tree;

/// Why there is no contract.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContractError {
    /// Nothing there is a Flask app.
    #[error("`{0}` creates no Flask app")]
    NoApp(String),
    /// There is no such file or folder with Python in it.
    #[error("`{0}` is no Python file, and no folder with one")]
    NoSource(String),
    /// A file is not Python that can be read: its routes would be missing.
    #[error("`{0}` is not Python that can be read; its routes would be missing")]
    Unreadable(String),
}

/// The operations of the app in a file or folder: name is the endpoint, and for the second and
/// further methods of one endpoint the endpoint with the method, such as `login.post`.
///
/// # Errors
/// When nothing there is a Flask app, or a file cannot be read: routes would be missing, and a
/// missing route is a wrong answer.
pub fn flask_contract(tree: &dyn Tree, path: &str) -> Result<Contract, ContractError> {
    let sources = sources(tree, path);
    if sources.is_empty() {
        return Err(ContractError::NoSource(path.to_owned()));
    }
    let mut read = BTreeMap::new();
    for source in sources {
        let facts = tree.read(&source).and_then(|text| python::read(&text));
        let facts = facts.ok_or_else(|| ContractError::Unreadable(source.clone()))?;
        read.insert(source, facts);
    }
    if read.values().all(|facts| facts.apps.is_empty()) {
        return Err(ContractError::NoApp(path.to_owned()));
    }
    Ok(contract_of(tree, path, &read))
}

/// The contract of files that were read already.
pub(crate) fn contract_of(tree: &dyn Tree, path: &str, read: &BTreeMap<String, Facts>) -> Contract {
    let whole = Whole::of(read);
    let mut names = BTreeSet::new();
    let mut operations = Vec::new();
    for (file, facts) in read {
        for route in &facts.routes {
            let methods = whole.methods(route);
            for (index, method) in methods.iter().enumerate() {
                let operation = whole.operation(file, route, method, index == 0);
                push(operation, &mut names, &mut operations);
            }
        }
    }
    if let Some(operation) = static_files(tree, read) {
        push(operation, &mut names, &mut operations);
    }
    Contract { operations, source: path.to_owned(), has_schemas: false }
}

/// The Python files that belong to the app at `path`.
pub(crate) fn sources(tree: &dyn Tree, path: &str) -> Vec<String> {
    let files: Vec<String> = tree.files().into_iter().filter(|file| is_source(file)).collect();
    let path = path.trim_end_matches('/');
    if files.iter().any(|file| file == path) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside: Vec<String> =
            files.iter().filter(|file| is_below(file, folder)).cloned().collect();
        let has_app = |file: &String| {
            tree.read(file)
                .and_then(|text| python::read(&text))
                .is_some_and(|facts| !facts.apps.is_empty())
        };
        // Another app in the same folder: its routes are not ours.
        if beside.iter().any(|file| file != path && has_app(file)) {
            return vec![path.to_owned()];
        }
        return beside;
    }
    files.into_iter().filter(|file| is_below(file, if path == "." { "" } else { path })).collect()
}

pub(crate) fn is_source(file: &str) -> bool {
    let is_test = file.split('/').any(|part| {
        part == "tests"
            || part == "test"
            || part == "migrations"
            || part.starts_with("test_")
            || part == "conftest.py"
    });
    file.rsplit('.').next() == Some("py") && !is_test
}

pub(crate) fn is_below(file: &str, folder: &str) -> bool {
    folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// What all files of one app say together.
struct Whole<'a> {
    read: &'a BTreeMap<String, Facts>,
}

impl<'a> Whole<'a> {
    fn of(read: &'a BTreeMap<String, Facts>) -> Self {
        Self { read }
    }

    fn methods(&self, route: &RouteFact) -> Vec<String> {
        let of_view = route
            .view
            .as_ref()
            .and_then(|view| self.read.values().find_map(|facts| facts.views.get(view)).cloned());
        let mut methods = if route.methods.is_empty() {
            of_view.unwrap_or_default()
        } else {
            route.methods.clone()
        };
        if methods.is_empty() {
            methods.push("GET".to_owned());
        }
        // GET first: it has the plain name.
        methods.sort_by_key(|method| (method != "GET", method.clone()));
        methods.dedup();
        methods
    }

    fn operation(&self, file: &str, route: &RouteFact, method: &str, is_first: bool) -> Operation {
        let (prefix, name) = self.blueprint(&route.target, 0);
        let endpoint = if name.is_empty() {
            route.endpoint.clone()
        } else {
            format!("{name}.{}", route.endpoint)
        };
        let name =
            if is_first { endpoint } else { format!("{endpoint}.{}", method.to_ascii_lowercase()) };
        let rule = format!("{prefix}{}", route.rule);
        let (path, parameters) = template(&rule);
        let place = Place { file: file.to_owned(), line: route.line, column: 0 };
        Operation {
            name,
            method: method.to_owned(),
            path,
            parameters,
            place,
            ..Operation::default()
        }
    }

    /// Prefix and dotted name of the blueprint in a variable; both empty for an app.
    fn blueprint(&self, variable: &str, depth: usize) -> (String, String) {
        let found = self.read.values().find_map(|facts| facts.blueprints.get(variable));
        let Some(blueprint) = found.filter(|_| depth < NESTING_MAX) else {
            return Default::default();
        };
        let mut registrations = self.read.values().flat_map(|facts| &facts.registrations);
        let registration = registrations.find(|registration| registration.child == variable);
        let (outer_prefix, outer_name) = registration
            .map(|registration| self.blueprint(&registration.parent, depth.saturating_add(1)))
            .unwrap_or_default();
        let own = registration.and_then(|registration| registration.prefix.clone());
        let prefix = outer_prefix + &own.unwrap_or_else(|| blueprint.prefix.clone());
        let name = if outer_name.is_empty() {
            blueprint.name.clone()
        } else {
            format!("{outer_name}.{}", blueprint.name)
        };
        (prefix, name)
    }
}

/// Names stay unique: a second rule for one endpoint gets a number.
fn push(mut operation: Operation, names: &mut BTreeSet<String>, operations: &mut Vec<Operation>) {
    let is_known = operations
        .iter()
        .any(|known: &Operation| known.method == operation.method && known.path == operation.path);
    if is_known {
        return;
    }
    let plain = operation.name.clone();
    for number in 2_u32.. {
        if names.insert(operation.name.clone()) {
            break;
        }
        operation.name = format!("{plain}.{number}");
    }
    operations.push(operation);
}

/// Flask serves `static/` beside the file that creates the app.
fn static_files(tree: &dyn Tree, read: &BTreeMap<String, Facts>) -> Option<Operation> {
    let (file, _) = read.iter().find(|(_, facts)| !facts.apps.is_empty())?;
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let wanted = if folder.is_empty() { "static".to_owned() } else { format!("{folder}/static") };
    tree.files().iter().any(|file| is_below(file, &wanted)).then(|| Operation {
        name: "static".to_owned(),
        method: "GET".to_owned(),
        path: "/static/{filename*}".to_owned(),
        parameters: vec![path_parameter("filename")],
        place: Place { file: file.clone(), line: 0, column: 0 },
        ..Operation::default()
    })
}

/// A Werkzeug rule as an OpenAPI template: `/a/<int:id>` is `/a/{id}`, `<path:rest>` is `{rest*}`.
fn template(rule: &str) -> (String, Vec<Parameter>) {
    let mut path = String::new();
    let mut parameters = Vec::new();
    let mut rest = rule;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((inside, tail)) = after.split_once('>') else { break };
        let (converter, name) = inside.rsplit_once(':').unwrap_or(("", inside));
        let star = if converter.starts_with("path") { "*" } else { "" };
        path.push_str(before);
        path.extend(["{", name, star, "}"]);
        parameters.push(path_parameter(name));
        rest = tail;
    }
    path.push_str(rest);
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    (path, parameters)
}

fn path_parameter(name: &str) -> Parameter {
    Parameter { name: name.to_owned(), place: ParameterPlace::Path, required: true }
}

const NESTING_MAX: usize = 8;

#[cfg(test)]
mod tests;
