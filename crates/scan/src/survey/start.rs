//! How an app is probably called, started and listening.

use std::collections::BTreeSet;

use super::App;
use crate::compose::Composed;
use crate::python;
use crate::tree::Tree;

/// Gives every app a name that can be a key of the manifest, each once.
pub(super) fn name_all(apps: &mut [App]) {
    let mut taken = BTreeSet::new();
    for app in apps {
        let last = app.root.trim_end_matches(".py").rsplit('/').next().unwrap_or_default();
        let plain: String = last
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let plain = plain.trim_matches('-');
        let plain = if plain.is_empty() { "app" } else { plain };
        let mut name = plain.to_owned();
        for number in 2_u32.. {
            if taken.insert(name.clone()) {
                break;
            }
            name = format!("{plain}-{number}");
        }
        app.name = name;
    }
}

/// Finds the start command and the port.
pub(super) fn fill(
    tree: &dyn Tree,
    files: &[String],
    composed: &[(String, Composed)],
    app: &mut App,
) {
    let is_folder = files.iter().all(|file| *file != app.root);
    app.dir = if is_folder { app.root.clone() } else { folder_of(&app.root).to_owned() };
    let folder = if app.dir == "." { "" } else { app.dir.as_str() };
    let inside =
        |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };

    let top: Vec<String> = if is_folder {
        let python = files.iter().filter(|file| folder_of(file) == folder);
        python.filter(|file| file.rsplit('.').next() == Some("py")).cloned().collect()
    } else {
        vec![app.root.clone()]
    };
    let facts = |file: &String| tree.read(file).and_then(|text| python::read(&text));
    let runner = top.iter().find_map(|file| Some((file, facts(file)?.run_port?)));
    let module =
        top.iter().find_map(|file| Some((stem(file), facts(file)?.module_apps.first()?.clone())));
    let dockerfile = tree.read(&inside("Dockerfile")).unwrap_or_default();
    let service = composed
        .iter()
        .find(|(at, service)| builds(at, service, folder))
        .map(|(_, service)| service);

    let exposed = dockerfile
        .lines()
        .find_map(|line| line.trim().strip_prefix("EXPOSE ")?.trim().parse().ok());
    let bound = dockerfile.split(['"', '\'', ' ', ',']).find_map(port_of_bind);
    app.port =
        runner.map(|(_, port)| port).or(bound).or_else(|| service.and_then(|s| s.port)).or(exposed);

    let port = app.port.map_or_else(String::new, |port| port.to_string());
    let uses_gunicorn = tree
        .read(&inside("requirements.txt"))
        .is_some_and(|text| text.to_ascii_lowercase().contains("gunicorn"));
    app.run = match (runner, module) {
        (_, Some((module, variable))) if uses_gunicorn => {
            format!("gunicorn -b 127.0.0.1:{port} {module}:{variable}")
        }
        (Some((file, _)), _) => format!("python {}", name_of(file)),
        (None, Some((module, variable))) => {
            format!("flask --app {module}:{variable} run --port {port}")
        }
        (None, None) => format!("flask run --port {port}"),
    };
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

/// `0.0.0.0:5001` in a command line.
fn port_of_bind(word: &str) -> Option<u16> {
    let (host, port) = word.rsplit_once(':')?;
    let port = port.trim_end_matches(']').parse().ok()?;
    (host.ends_with("0.0.0.0") || host.ends_with("127.0.0.1") || host.is_empty()).then_some(port)
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
