//! Walks one parsed file and collects its facts.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Arguments, Decorator, Expr, ExprCall, Stmt, StmtClassDef, StmtFunctionDef};
use ruff_text_size::{Ranged, TextSize};

use super::fold::{HOLE, Known, VARIABLE, expand, fold, variables};
use super::{Blueprint, CallFact, Facts, Registration, RouteFact};

/// The state of one walk.
pub(super) struct Visit {
    facts: Facts,
    known: Known,
    line_starts: Vec<u32>,
    depth: usize,
}

impl Visit {
    /// `known` are constants of the app's other files.
    pub(super) fn new(text: &str, known: &Known) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = ends.filter_map(|(at, _)| u32::try_from(at).ok()?.checked_add(1));
        Self {
            facts: Facts::default(),
            known: known.clone(),
            line_starts: std::iter::once(0).chain(starts).collect(),
            depth: 0,
        }
    }

    pub(super) fn finish(mut self) -> Facts {
        let is_constant = |name: &str| name.chars().any(|c| c.is_ascii_uppercase());
        self.known.retain(|name, _| is_constant(name) && *name == name.to_ascii_uppercase());
        self.facts.constants = self.known;
        self.facts
    }

    fn line(&self, at: TextSize) -> u32 {
        let line = self.line_starts.partition_point(|start| *start <= at.to_u32());
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    fn text(&self, expr: &Expr) -> Option<String> {
        fold(expr, &self.known)
    }

    /// The text of an argument, its variables still marked.
    fn marked(&self, arguments: &Arguments, name: &str, position: usize) -> Option<String> {
        expression(arguments, name, position).and_then(|expr| self.text(expr))
    }

    fn argument(&self, arguments: &Arguments, name: &str, position: usize) -> Option<String> {
        self.marked(arguments, name, position).map(|text| expand(&text, &|_| None))
    }

    fn assign(&mut self, target: &Expr, value: &Expr) {
        let name = match target {
            Expr::Name(name) => name.id.to_string(),
            Expr::Attribute(attribute) => attribute.attr.to_string(),
            Expr::Subscript(subscript) => self.text(&subscript.slice).unwrap_or_default(),
            _ => return,
        };
        let line = self.line(target.start());
        if let Some(text) = self.text(value) {
            if matches!(value, Expr::StringLiteral(_)) {
                self.facts.texts.push((name.clone(), text.clone(), line));
            }
            self.known.insert(name, text);
            return;
        }
        let Expr::Call(call) = value else { return };
        match called(call) {
            Some("Flask" | "APIFlask" | "OpenAPI") => {
                self.facts.apps.push((name.clone(), line));
                if self.depth == 0 {
                    self.facts.module_apps.push(name);
                }
            }
            Some("Blueprint" | "APIBlueprint") => {
                let prefix = self.argument(&call.arguments, "url_prefix", usize::MAX);
                let blueprint = self.argument(&call.arguments, "name", 0);
                let blueprint = Blueprint {
                    name: blueprint.unwrap_or_default(),
                    prefix: prefix.unwrap_or_default(),
                };
                self.facts.blueprints.insert(name, blueprint);
            }
            Some(factory)
                if self.depth == 0 && self.facts.factories.iter().any(|known| known == factory) =>
            {
                self.facts.module_apps.push(name);
            }
            Some("create_app" | "make_app") if self.depth == 0 => self.facts.module_apps.push(name),
            _ => {}
        }
    }

    fn decorator(&mut self, decorator: &Decorator, function: &str) {
        let Expr::Call(call) = &decorator.expression else { return };
        let Expr::Attribute(attribute) = &*call.func else { return };
        let Expr::Name(target) = &*attribute.value else { return };
        let methods = match attribute.attr.as_str() {
            "route" => self.methods(&call.arguments),
            verb @ ("delete" | "get" | "patch" | "post" | "put") => vec![verb.to_ascii_uppercase()],
            _ => return,
        };
        let Some(rule) = self.argument(&call.arguments, "rule", 0) else { return };
        if !rule.starts_with('/') && !rule.is_empty() {
            return;
        }
        let endpoint = self.argument(&call.arguments, "endpoint", usize::MAX);
        self.facts.routes.push(RouteFact {
            target: target.id.to_string(),
            rule,
            methods,
            endpoint: endpoint.unwrap_or_else(|| function.to_owned()),
            view: None,
            line: self.line(decorator.start()),
        });
    }

    /// Flask's default is GET alone; HEAD and OPTIONS follow from it.
    fn methods(&self, arguments: &Arguments) -> Vec<String> {
        let elements = match expression(arguments, "methods", usize::MAX) {
            Some(Expr::List(list)) => list.elts.iter().collect(),
            Some(Expr::Tuple(tuple)) => tuple.elts.iter().collect(),
            Some(Expr::Set(set)) => set.elts.iter().collect(),
            _ => Vec::new(),
        };
        let mut methods: Vec<String> = elements
            .into_iter()
            .filter_map(|element| self.text(element))
            .map(|text| text.to_ascii_uppercase())
            .collect();
        methods.retain(|method| method != "HEAD" && method != "OPTIONS");
        if methods.is_empty() {
            methods.push("GET".to_owned());
        }
        methods
    }

    fn call(&mut self, call: &ExprCall) {
        self.facts.renders_pages |=
            matches!(called(call), Some("render_template" | "render_template_string"));
        self.facts.reads_authorization |=
            called(call).is_some_and(|name| TOKEN_READERS.contains(&name));
        let Expr::Attribute(attribute) = &*call.func else { return };
        let line = self.line(call.start());
        let target = match &*attribute.value {
            Expr::Name(name) => name.id.to_string(),
            Expr::Attribute(inner) => inner.attr.to_string(),
            _ => String::new(),
        };
        match attribute.attr.as_str() {
            "register_blueprint" => self.registration(&target, &call.arguments),
            "add_url_rule" => self.url_rule(&target, &call.arguments, line),
            "add_resource" => self.resource(&target, &call.arguments, line),
            "run" => self.run(&target, &call.arguments),
            _ => {}
        }
        self.http_call(attribute.attr.as_str(), &call.arguments, line);
        if attribute.attr.as_str() == "get"
            && call
                .arguments
                .args
                .first()
                .and_then(|first| self.text(first))
                .is_some_and(|text| text.eq_ignore_ascii_case("authorization"))
        {
            self.facts.reads_authorization = true;
        }
    }

    fn registration(&mut self, parent: &str, arguments: &Arguments) {
        let child = match expression(arguments, "blueprint", 0) {
            Some(Expr::Name(name)) => name.id.to_string(),
            Some(Expr::Attribute(attribute)) => attribute.attr.to_string(),
            _ => return,
        };
        let prefix = self.argument(arguments, "url_prefix", usize::MAX);
        self.facts.registrations.push(Registration { parent: parent.to_owned(), child, prefix });
    }

    fn url_rule(&mut self, target: &str, arguments: &Arguments, line: u32) {
        let Some(rule) = self.argument(arguments, "rule", 0) else { return };
        let (view, function) = match expression(arguments, "view_func", 2) {
            Some(Expr::Call(call)) => view_class(call).map_or((None, String::new()), |class| {
                (Some(class), self.argument(&call.arguments, "name", 0).unwrap_or_default())
            }),
            Some(Expr::Name(name)) => (None, name.id.to_string()),
            Some(Expr::Attribute(attribute)) => (None, attribute.attr.to_string()),
            _ => (None, String::new()),
        };
        let is_explicit = expression(arguments, "methods", usize::MAX).is_some();
        let methods =
            if view.is_some() && !is_explicit { Vec::new() } else { self.methods(arguments) };
        let endpoint = self.argument(arguments, "endpoint", 1).unwrap_or(function);
        self.facts.routes.push(RouteFact {
            target: target.to_owned(),
            rule,
            methods,
            endpoint,
            view,
            line,
        });
    }

    /// Flask-RESTful: `api.add_resource(Users, "/users", "/users/<int:id>")`.
    fn resource(&mut self, target: &str, arguments: &Arguments, line: u32) {
        let Some(Expr::Name(class)) = arguments.args.first() else { return };
        let endpoint = self.argument(arguments, "endpoint", usize::MAX);
        let rules = arguments.args.iter().skip(1).filter_map(|argument| self.text(argument));
        let rules: Vec<String> = rules.collect();
        for rule in rules {
            self.facts.routes.push(RouteFact {
                target: target.to_owned(),
                rule,
                methods: Vec::new(),
                endpoint: endpoint.clone().unwrap_or_else(|| class.id.to_ascii_lowercase()),
                view: Some(class.id.to_string()),
                line,
            });
        }
    }

    fn run(&mut self, target: &str, arguments: &Arguments) {
        let is_app = self.facts.apps.iter().any(|(name, _)| name == target)
            || self.facts.module_apps.iter().any(|name| name == target)
            || ["app", "application", "server", "socketio"].contains(&target);
        if is_app {
            let port = expression(arguments, "port", 1);
            let port = port.map_or_else(
                || Some("5000".to_owned()),
                |port| Some(self.text(port).unwrap_or_else(|| HOLE.to_string())),
            );
            self.facts.run_port = port;
        }
    }

    fn http_call(&mut self, verb: &str, arguments: &Arguments, line: u32) {
        let (method, position) = match verb {
            "delete" | "get" | "head" | "options" | "patch" | "post" | "put" => {
                (Some(verb.to_owned()), 0)
            }
            "request" => (self.argument(arguments, "method", 0), 1),
            "urlopen" | "Request" => (Some("get".to_owned()), 0),
            _ => return,
        };
        let Some(url) = self.marked(arguments, "url", position) else { return };
        let is_full = url.starts_with("http://") || url.starts_with("https://");
        if !is_full && !url.starts_with(VARIABLE) {
            return;
        }
        let method = method.unwrap_or_default().to_ascii_uppercase();
        self.facts.calls.push(CallFact { method, url, line });
    }

    fn class(&mut self, class: &StmtClassDef) {
        let verbs = ["delete", "get", "patch", "post", "put"];
        let methods = class.body.iter().filter_map(|statement| match statement {
            Stmt::FunctionDef(function) if verbs.contains(&function.name.as_str()) => {
                Some(function.name.to_ascii_uppercase())
            }
            _ => None,
        });
        let methods: Vec<String> = methods.collect();
        if !methods.is_empty() {
            self.facts.views.insert(class.name.to_string(), methods);
        }
    }

    fn function(&mut self, function: &StmtFunctionDef) {
        for decorator in &function.decorator_list {
            self.decorator(decorator, function.name.as_str());
        }
    }
}

