//! The files below a folder, as the scanners want them.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ringwall_scan::Tree;

/// A folder on disk. Symbolic links are not followed: they may lead out of it.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    files: Vec<String>,
    read: Mutex<Vec<PathBuf>>,
}

impl Disk {
    /// Lists the files below a folder.
    pub(crate) fn at(root: &Path) -> Self {
        let mut files = Vec::new();
        list(root, "", 0, &mut files);
        files.sort();
        Self { root: root.to_path_buf(), files, read: Mutex::new(Vec::new()) }
    }

    /// The files that were read so far.
    pub(crate) fn read_files(&self) -> Vec<PathBuf> {
        self.read.lock().map(|mut read| std::mem::take(&mut *read)).unwrap_or_default()
    }
}

impl Tree for Disk {
    fn files(&self) -> Vec<String> {
        self.files.clone()
    }

    fn read(&self, path: &str) -> Option<String> {
        let full = self.root.join(path);
        if let Ok(mut read) = self.read.lock() {
            read.push(full.clone());
        }
        let size = full.metadata().ok()?.len();
        // A file that cannot be read is reported by the caller; here it is only absent.
        if size > FILE_BYTES_MAX { None } else { std::fs::read_to_string(full).ok() }
    }
}

fn list(root: &Path, below: &str, depth: usize, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(root.join(below)) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let Ok(kind) = entry.file_type() else { continue };
        let is_foreign =
            FOREIGN.contains(&name.as_str()) || entry.path().join("pyvenv.cfg").exists();
        if kind.is_dir() && !is_foreign && depth < DEPTH_MAX {
            list(root, &path, depth.saturating_add(1), files);
        } else if kind.is_file() && files.len() < FILES_MAX {
            files.push(path);
        }
    }
}

/// Folders that hold no source of the project.
const FOREIGN: &[&str] = &[
    ".git",
    ".hg",
    ".ringwall",
    ".tox",
    ".venv",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "site-packages",
    "target",
    "venv",
];

const FILE_BYTES_MAX: u64 = 1024 * 1024;
const FILES_MAX: usize = 100_000;
const DEPTH_MAX: usize = 16;
