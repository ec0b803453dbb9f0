//! What the survey means for a manifest: names, operations, who calls whom, what clashes.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_base::Operation;
use ringwall_openapi::Document;
use ringwall_scan::{App, Call, Callee, SecretHit, Survey, Tree};

/// A fleet to be written down.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    pub(super) name: String,
    /// Why the name is not the folder's, if it is not.
    pub(super) folder: String,
    pub(super) services: Vec<Found>,
    /// By base address.
    pub(super) partners: BTreeMap<String, Partner>,
    /// Hits that belong to no service.
    pub(super) secrets: Vec<SecretHit>,
    pub(super) unreadable: Vec<String>,
    /// `service GET /login`, when an app has Ringwall's own default path.
    pub(super) login_clash: Option<String>,
    pub(super) logout_clash: Option<String>,
    pub(super) account_clash: Option<String>,
}

/// One service to be written down.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) app: App,
    /// The names that grants use: from OpenAPI if that can be read, else from the routes.
    pub(super) operations: Vec<Operation>,
    /// Why the OpenAPI file is left out.
    pub(super) openapi_problem: Option<String>,
    /// Operations that the OpenAPI file lacks or has too many.
    pub(super) drift: usize,
    /// Caller to its calls here.
    pub(super) callers: BTreeMap<String, Calls>,
    pub(super) secrets: Vec<SecretHit>,
    /// Prefix, and with whom it would clash otherwise.
    pub(super) mount: Option<(String, String)>,
    /// Whether people look at it: it renders pages and no other service calls it.
    pub(super) is_frontend: bool,
}

/// The calls of one service to another.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Operation to the places of its calls.
    pub(super) known: BTreeMap<String, Vec<String>>,
    /// `GET /path (file:line)` for which no single operation is found.
    pub(super) unknown: Vec<String>,
}

/// `METHOD /path` to the places of the calls.
type Routes = BTreeMap<String, Vec<String>>;

/// A third party that the code calls.
#[derive(Debug, Default)]
pub(super) struct Partner {
    pub(super) name: String,
    /// Service to what it calls.
    pub(super) callers: BTreeMap<String, Routes>,
}

impl Fleet {
    pub(super) fn of(tree: &dyn Tree, survey: Survey, folder: &str) -> Self {
        let mut fleet = Self {
            name: fleet_name(folder),
            folder: folder.to_owned(),
            unreadable: survey.unreadable,
            services: survey.apps.into_iter().map(|app| found(tree, app)).collect(),
            ..Self::default()
        };
        fleet.calls();
        for hit in survey.secrets {
            match fleet.services.iter_mut().find(|service| holds(&service.app, &hit.file)) {
                Some(service) => service.secrets.push(hit),
                None => fleet.secrets.push(hit),
            }
        }
        for service in &mut fleet.services {
            service.is_frontend = service.app.renders_pages && service.callers.is_empty();
        }
        fleet.mounts();
        fleet.login_clash = fleet.claim("/login");
        fleet.logout_clash = fleet.claim("/logout");
        fleet.account_clash = fleet.claim("/account");
        fleet
    }

    /// Notes each call at its callee.
    fn calls(&mut self) {
        let apps: Vec<App> = self.services.iter().map(|service| service.app.clone()).collect();
        let mut taken: BTreeSet<String> = apps.iter().map(|app| app.name.clone()).collect();
        taken.extend(ROLES.iter().map(|(role, _)| (*role).to_owned()));
        for (app, call) in apps.iter().flat_map(|app| app.calls.iter().map(move |call| (app, call)))
        {
            match &call.callee {
                Callee::App(callee, operation) => {
                    self.inner_call(&app.name, callee, operation.as_deref(), call);
                }
                Callee::Other(base) => self.outer_call(&app.name, base, call, &mut taken),
            }
        }
    }

    fn inner_call(&mut self, caller: &str, callee: &str, operation: Option<&str>, call: &Call) {
        let Some(service) = self.services.iter_mut().find(|one| one.app.name == callee) else {
            return;
        };
        let operation = operation.and_then(|name| service.named(name));
        let calls = service.callers.entry(caller.to_owned()).or_default();
        let at = format!("{}:{}", call.file, call.line);
        if let Some(name) = operation {
            calls.known.entry(name).or_default().push(at);
        } else {
            let method = if call.method.is_empty() { "?" } else { &call.method };
            calls.unknown.push(format!("{method} {} ({at})", call.path));
        }
    }

    fn outer_call(&mut self, caller: &str, base: &str, call: &Call, taken: &mut BTreeSet<String>) {
        let partner = self.partners.entry(base.to_owned()).or_default();
        if partner.name.is_empty() {
            partner.name = partner_name(base, taken);
        }
        let method = if call.method.is_empty() { "GET" } else { &call.method };
        let route = format!("{method} {}", route_path(&call.path));
        let routes = partner.callers.entry(caller.to_owned()).or_default();
        routes.entry(route).or_default().push(format!("{}:{}", call.file, call.line));
    }

    /// A prefix for each service whose paths another one, nearer to people, claims as well.
    fn mounts(&mut self) {
        let mut order: Vec<usize> = (0..self.services.len()).collect();
        order.sort_by_key(|index| self.services.get(*index).is_none_or(|one| !one.is_frontend));
        let mut claimed: BTreeMap<(String, String), String> = BTreeMap::new();
        for index in order {
            let Some(service) = self.services.get_mut(index) else { continue };
            let claims: Vec<(String, String)> = service
                .operations
                .iter()
                // Health checks are everywhere, and not for people.
                .filter(|one| service.is_frontend || !is_chore(one))
                .map(|one| (one.method.clone(), shape(&one.path)))
                .collect();
            let clash = claims.iter().find_map(|claim| claimed.get(claim)).cloned();
            if let Some(other) = clash {
                service.mount = Some((format!("/{}", service.app.name), other));
                continue;
            }
            claimed.extend(claims.into_iter().map(|claim| (claim, service.app.name.clone())));
        }
    }

