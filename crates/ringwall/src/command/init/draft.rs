//! Writes the manifest of a fleet: what was read as it is, guesses marked, nothing granted silently.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_base::Operation;
use ringwall_scan::SecretHit;

use super::fleet::{Fleet, Found, Partner, ROLES, is_chore, is_for_staff};
use super::found::plain;

/// The text of the manifest, before formatting.
pub(super) fn manifest(fleet: &Fleet) -> String {
    let mut text = Text::default();
    head(fleet, &mut text);
    gateway(fleet, &mut text);
    roles(&mut text);
    for service in &fleet.services {
        self::service(fleet, service, &mut text);
    }
    for (base, partner) in &fleet.partners {
        self::partner(base, partner, &mut text);
    }
    secrets(fleet, &mut text);
    limits(fleet, &mut text);
    expectations(fleet, &mut text);
    text.0
}

/// Lines of TOML. All foreign text goes through [`quote`] or [`plain`]: a file's name must not
/// become a line of its own.
#[derive(Debug, Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn comment(&mut self, comment: &str) {
        self.line(&format!("# {}", plain(comment)));
    }

    fn pair(&mut self, key: &str, value: &str, comment: &str) {
        let comment =
            if comment.is_empty() { String::new() } else { format!("  # {}", plain(comment)) };
        self.line(&format!("{key} = {value}{comment}"));
    }

    /// A list with the reason behind each item.
    fn list(&mut self, key: &str, items: &[(String, String)]) {
        self.line(&format!("{key} = ["));
        for (item, comment) in items {
            let comment =
                if comment.is_empty() { String::new() } else { format!("  # {}", plain(comment)) };
            self.line(&format!("{},{comment}", quote(item)));
        }
        self.line("]");
    }
}

fn head(fleet: &Fleet, text: &mut Text) {
    text.line("#:schema https://ringwall.dev/schema/v1.json");
    text.comment(
        "Written by `ringwall init`, which read the code and ran nothing. Every guess is marked;",
    );
    text.comment(
        "what is not listed is denied. `ringwall check` proves it, `ringwall dev` runs it.",
    );
    text.pair("ringwall", "1", "manifest version");
    let why = if fleet.name == fleet.folder {
        "guess: the folder's name"
    } else {
        "guess: after the folder"
    };
    text.pair("name", &quote(&fleet.name), why);
}

fn gateway(fleet: &Fleet, text: &mut Text) {
    text.line("\n[gateway]  # the only public door");
    text.pair("host", &quote(&format!("{}.localhost", fleet.name)), "*.localhost: local CA");
    for (key, page, clash) in [
        ("login_path", "login", &fleet.login_clash),
        ("logout_path", "logout", &fleet.logout_clash),
        ("account_path", "account", &fleet.account_clash),
    ] {
        if let Some(clash) = clash {
            text.pair(
                key,
                &quote(&format!("/_ringwall/{page}")),
                &format!("moved: {clash} itself"),
            );
        }
    }
}

fn roles(text: &mut Text) {
    text.line("\n[roles]  # TODO: who are your users? Name their roles here");
    for (role, about) in ROLES {
        text.pair(role, "{ default = true }", &format!("guess: {about}"));
    }
}

fn service(fleet: &Fleet, service: &Found, text: &mut Text) {
    let app = &service.app;
    text.line(&format!("\n[services.{}]", app.name));
    start(service, text);
    source(service, text);
    if let Some((mount, other)) = &service.mount {
        let why = format!("guess: {other} has some of the same paths; people reach this one here");
        text.pair("mount", &quote(mount), &why);
    }
    if !app.hosts.is_empty() {
        let hosts: Vec<String> = app.hosts.iter().map(|host| quote(host)).collect();
        text.pair(
            "hosts",
            &format!("[{}]", hosts.join(", ")),
            "names that other code has hard-wired",
        );
    }
    if app.reads_authorization {
        let why = "guess: the app reads the Authorization header itself";
        text.pair("authorization", "\"app\"", why);
    }
    given(fleet, service, text);
    committed(service, text);
    people(fleet, service, text);
    callers(service, text);
}

fn start(service: &Found, text: &mut Text) {
    let app = &service.app;
    let Some(port) = app.port else {
        text.pair("run", &quote(&app.run), "TODO: how is it started, and on which port?");
        if app.dir != "." {
            text.pair("dir", &quote(&app.dir), "");
        }
        text.pair(
            "upstream",
            "\"127.0.0.1:5000\"",
            "guess: Flask's own port, as the code names none",
        );
        return;
    };
    text.pair("run", &quote(&app.run), "guess; only for `ringwall dev`");
    if app.dir != "." {
        text.pair("dir", &quote(&app.dir), "");
    }
    text.pair("upstream", &quote(&format!("127.0.0.1:{port}")), "");
}

