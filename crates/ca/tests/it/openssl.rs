//! OpenSSL builds and prints our chains.

use std::fs;
use std::path::Path;
use std::process::Command;

use ringwall_ca::{Authority, Certificate, Settings};
use tempfile::TempDir;

use crate::house::{DAY, HOUR, House, NOW, house, orders, settings};

fn openssl(folder: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn folder(authority: &Authority, leaf: &Certificate) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("root.pem"), authority.bundle_pem()).unwrap();
    fs::write(folder.path().join("chain.pem"), leaf.chain_pem()).unwrap();
    folder
}

#[track_caller]
fn verify(authority: &Authority, leaf: &Certificate, at: u64, more: &[&str]) -> (bool, String) {
    let at = at.to_string();
    let mut args = vec!["verify", "-x509_strict", "-attime", &at, "-CAfile", "root.pem"];
    args.extend(more);
    args.extend(["-untrusted", "chain.pem", "chain.pem"]);
    openssl(folder(authority, leaf).path(), &args)
}

#[test]
fn a_server_chain_is_accepted_under_its_names_only() {
    let House { authority, .. } = house(settings());
    let names = ["shop.localhost", "*.shop.localhost", "127.0.0.1", "::1"];
    let leaf = authority.issue_server(&names).unwrap();
    let now = NOW.secs();
    for name in ["shop.localhost", "api.shop.localhost"] {
        let more = ["-purpose", "sslserver", "-verify_hostname", name];
        let (accepted, text) = verify(&authority, &leaf, now, &more);
        assert!(accepted, "{text}");
    }
    assert!(verify(&authority, &leaf, now, &["-verify_ip", "127.0.0.1"]).0);
    assert!(!verify(&authority, &leaf, now, &["-verify_hostname", "other.localhost"]).0);
    assert!(!verify(&authority, &leaf, now, &["-purpose", "sslclient"]).0);
}

#[test]
fn a_workload_chain_is_accepted_as_client_and_as_server() {
    let House { authority, .. } = house(settings());
    let leaf = authority.issue_workload(&orders(), HOUR).unwrap();
    for purpose in ["sslclient", "sslserver"] {
        let (accepted, text) = verify(&authority, &leaf, NOW.secs(), &["-purpose", purpose]);
        assert!(accepted, "{text}");
    }
}

#[test]
fn a_chain_is_accepted_from_five_minutes_before_to_its_end() {
    let House { authority, clock, .. } = house(Settings::new("shop"));
    // Later than the authority, so that the leaf's own five minutes count, not the issuer's.
    clock.advance(DAY);
    let leaf = authority.issue_workload(&orders(), HOUR).unwrap();
    let now = NOW.plus(DAY).secs();
    for (at, want) in [
        (now - 301, false),
        (now - 300, true),
        (now, true),
        // OpenSSL takes the last second itself for expired (RFC 5280 includes it).
        (now + 3_599, true),
        (now + 3_601, false),
    ] {
        let (accepted, text) = verify(&authority, &leaf, at, &[]);
        assert_eq!(accepted, want, "{at} {text}");
    }
}

#[test]
fn a_name_outside_the_constraints_is_issued_in_vain() {
    let House { authority, .. } = house(settings());
    for name in ["bank.example", "10.0.0.1"] {
        let leaf = authority.issue_server(&[name]).unwrap();
        let (accepted, text) = verify(&authority, &leaf, NOW.secs(), &[]);
        assert!(!accepted && text.contains("permitted subtree"), "{text}");
    }
    let House { authority, .. } = house(Settings::new("shop"));
    let leaf = authority.issue_server(&["bank.example"]).unwrap();
    assert!(verify(&authority, &leaf, NOW.secs(), &[]).0);
}

#[test]
fn a_workload_certificate_says_what_the_svid_standard_asks() {
    let House { authority, .. } = house(settings());
    let leaf = authority.issue_workload(&orders(), HOUR).unwrap();
    let folder = folder(&authority, &leaf);
    let (_, text) = openssl(folder.path(), &["x509", "-in", "chain.pem", "-noout", "-text"]);
    for want in [
        "CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "TLS Web Client Authentication, TLS Web Server Authentication",
        "URI:spiffe://shop/service/orders\n",
        "X509v3 Authority Key Identifier",
        "ASN1 OID: prime256v1",
    ] {
        assert!(text.contains(want), "{want} in {text}");
    }
    assert!(!text.contains("DNS:") && text.contains("Subject: O = Ringwall\n"), "{text}");
}

#[test]
fn the_private_key_belongs_to_the_leaf() {
    let House { authority, .. } = house(settings());
    let leaf = authority.issue_server(&["shop.localhost"]).unwrap();
    let folder = folder(&authority, &leaf);
    fs::write(folder.path().join("key.der"), leaf.key().expose()).unwrap();
    let (_, of_key) =
        openssl(folder.path(), &["pkey", "-inform", "DER", "-in", "key.der", "-pubout"]);
    let (_, of_leaf) = openssl(folder.path(), &["x509", "-in", "chain.pem", "-noout", "-pubkey"]);
    assert_eq!(of_key, of_leaf);
    assert!(of_key.starts_with("-----BEGIN PUBLIC KEY-----"), "{of_key}");
}
