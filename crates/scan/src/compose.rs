//! Compose files: under which names and ports a service is known on its network.

use std::collections::BTreeMap;

use serde_json::Value;

/// One service of a compose file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Composed {
    /// Key, container name and host name.
    pub(crate) names: Vec<String>,
    /// Folder that it is built from, relative to the compose file; none for a ready image.
    pub(crate) build: Option<String>,
    /// The port inside the container, if one is published.
    pub(crate) port: Option<u16>,
    /// The command that replaces the image's.
    pub(crate) command: Option<String>,
    /// Its environment.
    pub(crate) environment: BTreeMap<String, String>,
}

/// Reads the services of a compose file. What is not understood is left out: these are guesses
/// that a person confirms.
pub(crate) fn read(text: &str) -> Vec<Composed> {
    if text.len() > FILE_BYTES_MAX {
        return Vec::new();
    }
    let Ok(file) = serde_saphyr::from_str::<Value>(text) else { return Vec::new() };
    let services = file.get("services").and_then(Value::as_object);
    services.into_iter().flatten().map(|(key, service)| composed(key, service)).collect()
}

fn composed(key: &str, service: &Value) -> Composed {
    let text = |name: &str| service.get(name).and_then(Value::as_str).map(str::to_owned);
    let names = [Some(key.to_owned()), text("container_name"), text("hostname")];
    let build = match service.get("build") {
        Some(Value::String(folder)) => Some(folder.clone()),
        Some(build) => build.get("context").and_then(Value::as_str).map(str::to_owned),
        None => None,
    };
    let port =
        service.get("ports").and_then(Value::as_array).into_iter().flatten().find_map(inner_port);
    // A folder of its own may be named by the Dockerfile only: `context: .`.
    let dockerfile = service.get("build").and_then(|build| build.get("dockerfile")?.as_str());
    let build = match (build, dockerfile.and_then(|file| file.rsplit_once('/'))) {
        (Some(context), Some((folder, _))) if context.trim_matches(['.', '/']).is_empty() => {
            Some(folder.to_owned())
        }
        (build, _) => build,
    };
    Composed {
        names: names.into_iter().flatten().map(|name| name.to_ascii_lowercase()).collect(),
        build,
        port,
        command: match service.get("command") {
            Some(Value::String(command)) => Some(command.clone()),
            Some(Value::Array(words)) => {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                Some(words.join(" "))
            }
            _ => None,
        },
        environment: environment(service.get("environment")),
    }
}

/// `{ A: "1" }` or `["A=1"]`.
fn environment(value: Option<&Value>) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = match value {
        Some(Value::Object(map)) => map
            .iter()
            .filter_map(|(name, value)| {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(_) | Value::Bool(_) => value.to_string(),
                    Value::Null | Value::Array(_) | Value::Object(_) => return None,
                };
                Some((name.clone(), text))
            })
            .collect(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|line| line.as_str()?.split_once('='))
            .map(|(name, text)| (name.trim().to_owned(), text.trim().to_owned()))
            .collect(),
        _ => Vec::new(),
    };
    pairs.into_iter().map(|(name, text)| (name, settled(&text))).collect()
}

/// `${NAME:-default}` is its default.
fn settled(text: &str) -> String {
    let inside = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let default = inside.and_then(|inside| inside.split_once('-').map(|(_, default)| default));
    default.unwrap_or(text).to_owned()
}

/// `"5001:5001"`, `"127.0.0.1:8080:80/tcp"`, `5001`, `{ target: 5001 }`.
fn inner_port(port: &Value) -> Option<u16> {
    let number = |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok());
    match port {
        Value::String(text) => text.rsplit(':').next()?.split('/').next()?.parse().ok(),
        Value::Object(long) => long.get("target").and_then(number),
        other => number(other),
    }
}

const FILE_BYTES_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_folder_and_port_are_read() {
        let found = read(
            "services:\n  user-api:\n    container_name: cuser\n    build:\n      context: .\n    ports:\n    - \"5001:5001\"\n  db:\n    image: mysql:8\n",
        );
        // In which order a file's members come is up to its reader.
        let named = |name| found.iter().find(|service| service.names[0] == name).unwrap();
        let (db, api) = (named("db"), named("user-api"));
        assert_eq!(api.names, ["user-api", "cuser"]);
        assert_eq!((api.build.as_deref(), api.port), (Some("."), Some(5001)));
        assert_eq!(db.build, None);
        assert_eq!(read("not: [yaml"), []);
    }
}