fn source(service: &Found, text: &mut Text) {
    let app = &service.app;
    match (&app.openapi, &service.openapi_problem) {
        (Some(file), None) => {
            text.pair("openapi", &quote(file), "routes, schemas, operation names");
            let note = match service.drift {
                0 => "compared with the file above".to_owned(),
                1 => "TODO: 1 operation differs from the file above; `ringwall check` names it"
                    .to_owned(),
                count => {
                    format!(
                        "TODO: {count} operations differ from the file above; `ringwall check` names them"
                    )
                }
            };
            text.pair("flask", &quote(&app.root), &note);
        }
        (Some(file), Some(problem)) => {
            text.comment(&format!("TODO: {file} is left out: {problem}"));
            text.pair("flask", &quote(&app.root), "operations are the routes, read from here");
        }
        (None, _) => {
            text.pair("flask", &quote(&app.root), "operations are the routes, read from here");
        }
    }
}

fn committed(service: &Found, text: &mut Text) {
    for line in committed_lines(&service.secrets) {
        text.comment(&line);
    }
}

/// What a container would be given.
fn given(fleet: &Fleet, service: &Found, text: &mut Text) {
    let app = &service.app;
    if !app.environment.is_empty() {
        let pairs: Vec<String> = app
            .environment
            .iter()
            .map(|(name, value)| format!("{name} = {}", quote(value)))
            .collect();
        let why = "guess: as its container or its settings file has it";
        text.pair("env", &format!("{{ {} }}", pairs.join(", ")), why);
    }
    if !app.secret_variables.is_empty() {
        let secrets = app
            .secret_variables
            .iter()
            .map(|name| format!("{name} = {}", quote(&secret_name(&app.name, name))));
        let secrets = secrets.collect::<Vec<_>>().join(", ");
        text.comment(
            "TODO: the container is given secrets; declare them under [secrets], set them, and:",
        );
        text.comment(&format!("secrets = {{ {secrets} }}"));
    }
    stores(fleet, service, text);
}

/// Databases: a line for those that `stores` can lead to, a note for the others.
fn stores(fleet: &Fleet, service: &Found, text: &mut Text) {
    let mut ports_on_loopback = BTreeSet::new();
    let mut pairs = Vec::new();
    let mut others = Vec::new();
    for database in &service.app.databases {
        match address(database).filter(|(_, port)| !is_taken(fleet, database, *port)) {
            // Two spellings of one address would be refused.
            Some((host, port)) if is_loopback(host) && !ports_on_loopback.insert(port) => {}
            Some((_, port)) => {
                let target = quote(&format!("127.0.0.1:{port}"));
                pairs.push(format!("{} = {target}", quote(database)));
            }
            None => others.push(database.as_str()),
        }
    }
    if !pairs.is_empty() {
        let why = "guess: databases, by TCP; right of `=`: where it is, seen from this machine";
        text.pair("stores", &format!("{{ {} }}", pairs.join(", ")), why);
    }
    if !others.is_empty() {
        let list = others.join(", ");
        text.comment(&format!(
            "TODO: it uses {list}: give it a name in the code, and lead that name there:"
        ));
        text.comment("stores = { \"NAME:5432\" = \"127.0.0.1:5432\" }");
    }
}

/// Host and port, where the host is a name or loopback: only those can lead elsewhere.
fn address(database: &str) -> Option<(&str, u16)> {
    let (host, port) = database.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let is_label = |label: &str| {
        let is_plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        is_plain && (1..=63).contains(&label.len()) && label.trim_matches('-') == label
    };
    let is_name = host.len() <= 253
        && host.split('.').all(is_label)
        && !host.rsplit('.').next()?.starts_with(|c: char| c.is_ascii_digit());
    (is_name || is_loopback(host)).then_some((host, port))
}

fn is_loopback(host: &str) -> bool {
    ["127.0.0.1", "localhost"].contains(&host)
}

/// Whether that is a door already, or would lead to one.
fn is_taken(fleet: &Fleet, database: &str, port: u16) -> bool {
    let is_partner = |base: &String| base.contains(&format!("//{database}"));
    port == GATEWAY_PORT
        || fleet.partners.keys().any(is_partner)
        || fleet.services.iter().any(|other| {
            other.app.port.unwrap_or(FLASK_PORT) == port
                || other.app.hosts.iter().any(|host| host == database)
        })
}

fn committed_lines(hits: &[SecretHit]) -> Vec<String> {
    let mut by_file: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for hit in hits {
        by_file.entry(&hit.file).or_default().push(format!("line {} {}", hit.line, hit.name));
    }
    by_file
        .into_iter()
        .map(|(file, names)| format!("TODO: secrets in code (RW3101): {file} {}", names.join(", ")))
        .collect()
}

