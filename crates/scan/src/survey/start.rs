//! How an app is probably started, and where it then listens.

use std::collections::BTreeSet;

use super::settings::{Settings, database};
use super::{App, Surroundings, is_below};
use crate::compose::Composed;
use crate::python::{self, Facts};

/// Finds the start command, the port, and what else the app is given.
pub(super) fn fill(around: &Surroundings<'_>, app: &mut App) {
    let is_folder = around.files.iter().all(|file| *file != app.root);
    app.dir = if is_folder { app.root.clone() } else { folder_of(&app.root).to_owned() };
    if app.dir.is_empty() {
        ".".clone_into(&mut app.dir);
    }
    let folder = if app.dir == "." { "" } else { app.dir.as_str() }.to_owned();
    let service = service(around, app, &folder);
    let settings = Settings::of(around, &folder, service);
    let own = |file: &str| if is_folder { is_below(file, &folder) } else { file == app.root };
    let facts = || around.read.iter().filter(|(file, _)| own(file)).map(|(_, facts)| facts);
    let reads: BTreeSet<String> = facts().flat_map(|facts| facts.variables.clone()).collect();
    let texts = facts().flat_map(|facts| facts.constants.values());
    let known: Vec<String> =
        texts.map(|text| python::expand(text, &|name| settings.get(name))).collect();
    let databases = known.iter().chain(settings.given.values()).filter_map(|text| database(text));
    app.databases = databases.collect::<BTreeSet<_>>().into_iter().collect();
    settings.note(app, &reads);
    command(around, app, &Site { folder, is_folder, settings, service });
}

/// Where an app is, and what it is given.
struct Site<'a> {
    folder: String,
    /// Whether the folder is the app's alone.
    is_folder: bool,
    settings: Settings,
    service: Option<&'a Composed>,
}

fn command(around: &Surroundings<'_>, app: &mut App, site: &Site<'_>) {
    let (folder, settings) = (site.folder.as_str(), &site.settings);
    let is_top = |file: &str| {
        if site.is_folder { folder_of(file) == folder } else { file == app.root }
    };
    let top = || around.read.iter().filter(|(file, _)| is_top(file));
    let runner = top().find_map(|(file, facts)| Some((file, facts.run_port.clone()?)));
    let module = top().find_map(|(file, facts)| Some((stem(file), variable(facts)?)));
    let dockerfile = around.tree.read(&inside(folder, "Dockerfile")).unwrap_or_default();
    let written = site.service.and_then(|service| service.command.clone());
    let written = written.or_else(|| docker_command(&dockerfile));
    let written = written.and_then(|command| usable(&command, around, site));

    let of_runner = runner.as_ref().map(|(_, port)| port);
    // A port from a variable that nobody sets in `dev` is set by the manifest.
    for name in of_runner.into_iter().flat_map(|port| python::variables(port)) {
        if let Some(value) = settings.get(&name) {
            app.environment.insert(name, value);
        }
    }
    let in_code =
        of_runner.and_then(|port| python::expand(port, &|name| settings.get(name)).parse().ok());
    let runs_file = written.as_ref().is_none_or(|command| command.starts_with("python"));
    app.port = written
        .as_deref()
        .and_then(bound)
        .or(in_code.filter(|_| runs_file))
        .or_else(|| site.service.and_then(|service| service.port))
        .or_else(|| {
            let mut lines = dockerfile.lines();
            lines.find_map(|line| line.trim().strip_prefix("EXPOSE ")?.trim().parse().ok())
        });
    if let Some(command) = written {
        app.run = match command.split_once(' ') {
            _ if bound(&command).is_some() => command,
            Some(("flask", _)) => format!("{command} --port {PORT}"),
            Some(("gunicorn", rest)) => format!("gunicorn -b 127.0.0.1:{PORT} {rest}"),
            _ => command,
        };
        return;
    }
    let requirements = around.tree.read(&inside(folder, "requirements.txt")).unwrap_or_default();
    let uses_gunicorn = requirements.to_ascii_lowercase().contains("gunicorn");
    app.run = match (runner, module) {
        (Some((file, _)), _) => format!("python3 {}", name_of(file)),
        (None, Some((module, variable))) if uses_gunicorn => {
            format!("gunicorn -b 127.0.0.1:{PORT} {}", quoted(&module, &variable))
        }
        (None, Some((module, variable))) => {
            format!("flask --app {} run --port {PORT}", quoted(&module, &variable))
        }
        (None, None) => format!("flask --app {} run --port {PORT}", module_of(app, folder)),
    };
}

/// Fills in ports: those that are known, and free ones where the command takes any.
pub(super) fn give_ports(apps: &mut [App]) {
    let mut taken: BTreeSet<u16> = apps.iter().filter_map(|app| app.port).collect();
    for app in apps {
        if !app.run.contains(PORT) {
            continue;
        }
        let free = || (FIRST_PORT..=LAST_PORT).find(|port| !taken.contains(port));
        let port = app.port.or_else(free).unwrap_or(FIRST_PORT);
        taken.insert(port);
        app.port = Some(port);
        app.run = app.run.replace(PORT, &port.to_string());
    }
}

