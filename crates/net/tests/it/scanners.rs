//! What scanners of others find at the public door: nothing above low.

use std::process::{Command, Stdio};

use ringwall_net::HostTls;

use crate::edge::Edge;

/// The output of a scanner; `None`, and said so, when it is not installed.
fn scan(program: &str, arguments: &[&str]) -> Option<String> {
    let is_there = Command::new("which").arg(program).stdout(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        say(&format!("NOT RUN: `{program}` is not installed"));
        return None;
    }
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[test]
fn sslscan_finds_new_versions_and_forward_secrecy_only() {
    let edge = Edge::open(&HostTls::default(), &[]);
    let address = edge.address().to_string();
    let sni = "--sni-name=a.localhost";
    let Some(text) = scan("sslscan", &["--no-colour", "--no-failed", sni, &address]) else {
        return;
    };
    for line in
        ["SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled", "TLSv1.1   disabled"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    for line in ["TLSv1.2   enabled", "TLSv1.3   enabled", "not vulnerable to heartbleed"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let ciphers: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("Preferred") || line.starts_with("Accepted"))
        .collect();
    assert!(ciphers.len() >= 6, "{text}");
    for line in ciphers {
        let is_new = line.contains("TLSv1.3");
        let is_good = line.contains("ECDHE") && (line.contains("GCM") || line.contains("CHACHA20"));
        assert!(is_new || is_good, "{line}");
    }
}

#[test]
fn testssl_finds_nothing_above_low() {
    let edge = Edge::open(&HostTls::default(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("found.json");
    let root = folder.path().join("root.pem");
    std::fs::write(&root, &edge.ca.pem).unwrap();
    let address = format!("a.localhost:{}", edge.address().port());
    let (file_name, root) = (file.to_str().unwrap(), root.to_str().unwrap());
    // Versions, classes of ciphers, Heartbleed, CCS, renegotiation, CRIME. What else it can look
    // for needs a cipher or a version that these have excluded.
    let arguments = [
        "--quiet",
        "--color",
        "0",
        "--warnings",
        "off",
        "--ip",
        "127.0.0.1",
        "--nodns",
        "none",
        "--add-ca",
        root,
        "--jsonfile",
        file_name,
        "-p",
        "-s",
        "-H",
        "-I",
        "-R",
        "-C",
        &address,
    ];
    let Some(text) = scan("testssl", &arguments) else { return };
    let found = std::fs::read_to_string(&file).unwrap();
    let entries: Vec<&str> = found.split("\"id\"").skip(1).collect();
    assert!(entries.len() > 20, "{text} {found}");
    for entry in entries {
        for severity in ["\"MEDIUM\"", "\"HIGH\"", "\"CRITICAL\"", "\"FATAL\""] {
            assert!(!entry.contains(severity), "{entry}");
        }
    }
}
