//! What an app is given from outside: variables, and what those say about databases.

use std::collections::{BTreeMap, BTreeSet};

use super::{App, Surroundings};
use crate::compose::Composed;
use crate::secrets;

/// The variables of one app, by where they are set.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// By a compose file or a Dockerfile: nobody else sets them.
    pub(super) given: BTreeMap<String, String>,
    /// By files that the app reads itself, or that are examples of such.
    pub(super) own: BTreeMap<String, String>,
}

impl Settings {
    pub(super) fn of(around: &Surroundings<'_>, folder: &str, service: Option<&Composed>) -> Self {
        let mut settings = Self::default();
        let inside = |name: &str| super::start::inside(folder, name);
        let dockerfile = around.tree.read(&inside("Dockerfile")).unwrap_or_default();
        for line in dockerfile.lines().filter_map(|line| line.trim().strip_prefix("ENV ")) {
            let pair = line.split_once('=').or_else(|| line.trim().split_once(' '));
            if let Some((name, value)) = pair {
                settings.given.insert(name.trim().to_owned(), unquoted(value));
            }
        }
        if let Some(service) = service {
            settings.given.extend(service.environment.clone());
        }
        let is_env = |file: &&String| {
            let name = file.rsplit('/').next().unwrap_or_default();
            **file == inside(name) && (name.starts_with(".env") || name == ".flaskenv")
        };
        for file in around.files.iter().filter(is_env) {
            let text = around.tree.read(file).unwrap_or_default();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            for (name, value) in lines.filter_map(|line| line.split_once('=')) {
                let name = name.trim().trim_start_matches("export ").trim();
                settings.own.entry(name.to_owned()).or_insert_with(|| unquoted(value));
            }
        }
        settings
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.given.get(name).or_else(|| self.own.get(name)).cloned()
    }

    /// Notes what the manifest has to say: only what the code reads.
    pub(super) fn note(&self, app: &mut App, reads: &BTreeSet<String>) {
        // An app's own file may be read by a library only; addresses of others have to be known.
        let addresses = self.own.iter().filter(|(name, value)| {
            value.starts_with("http://") && !self.given.contains_key(*name)
        });
        for (name, value) in self.given.iter().chain(addresses) {
            let is_read = reads.contains(name) || name.starts_with("FLASK_");
            let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_read || !is_plain || name.starts_with("RINGWALL_") || value.contains("${") {
                continue;
            }
            if secrets::is_secret(name, value) || secrets::is_named(name) {
                app.secret_variables.push(name.clone());
            } else {
                app.environment.insert(name.clone(), value.clone());
            }
        }
    }
}

/// `host:port` in an address of a database or a queue.
pub(super) fn database(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let kind = scheme.split('+').next()?;
    let port = DATABASES.iter().find(|(known, _)| *known == kind).map(|(_, port)| port)?;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit('@').next()?;
    let is_plain =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
    if host.is_empty() || !is_plain(host) {
        return None;
    }
    Some(if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") })
}

fn unquoted(value: &str) -> String {
    value.trim().trim_matches(['"', '\'']).to_owned()
}

/// Scheme and usual port.
const DATABASES: &[(&str, &str)] = &[
    ("amqp", "5672"),
    ("mongodb", "27017"),
    ("mysql", "3306"),
    ("postgres", "5432"),
    ("postgresql", "5432"),
    ("redis", "6379"),
];
