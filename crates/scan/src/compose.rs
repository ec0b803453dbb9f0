//! Compose files: under which names and ports a service is known on its network.

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
    Composed { names: names.into_iter().flatten().collect(), build, port }
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
        let [db, api] = &found[..] else { panic!("{found:?}") };
        assert_eq!(api.names, ["user-api", "cuser"]);
        assert_eq!((api.build.as_deref(), api.port), (Some("."), Some(5001)));
        assert_eq!(db.build, None);
        assert_eq!(read("not: [yaml"), []);
    }
}