    fn claim(&self, path: &str) -> Option<String> {
        let public = self.services.iter().filter(|service| service.mount.is_none());
        public
            .flat_map(|service| service.operations.iter().map(move |one| (service, one)))
            .find(|(_, one)| one.path == path)
            .map(|(service, one)| format!("{} answers {} {path}", service.app.name, one.method))
    }
}

impl Found {
    /// The name that grants use for an operation that the routes call `name`.
    fn named(&self, name: &str) -> Option<String> {
        if self.app.openapi.is_none() || self.openapi_problem.is_some() {
            return Some(name.to_owned());
        }
        let route = self.app.contract.operations.iter().find(|one| one.name == name)?;
        let same =
            |one: &&Operation| one.method == route.method && shape(&one.path) == shape(&route.path);
        self.operations.iter().find(same).map(|one| one.name.clone())
    }
}

/// Whether an operation is only for machines that watch, or the files of a page.
pub(super) fn is_chore(operation: &Operation) -> bool {
    let path = operation.path.trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    path.is_empty() || path.starts_with("/static/") || CHORES.contains(&last)
}

/// Whether an operation looks like one for the people who run the fleet.
pub(super) fn is_for_staff(operation: &Operation) -> bool {
    operation.path.split('/').any(|part| ["admin", "debug", "internal"].contains(&part))
}

fn found(tree: &dyn Tree, app: App) -> Found {
    let mut service = Found { operations: app.contract.operations.clone(), ..Found::default() };
    if let Some(file) = &app.openapi {
        match openapi(tree, file) {
            Ok(operations) => {
                let routes = |list: &[Operation]| -> BTreeSet<(String, String)> {
                    list.iter().map(|one| (one.method.clone(), shape(&one.path))).collect()
                };
                let (declared, real) = (routes(&operations), routes(&service.operations));
                service.drift = declared.symmetric_difference(&real).count();
                service.operations = operations;
            }
            Err(problem) => service.openapi_problem = Some(problem),
        }
    }
    service.app = app;
    service
}

fn openapi(tree: &dyn Tree, file: &str) -> Result<Vec<Operation>, String> {
    let text = tree.read(file).ok_or_else(|| "it cannot be read".to_owned())?;
    let first = |errors: Vec<ringwall_openapi::DocumentError>| {
        errors.first().map_or_else(String::new, ToString::to_string)
    };
    let document = Document::parse(text.as_bytes(), file).map_err(first)?;
    document.compile().map_err(first)?;
    Ok(document.contract().operations)
}

fn holds(app: &App, file: &str) -> bool {
    let dir = if app.root == app.file { app.root.as_str() } else { app.dir.as_str() };
    dir == "." || file == dir || file.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// A fleet's name: a DNS label.
fn fleet_name(folder: &str) -> String {
    let plain: String = folder
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let plain = plain.trim_matches(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let short: String = plain.chars().take(NAME_CHARS_MAX).collect();
    let short = short.trim_end_matches('-');
    if short.is_empty() { "fleet".to_owned() } else { short.to_owned() }
}

/// `https://api.stripe.com` is `stripe`.
fn partner_name(base: &str, taken: &mut BTreeSet<String>) -> String {
    let host = base.split("://").nth(1).unwrap_or(base).split(':').next().unwrap_or_default();
    let mut labels: Vec<&str> = host.split('.').collect();
    if labels.len() > 1 {
        labels.pop();
    }
    let label = labels.last().copied().unwrap_or_default();
    let plain: String = label
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let plain = plain.trim_matches('-');
    let is_good = plain.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = if is_good { plain.to_owned() } else { format!("partner-{plain}") };
    let plain: String = plain.trim_end_matches('-').chars().take(NAME_CHARS_MAX).collect();
    let mut name = plain.clone();
    for number in 2_u32.. {
        if !RESERVED.contains(&name.as_str()) && taken.insert(name.clone()) {
            break;
        }
        name = format!("{plain}-{number}");
    }
    name
}

/// A path of a call as a template: each segment with an unknown part is a parameter.
fn route_path(path: &str) -> String {
    let mut number = 0_u32;
    let segments = path.split('/').map(|segment| {
        if segment.contains('*') {
            number = number.saturating_add(1);
            format!("{{part{number}}}")
        } else {
            segment.chars().filter(|c| c.is_ascii_graphic() && !UNWANTED.contains(*c)).collect()
        }
    });
    segments.collect::<Vec<String>>().join("/")
}

/// A template without the names of its parameters.
pub(super) fn shape(path: &str) -> String {
    let segments =
        path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Roles that the draft proposes, with what they are for.
pub(super) const ROLES: &[(&str, &str)] = &[("customer", "what every signed-up person gets")];

/// Names that the manifest keeps for itself.
const RESERVED: &[&str] =
    &["anonymous", "anyone", "default", "gateway", "login", "logs", "people", "ringwall"];
const CHORES: &[&str] = &[
    "health",
    "health-check",
    "health_check",
    "healthcheck",
    "healthz",
    "hello",
    "live",
    "livez",
    "metrics",
    "ping",
    "ready",
    "readyz",
    "status",
    "version",
];
/// Characters that no route of a partner can have.
const UNWANTED: &str = "?#%\\\"<>^`|;{}";
const NAME_CHARS_MAX: usize = 40;
