//! Where the manifest is, and where the state lies.

use std::path::{Path, PathBuf};

/// The manifest, its folder, and the state folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// The manifest.
    pub(crate) manifest: PathBuf,
    /// The folder that paths in the manifest are relative to, when it is not beside it.
    base: Option<PathBuf>,
    /// Name of the environment overlay.
    pub(crate) env: Option<String>,
    state: PathBuf,
}

impl Place {
    /// From the options. Without `--manifest`, the nearest `ringwall.toml` upwards; without
    /// `--state`, `.ringwall` beside the manifest.
    pub(crate) fn find(manifest: Option<&Path>, state: Option<&Path>, env: Option<&str>) -> Self {
        let manifest = manifest.map_or_else(nearest, Path::to_path_buf);
        let beside = manifest.parent().unwrap_or(Path::new("")).join(".ringwall");
        Self {
            base: None,
            state: state.map_or(beside, Path::to_path_buf),
            manifest,
            env: env.map(str::to_owned),
        }
    }

    /// Another manifest, read as if it stood where this one does: an older version in a file of
    /// its own names the same OpenAPI files.
    pub(crate) fn older(&self, manifest: &Path) -> Self {
        Self { manifest: manifest.to_path_buf(), base: Some(self.folder()), ..self.clone() }
    }

    /// The folder that paths in the manifest are relative to.
    pub(crate) fn folder(&self) -> PathBuf {
        if let Some(base) = &self.base {
            return base.clone();
        }
        match self.manifest.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        }
    }

    /// The state folder.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// The database.
    pub(crate) fn database(&self) -> PathBuf {
        self.state.join("store.db")
    }

    /// The file with the root key, when it is kept in a file.
    pub(crate) fn root_key(&self) -> PathBuf {
        self.state.join("root.key")
    }

    /// The audit log's folder.
    pub(crate) fn audit(&self) -> PathBuf {
        self.state.join("audit")
    }

    /// Files that live as long as the server.
    pub(crate) fn run(&self) -> PathBuf {
        self.state.join("run")
    }

    /// The control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.run().join("control.sock")
    }

    /// The certificate that clients trust in `dev`.
    pub(crate) fn ca(&self) -> PathBuf {
        self.state.join("ca.pem")
    }
}

fn nearest() -> PathBuf {
    let name = Path::new("ringwall.toml");
    let Ok(here) = std::env::current_dir() else { return name.to_path_buf() };
    let found = here.ancestors().map(|folder| folder.join(name)).find(|path| path.is_file());
    match found {
        // Short paths in messages when it is here.
        Some(path) if path.parent() != Some(here.as_path()) => path,
        _ => name.to_path_buf(),
    }
}
