//! Names of services: from their folders, so that people recognise them.

use std::collections::BTreeSet;

use super::App;

/// Gives every app a name that can be a key of the manifest, each once.
pub(super) fn name_all(apps: &mut [App]) {
    let plain: Vec<String> = apps.iter().map(|app| plain(&last(app))).collect();
    let shared = shared_prefix(&plain);
    let mut taken = BTreeSet::new();
    for (app, plain) in apps.iter_mut().zip(&plain) {
        let short = plain.strip_prefix(shared.as_str()).unwrap_or(plain);
        let is_good = short.starts_with(|c: char| c.is_ascii_alphabetic());
        let short = if is_good { short.to_owned() } else { format!("app-{short}") };
        let short = short.trim_end_matches('-');
        let short =
            if RESERVED.contains(&short) { format!("{short}-service") } else { short.to_owned() };
        let mut name = short.clone();
        for number in 2_u32.. {
            if taken.insert(name.clone()) {
                break;
            }
            name = format!("{short}-{number}");
        }
        app.name = name;
    }
}

/// Whether a host name in code means this app.
pub(super) fn is_known_as(app: &App, host: &str) -> bool {
    let host = host.replace('_', "-");
    host == app.name || host == plain(&last(app))
}

fn last(app: &App) -> String {
    let path = app.root.trim_end_matches(".py");
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn plain(text: &str) -> String {
    let plain: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(NAME_CHARS_MAX)
        .collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "app".to_owned() } else { plain.to_owned() }
}

/// `flask-shop-` of `flask-shop-users` and `flask-shop-orders`; with its last `-`.
fn shared_prefix(names: &[String]) -> String {
    let Some(first) = names.first().filter(|_| names.len() > 1) else { return String::new() };
    let mut ends = first.rmatch_indices('-').filter_map(|(at, _)| first.get(..=at));
    let shared = ends.find(|prefix| names.iter().all(|name| name.starts_with(prefix)));
    shared.unwrap_or_default().to_owned()
}

const NAME_CHARS_MAX: usize = 50;
/// Words that have a meaning of their own in the manifest, and roles that people expect there.
const RESERVED: &[&str] = &[
    "admin",
    "anonymous",
    "anyone",
    "customer",
    "default",
    "gateway",
    "login",
    "logs",
    "people",
    "ringwall",
];
