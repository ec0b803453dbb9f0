//! Runs a test again inside new user, network and mount namespaces.

use std::process::Command;

/// Whether this process is already apart. If not, the test of this name is run again there, and
/// its outcome is this test's. What is needed and missing is said: such a test was not run.
pub(crate) fn is_apart(test: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    for program in ["caddy", "unshare", "ip"] {
        let found =
            Command::new("which").arg(program).output().is_ok_and(|out| out.status.success());
        if !found {
            say(&format!("NOT RUN: {test}: `{program}` is not installed"));
            return false;
        }
    }
    if !Command::new("unshare").args(["-rmn", "true"]).status().unwrap().success() {
        say(&format!("NOT RUN: {test}: this system has no user namespaces"));
        return false;
    }
    let script = "ip link set lo up && printf '%s\\n' \"$1\" > \"$2\" && \
                  mount --bind \"$2\" /etc/hosts && exec \"$3\" --exact \"$4\" --nocapture";
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("unshare")
        .args(["-rmn", "sh", "-c", script, "sh", "127.0.0.1 localhost acme.test a.test b.test"])
        .arg(folder.path().join("hosts"))
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(MARK, "1")
        .status()
        .unwrap();
    assert!(status.success(), "failed inside the namespaces");
    false
}

#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
fn say(text: &str) {
    eprintln!("{text}");
}

const MARK: &str = "RINGWALL_TEST_APART";