pub(super) fn inside(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The compose service that is built from the app's folder, or has its name.
fn service<'a>(around: &Surroundings<'a>, app: &App, folder: &str) -> Option<&'a Composed> {
    let services = || around.composed.iter();
    let built = services().find(|(at, service)| builds(at, service, folder));
    let named = || {
        services().find(|(_, service)| {
            service.names.iter().any(|name| super::name::is_known_as(app, name))
        })
    };
    built.or_else(named).map(|(_, service)| service)
}

fn builds(at: &str, service: &Composed, folder: &str) -> bool {
    let Some(build) = &service.build else { return false };
    let build = build.trim_start_matches("./").trim_end_matches('/');
    let target = match (at, build) {
        (at, "" | ".") => at.to_owned(),
        ("", build) => build.to_owned(),
        (at, build) => format!("{at}/{build}"),
    };
    target == folder
}

/// `ENTRYPOINT` and `CMD` of a Dockerfile, in either form.
fn docker_command(dockerfile: &str) -> Option<String> {
    let joined = dockerfile.replace("\\\n", " ");
    let last = |name: &str| {
        let mut lines = joined.lines().rev().filter_map(|line| line.trim().strip_prefix(name));
        lines.next().map(|line| {
            let words = line.trim().trim_start_matches('[').trim_end_matches(']');
            let is_list = line.trim().starts_with('[');
            let words = if is_list { words.replace(',', " ") } else { words.to_owned() };
            let words = words.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
            words.collect::<Vec<_>>().join(" ")
        })
    };
    let words: Vec<String> = [last("ENTRYPOINT "), last("CMD ")].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A command of a container, as it can be started here. `None` when it cannot.
fn usable(command: &str, around: &Surroundings<'_>, site: &Site<'_>) -> Option<String> {
    let command = command.replace("0.0.0.0", "127.0.0.1");
    let command =
        command.strip_prefix("python ").map_or(command.clone(), |rest| format!("python3 {rest}"));
    let command = command
        .split_whitespace()
        .map(|word| match word.rsplit_once('$') {
            Some((before, name)) => {
                let value = site.settings.get(name.trim_matches(['{', '}']))?;
                Some(format!("{before}{value}"))
            }
            None => Some(word.to_owned()),
        })
        .collect::<Option<Vec<_>>>()?
        .join(" ");
    let mut words = command.split_whitespace();
    let is_known =
        matches!(words.next(), Some("flask" | "gunicorn" | "python3" | "waitress-serve"));
    let is_plain = !command.contains(['&', '|', ';', '`', '"', '\'', '\\', '\u{0}']);
    let files_exist = command
        .split_whitespace()
        .filter(|word| word.split('.').next_back() == Some("py"))
        .all(|file| around.files.iter().any(|known| *known == inside(&site.folder, file)));
    (is_known && is_plain && files_exist).then_some(command)
}

/// The port in a command line: `-b 127.0.0.1:5001`, `--bind=:5001`, `--port 5001`, `-p 5001`.
fn bound(command: &str) -> Option<u16> {
    let words: Vec<&str> = command.split([' ', '=']).collect();
    let after = |names: &[&str]| {
        let at = words.iter().position(|word| names.contains(word))?;
        words.get(at.checked_add(1)?)?.parse().ok()
    };
    let address = words.iter().find_map(|word| word.rsplit_once(':')?.1.parse().ok());
    after(&["--port", "-p"]).or(address)
}

/// The variable of an app object, or the call of its factory.
fn variable(facts: &Facts) -> Option<String> {
    facts
        .module_apps
        .first()
        .cloned()
        .or_else(|| facts.factories.first().map(|factory| factory.clone() + "()"))
}

/// As a shell takes it: brackets of a factory are the shell's own otherwise.
fn quoted(module: &str, variable: &str) -> String {
    let app = format!("{module}:{variable}");
    if variable.ends_with(')') { format!("'{app}'") } else { app }
}

/// The package or module that creates the app, as `flask --app` wants it.
fn module_of(app: &App, folder: &str) -> String {
    let below = app.file.strip_prefix(folder).unwrap_or(&app.file).trim_start_matches('/');
    let module = below.trim_end_matches(".py").trim_end_matches("__init__").trim_end_matches('/');
    if module.is_empty() { "app".to_owned() } else { module.replace('/', ".") }
}

fn folder_of(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn stem(file: &str) -> String {
    name_of(file).trim_end_matches(".py").to_owned()
}

/// Stands for a port that is chosen when all others are known.
const PORT: &str = "{port}";
/// Flask's own is the first.
const FIRST_PORT: u16 = 5000;
const LAST_PORT: u16 = 5999;
