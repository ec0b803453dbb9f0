//! The one place that knows the Python parser: source text in, plain facts out.
//!
//! `ruff_python_parser` is pinned, because its interface is not promised to stay.

mod fold;
mod visit;

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::visitor::Visitor;
use ruff_python_parser::parse_module;

pub(crate) use fold::{HOLE, expand, variables};

/// What one Python file says that matters here. Lines count from one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Facts {
    /// Variables that hold a `Flask` object, with line; an empty name when it is not assigned.
    pub(crate) apps: Vec<(String, u32)>,
    /// Variable to blueprint.
    pub(crate) blueprints: BTreeMap<String, Blueprint>,
    /// `register_blueprint` calls.
    pub(crate) registrations: Vec<Registration>,
    /// Route decorators and `add_url_rule` calls.
    pub(crate) routes: Vec<RouteFact>,
    /// Class name to the HTTP methods that it defines, upper case.
    pub(crate) views: BTreeMap<String, Vec<String>>,
    /// HTTP calls to a known address.
    pub(crate) calls: Vec<CallFact>,
    /// Assignments of a text to a name, for the search for secrets.
    pub(crate) texts: Vec<(String, String, u32)>,
    /// `app.run(…)`: its port as text, which may name a variable; Flask's own when none is given.
    pub(crate) run_port: Option<String>,
    /// Whether the `Authorization` header is read.
    pub(crate) reads_authorization: bool,
    /// Whether a template is rendered.
    pub(crate) renders_pages: bool,
    /// Names in capitals whose text is known.
    pub(crate) constants: BTreeMap<String, String>,
    /// Variables of the environment that are read.
    pub(crate) variables: BTreeSet<String>,
    /// Functions at module level that return an app, such as `create_app`.
    pub(crate) factories: Vec<String>,
    /// Module-level names of apps: `app = Flask(…)` or `app = create_app()`.
    pub(crate) module_apps: Vec<String>,
}

/// `Blueprint("name", __name__, url_prefix="/x")`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Blueprint {
    pub(crate) name: String,
    pub(crate) prefix: String,
}

/// `parent.register_blueprint(child, url_prefix="/x")`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Registration {
    pub(crate) parent: String,
    pub(crate) child: String,
    pub(crate) prefix: Option<String>,
}

/// A route as written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct RouteFact {
    /// The variable before `.route`.
    pub(crate) target: String,
    pub(crate) rule: String,
    /// Upper case; empty when the view class decides.
    pub(crate) methods: Vec<String>,
    pub(crate) endpoint: String,
    /// Class of a class-based view.
    pub(crate) view: Option<String>,
    pub(crate) line: u32,
}

/// An HTTP call whose address is at least partly known.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct CallFact {
    /// Upper case; empty when unknown.
    pub(crate) method: String,
    /// The address; [`HOLE`] stands for a part that is known at run time only.
    pub(crate) url: String,
    pub(crate) line: u32,
}

/// Reads one file. `None` when it is not Python that the parser understands.
pub(crate) fn read(text: &str) -> Option<Facts> {
    read_with(text, &BTreeMap::new())
}

/// The same, where constants of other files are known.
pub(crate) fn read_with(text: &str, constants: &BTreeMap<String, String>) -> Option<Facts> {
    if text.len() > FILE_BYTES_MAX || nests_too_deep(text) {
        return None;
    }
    let parsed = parse_module(text).ok()?;
    let mut visit = visit::Visit::new(text, constants);
    visit.visit_body(&parsed.syntax().body);
    Some(visit.finish())
}

/// Brackets nested deeper than this are an attack on a recursive parser, not a program.
fn nests_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > NESTING_MAX
    })
}

const FILE_BYTES_MAX: usize = 1024 * 1024;
const NESTING_MAX: usize = 100;

#[cfg(test)]
mod tests;