fn people(fleet: &Fleet, service: &Found, text: &mut Text) {
    let wanted = |one: &&Operation| service.is_frontend || !is_chore(one);
    let (staff, open): (Vec<&Operation>, Vec<&Operation>) =
        service.operations.iter().filter(wanted).partition(|one| is_for_staff(one));
    if service.is_frontend {
        text.comment(
            "guess: it renders pages and no service calls it, so it is for people; without these",
        );
        text.comment(
            "lines nothing could be seen. Narrow them: `people.customer` demands a sign-in",
        );
        let items: Vec<(String, String)> =
            open.iter().map(|one| (one.name.clone(), format!("guess: {}", route(one)))).collect();
        text.list("people.anyone", &items);
    } else if !open.is_empty() {
        let is_inner =
            !service.callers.is_empty() && fleet.services.iter().any(|one| one.is_frontend);
        text.comment(if is_inner {
            "TODO: may people reach it directly? Only other services can, until a line says so:"
        } else {
            "TODO: who may do what? Nobody may, until a line says so:"
        });
        text.line(&format!("# people.customer = [{}]", names(&open)));
    }
    if !staff.is_empty() {
        text.comment("TODO: looks like staff only; declare a role for them and give it:");
        text.line(&format!("# people.ROLE = [{}]", names(&staff)));
    }
}

fn callers(service: &Found, text: &mut Text) {
    for (caller, calls) in &service.callers {
        let items: Vec<(String, String)> = calls
            .known
            .iter()
            .map(|(operation, places)| (operation.clone(), format!("guess: {}", places.join(", "))))
            .collect();
        if !items.is_empty() {
            text.list(&format!("callers.{caller}"), &items);
        }
        for unknown in &calls.unknown {
            text.comment(&format!("TODO: {caller} also calls {unknown}; no single operation fits"));
        }
    }
}

fn partner(base: &str, partner: &Partner, text: &mut Text) {
    text.line(&format!("\n[partners.{}]  # a third party: nothing else may leave", partner.name));
    text.pair("url", &quote(base), "guess: called by the lines below");
    for (caller, routes) in &partner.callers {
        let items: Vec<(String, String)> = routes
            .iter()
            .map(|(route, places)| (route.clone(), format!("guess: {}", places.join(", "))))
            .collect();
        text.list(&format!("callers.{caller}"), &items);
    }
}

fn secrets(fleet: &Fleet, text: &mut Text) {
    text.line("\n[secrets]  # names only; values: `ringwall secret set NAME`");
    for line in committed_lines(&fleet.secrets) {
        text.comment(&line);
    }
    let service = fleet.services.iter().find_map(|one| Some((one, one.secrets.first()?)));
    if let Some((service, hit)) = service {
        let (variable, secret) = (variable(&hit.name), secret_name(&service.app.name, &hit.name));
        text.comment(&format!("to move a secret out of the code, here: {secret} = {{}}"));
        text.comment(&format!("in the service: secrets = {{ {variable} = {} }}", quote(&secret)));
        text.comment(&format!(
            "in the code: os.environ[{}]; its value: `ringwall secret set {secret}`",
            quote(&variable)
        ));
    }
}

fn limits(fleet: &Fleet, text: &mut Text) {
    text.line("\n[limits]");
    text.pair("default", "\"300 per minute per user\"", "guess");
    text.pair("login", "\"5 per minute per account\"", "attempts to sign in at Ringwall");
    for service in fleet.services.iter().filter(|service| service.is_frontend) {
        for operation in service.operations.iter().filter(|one| takes_passwords(one)) {
            let key = format!("{}.{}", service.app.name, quote(&operation.name));
            text.pair(
                &key,
                "\"20 per minute per ip\"",
                &format!("guess: {} takes passwords", route(operation)),
            );
        }
    }
}

fn expectations(fleet: &Fleet, text: &mut Text) {
    text.line("\n[expect]  # promises, proved by `ringwall check`");
    let inner =
        fleet.services.iter().filter(|service| !service.is_frontend && !service.callers.is_empty());
    let promises: Vec<(String, String)> = inner
        .map(|service| {
            (format!("anyone -> {}.*", service.app.name), "guess: for services only".to_owned())
        })
        .collect();
    if promises.is_empty() {
        text.comment("never = [\"anyone -> SERVICE.OPERATION\"]");
    } else {
        text.list("never", &promises);
    }
}

fn takes_passwords(operation: &Operation) -> bool {
    let last = operation.path.rsplit('/').next().unwrap_or_default();
    let is_named = ["login", "register", "sign-in", "sign-up", "signin", "signup"].contains(&last);
    is_named && operation.method == "POST"
}

fn route(operation: &Operation) -> String {
    format!("{} {}", operation.method, operation.path)
}

fn names(operations: &[&Operation]) -> String {
    operations.iter().map(|one| quote(&one.name)).collect::<Vec<_>>().join(", ")
}

/// An environment variable's name, from the name in the code.
fn variable(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain }
}

/// A secret's name, such as `orders_database_url`.
fn secret_name(service: &str, name: &str) -> String {
    format!("{}_{}", service.replace('-', "_"), variable(name).to_ascii_lowercase())
}

/// A basic string of TOML.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.extend(['\\', 'u'].into_iter().chain(hex(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The four digits of a control character.
fn hex(c: char) -> impl Iterator<Item = char> {
    let number = u32::from(c);
    [12, 8, 4, 0].into_iter().filter_map(move |shift| char::from_digit(number >> shift & 0xF, 16))
}

/// Where the public door is in development.
const GATEWAY_PORT: u16 = 8_443;
const FLASK_PORT: u16 = 5_000;
