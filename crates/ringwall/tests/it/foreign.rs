//! The authorization server, judged by `OAuth` clients that others wrote, as they are.

use std::fs::{Permissions, copy, create_dir_all, set_permissions, write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::house::{BINARY, PASSWORD, free_port};
use crate::library::Library;
use crate::program::{Program, not_run, run};

/// The library, and `ada` whom the scripts sign in.
fn open() -> Library {
    let library = Library::open();
    library.house.person("ada", "customer");
    library
}

/// Runs a script with a foreign client to its end. Without the client nothing is proved here: `false`.
#[track_caller]
fn judged_by(mut command: Command) -> bool {
    let outcome = run(&mut command, "");
    if outcome.out.starts_with("missing ") {
        not_run(outcome.out.trim());
        return false;
    }
    assert_eq!(outcome.out.trim(), "done", "{}", outcome.err);
    true
}

/// A script for Python, after what the scripts share.
fn python(library: &Library, script: &str, more: &[&str]) -> Command {
    let script = format!("{}\n{script}", include_str!("foreign/ground.py"));
    library.house.script(&script, &[&[BINARY.as_str(), PASSWORD], more].concat())
}

/// A script for Node, after what the scripts share.
fn node(library: &Library, script: &str) -> Command {
    let house = &library.house;
    let mut node = Command::new("node");
    node.arg("-e").arg(format!("{}\n{script}", include_str!("foreign/ground.js")));
    node.args([&house.origin(), BINARY.as_str(), PASSWORD]).current_dir(house.path());
    node.env("NODE_EXTRA_CA_CERTS", house.state().join("ca.pem"));
    node
}

#[test]
fn openid_client_serves_people_and_programs() {
    let library = open();
    judged_by(node(&library, include_str!("foreign/openid_client.js")));
}

#[test]
fn openid_client_registers_itself() {
    let library =
        Library::open_with(|text| text.replace("[roles]", "registration = true\n\n[roles]"));
    library.house.person("ada", "customer");
    judged_by(node(&library, include_str!("foreign/registration.js")));
}

#[test]
fn oauth4webapi_finds_nothing_wrong_with_any_answer() {
    let library = open();
    if !judged_by(node(&library, include_str!("foreign/oauth4webapi.js"))) {
        return;
    }
    let refused = library.house.events(&["--action", "code-refused"]);
    let is_recorded = refused.iter().any(|one| one["event"]["reason"] == "wrong code_verifier");
    assert!(is_recorded, "{refused:?}");
}

#[test]
fn authlib_serves_people_and_programs() {
    let library = open();
    judged_by(python(&library, include_str!("foreign/authlib.py"), &[]));
}

#[test]
fn requests_oauth2client_serves_people_and_programs() {
    let library = open();
    judged_by(python(&library, include_str!("foreign/requests_oauth2client.py"), &[]));
}

/// `judges/openidconnect`, which `cargo xtask test` builds.
#[test]
fn the_crate_openidconnect_serves_people_devices_and_programs() {
    let Some(judge) = std::env::var_os("RINGWALL_OPENIDCONNECT") else {
        return not_run("RINGWALL_OPENIDCONNECT names no program");
    };
    let judge = judge.into_string().unwrap();
    let library = open();
    judged_by(python(&library, include_str!("foreign/openidconnect.py"), &[&judge]));
}

/// Bounded, and the same questions each time.
#[test]
fn schemathesis_finds_the_admin_api_to_be_as_it_is_described() {
    let opened = |text: String| text.replace("[roles]", "admin_api = true\n\n[roles]");
    let library = Library::open_with(opened);
    let house = &library.house;
    house.person("ada", "customer");
    let scopes = [
        "users.read",
        "users.write",
        "roles.write",
        "clients.read",
        "clients.write",
        "organisations.read",
        "organisations.write",
        "sessions.read",
        "sessions.write",
        "tokens.write",
        "keys.read",
        "keys.write",
    ];
    let scopes: Vec<String> = scopes.iter().map(|scope| format!("ringwall:{scope}")).collect();
    let words = scopes.iter().flat_map(|scope| ["--scope", scope]);
    let words: Vec<&str> = ["client", "add", "root", "--bearer"].into_iter().chain(words).collect();
    let secret = house.run(&words).good().out;
    let script = include_str!("foreign/schemathesis.py");
    let outcome = run(&mut house.script(script, &[secret.trim()]), "");
    if outcome.out.starts_with("missing ") {
        return not_run(outcome.out.trim());
    }
    assert!(outcome.out.ends_with("done\n"), "{}\n{}", outcome.out, outcome.err);
}

#[test]
fn openid_client_and_oauth4webapi_show_certificates() {
    let library = crate::mutual::library();
    judged_by(node(&library, include_str!("foreign/certified.js")));
}

#[test]
fn requests_oauth2client_shows_certificates() {
    let library = crate::mutual::library();
    judged_by(python(&library, include_str!("foreign/certified.py"), &[]));
}

#[test]
fn oidc_agent_connects_as_a_device_and_refreshes() {
    let library = open();
    judged_by(python(&library, include_str!("foreign/oidc_agent.py"), &[]));
}

/// `examples/clients`, as the guides show it.
#[test]
fn the_programs_of_the_guides_do_what_the_guides_say() {
    let library = open();
    let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/clients");
    judged_by(python(&library, include_str!("foreign/guides.py"), &[programs]));
}

/// Apache as a relying party, and the folder of its pages.
struct Site {
    url: String,
    _folder: TempDir,
    _apache: Program,
}

impl Site {
    fn start(library: &Library) -> Self {
        let (house, folder, port) = (&library.house, TempDir::new().unwrap(), free_port());
        let (at, url) = (folder.path(), format!("http://127.0.0.1:{port}"));
        // Apache's workers are nobody, and nobody else's folders are closed to them.
        set_permissions(at, Permissions::from_mode(0o755)).unwrap();
        copy(house.state().join("ca.pem"), at.join("ca.pem")).unwrap();
        set_permissions(at.join("ca.pem"), Permissions::from_mode(0o644)).unwrap();
        create_dir_all(at.join("pages/members")).unwrap();
        write(at.join("pages/members/index.html"), "<!--#printenv -->").unwrap();
        let back = format!("{url}/members/callback");
        let client = ["client", "add", "apache", "--redirect-uri", &back];
        let (after, heard) = (format!("{url}/"), format!("{back}?logout=backchannel"));
        let more = ["--post-logout", &after, "--backchannel-logout", &heard];
        let more = [&client[..], &["--grant", "refresh_token"], &more].concat();
        let secret = house.run(&more).good().out;
        let text = include_str!("foreign/apache.conf")
            .replace("FOLDER", &at.display().to_string())
            .replace("PORT", &port.to_string())
            .replace("MODULES", MODULES)
            .replace("ORIGIN", &house.origin())
            .replace("SECRET", secret.trim());
        write(at.join("apache.conf"), text).unwrap();
        let mut apache = Command::new(APACHE);
        apache.args(["-D", "FOREGROUND", "-f"]).arg(at.join("apache.conf"));
        let mut apache = Program::start(&mut apache);
        apache.hears("resuming normal operations");
        Self { url, _folder: folder, _apache: apache }
    }
}

#[test]
fn mod_auth_openidc_is_a_relying_party() {
    let module = Path::new(MODULES).join("mod_auth_openidc.so");
    if !Path::new(APACHE).exists() || !module.exists() {
        return not_run("Debian's apache2-bin and libapache2-mod-auth-openidc are not installed");
    }
    let library = open();
    let site = Site::start(&library);
    judged_by(python(&library, include_str!("foreign/apache.py"), &[&site.url]));
}

const APACHE: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