impl<'a> Visitor<'a> for Visit {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let mut is_nested = false;
        let apps_before = self.facts.apps.len();
        match statement {
            Stmt::Assign(assign) => {
                assign.targets.iter().for_each(|target| self.assign(target, &assign.value));
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.assign(&assign.target, value);
                }
            }
            Stmt::FunctionDef(function) => {
                self.function(function);
                is_nested = true;
            }
            Stmt::ClassDef(class) => {
                self.class(class);
                is_nested = true;
            }
            _ => {}
        }
        self.depth = self.depth.saturating_add(usize::from(is_nested));
        visitor::walk_stmt(self, statement);
        self.depth = self.depth.saturating_sub(usize::from(is_nested));
        if let Stmt::FunctionDef(function) = statement
            && self.depth == 0
            && self.facts.apps.len() > apps_before
        {
            self.facts.factories.push(function.name.to_string());
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if matches!(expr, Expr::Call(_) | Expr::Subscript(_)) {
            let text = self.text(expr).unwrap_or_default();
            self.facts.variables.extend(variables(&text));
        }
        match expr {
            Expr::Call(call) => self.call(call),
            Expr::Attribute(attribute) if attribute.attr.as_str() == "authorization" => {
                self.facts.reads_authorization = true;
            }
            Expr::Subscript(subscript)
                if self
                    .text(&subscript.slice)
                    .is_some_and(|text| text.eq_ignore_ascii_case("authorization")) =>
            {
                // `headers["Authorization"] = …` in an outgoing call is no reading of ours.
                self.facts.reads_authorization |=
                    subscript.ctx == ruff_python_ast::ExprContext::Load;
            }
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }
}

fn called(call: &ExprCall) -> Option<&str> {
    match &*call.func {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        _ => None,
    }
}

/// `Users.as_view("users")`.
fn view_class(call: &ExprCall) -> Option<String> {
    let Expr::Attribute(attribute) = &*call.func else { return None };
    match (&*attribute.value, attribute.attr.as_str()) {
        (Expr::Name(class), "as_view") => Some(class.id.to_string()),
        _ => None,
    }
}

fn expression<'a>(arguments: &'a Arguments, name: &str, position: usize) -> Option<&'a Expr> {
    let keyword = arguments
        .keywords
        .iter()
        .find(|keyword| keyword.arg.as_ref().is_some_and(|found| found.as_str() == name));
    keyword.map(|keyword| &keyword.value).or_else(|| arguments.args.get(position))
}

/// Extensions that read the `Authorization` header for the app.
const TOKEN_READERS: &[&str] =
    &["HTTPBasicAuth", "HTTPTokenAuth", "JWTManager", "jwt_required", "verify_jwt_in_request"];
