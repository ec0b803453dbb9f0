//! A house in front of one small service, as most tests need it.

use serde_json::Value;

use crate::house::House;
use crate::program::{Program, service};

/// `upstream.py`, running.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) program: Program,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

/// The service that tests put behind Ringwall.
pub(crate) const UPSTREAM: &str = include_str!("upstream.py");

impl Upstream {
    /// Starts it on a free port.
    pub(crate) fn start() -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let seen = folder.path().join("seen");
        let (program, port) = service(("upstream.py", UPSTREAM), "127.0.0.1:0", &seen);
        Self { program, port, folder }
    }

    /// What it saw so far.
    pub(crate) fn seen(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("seen")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A field of a request that the service saw.
pub(crate) fn field<'a>(seen: &'a Value, name: &str) -> Option<&'a str> {
    let fields = seen["headers"].as_array().unwrap();
    fields.iter().find(|pair| pair[0] == name).and_then(|pair| pair[1].as_str())
}

/// `serve` in front of the service; `ada` is a customer, `cem` a clerk.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) house: House,
    pub(crate) upstream: Upstream,
    pub(crate) server: Program,
}

impl Library {
    /// Starts both.
    #[track_caller]
    pub(crate) fn open() -> Self {
        Self::open_with(|manifest| manifest)
    }

    /// Starts both with a changed manifest.
    #[track_caller]
    pub(crate) fn open_with(change: impl FnOnce(String) -> String) -> Self {
        let (house, upstream) = Self::closed(change);
        let server = house.serve();
        Self { house, upstream, server }
    }

    /// The service, and the house before it starts.
    pub(crate) fn closed(change: impl FnOnce(String) -> String) -> (House, Upstream) {
        let upstream = Upstream::start();
        let manifest = change(MANIFEST.replace("UPSTREAM", &upstream.port.to_string()));
        let house = House::new(&manifest);
        house.write("books.yaml", BOOKS);
        (house, upstream)
    }
}

/// Books have an OpenAPI file, the lab has not.
pub(crate) const MANIFEST: &str = include_str!("library.toml");

const BOOKS: &str = include_str!("books.yaml");
