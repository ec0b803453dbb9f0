//! A second process, for the tests that need one: this test program runs itself again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts the named test of this program as a process of its own, working on `path`.
pub(crate) fn start(test: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VARIABLE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// In the started process: what to work on. `None` in an ordinary run.
pub(crate) fn path() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(|path: OsString| PathBuf::from(path))
}

const VARIABLE: &str = "RINGWALL_STORE_VICTIM";
