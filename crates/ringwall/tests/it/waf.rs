//! The rules of the firewall: installed, tried, excluded, in force.

use serde_json::Value;

use crate::house::House;
use crate::library::{Library, Upstream};
use crate::program::{Outcome, not_run};
use crate::wait::until;

/// A rule set that refuses one word.
fn rule_set(library: &Library, folder: &str, version: &str, word: &str) {
    let text = format!(
        "SecComponentSignature \"words/{version}\"\n\
         SecRule ARGS \"@pmFromFile words.data\" \"id:100001,phase:2,deny,status:403,log,msg:'a word'\"\n"
    );
    library.house.write(&format!("{folder}/rules/words.conf"), &text);
    library.house.write(&format!("{folder}/rules/words.data"), &format!("{word}\n"));
}

#[test]
fn a_rule_set_is_installed_used_and_rolled_back() {
    let library = Library::open();
    let house = &library.house;
    rule_set(&library, "one", "1.0", "walrus");
    rule_set(&library, "two", "2.0", "penguin");
    let said = house.run(&["waf", "install", "one"]).good();
    assert!(said.err.contains("words/1.0") && said.err.contains("no signature"), "{}", said.err);
    house.run(&["waf", "install", "two"]).good();
    let used = || {
        let found = house.run(&["waf", "list", "--json"]).good().out;
        let found: Value = serde_json::from_str(&found).unwrap();
        let all = found.as_array().unwrap().clone();
        let used = all.iter().find(|one| one["in use"] == "yes").unwrap();
        (all.len(), used["version"].as_str().unwrap().to_owned())
    };
    assert_eq!(used(), (2, "words/2.0".to_owned()));
    house.run(&["waf", "use", "1.0"]).good();
    assert_eq!(used(), (2, "words/1.0".to_owned()));
    let unknown = house.run(&["waf", "use", "words/1.1"]);
    assert!(unknown.code == 1 && unknown.err.contains("did you mean `words/1.0`?"), "{unknown:?}");
    let in_use = house.run(&["waf", "remove", "1.0"]);
    assert!(in_use.code == 1 && in_use.err.contains("in use"), "{in_use:?}");
    house.run(&["waf", "remove", "2.0"]).good();
    assert_eq!(used(), (1, "words/1.0".to_owned()));
    for (action, count) in
        [("waf-rules-installed", 2), ("waf-rules-used", 1), ("waf-rules-removed", 1)]
    {
        assert_eq!(house.events(&["--action", action]).len(), count, "{action}");
    }
}

#[test]
fn a_rule_set_with_a_broken_rule_is_refused_with_its_line() {
    let library = Library::open();
    let house = &library.house;
    rule_set(&library, "one", "1.0", "walrus");
    house.run(&["waf", "install", "one"]).good();
    rule_set(&library, "two", "2.0", "penguin");
    let broken =
        format!("{}SecRule ARGS \"@contain x\" \"id:7\"\n", house.read("two/rules/words.conf"));
    house.write("two/rules/words.conf", &broken);
    let refused = house.run(&["waf", "install", "two"]);
    assert_eq!(refused.code, 1);
    let said = "rules/words.conf:3: unknown operator `contain`; did you mean `contains`?";
    assert!(refused.err.contains(said), "{}", refused.err);
    let listed = house.run(&["waf", "list"]).good().out;
    assert!(listed.contains("words/1.0") && !listed.contains("words/2.0"), "{listed}");
    let left = std::fs::read_dir(house.state().join("waf")).unwrap().count();
    assert_eq!(left, 2, "the set in use and its name, and nothing of the broken one");
}

#[test]
fn an_archive_is_installed_when_its_hash_is_the_one_that_is_wanted() {
    let library = Library::open();
    let house = &library.house;
    rule_set(&library, "set/words-1.0", "1.0", "walrus");
    let mut tar = std::process::Command::new("tar");
    tar.current_dir(house.path()).args(["-czf", "set.tar.gz", "-C", "set", "words-1.0"]);
    assert!(tar.status().unwrap().success());
    let mut sum = std::process::Command::new("sha256sum");
    let sum = sum.current_dir(house.path()).arg("set.tar.gz").output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap().split_once(' ').unwrap().0.to_owned();
    let wrong = house.run(&["waf", "install", "set.tar.gz", "--sha256", &"0".repeat(64)]);
    assert!(wrong.code == 1 && wrong.err.contains(&sum), "{wrong:?}");
    assert_eq!(house.run(&["waf", "list", "--json"]).good().out.trim(), "[]");
    house.run(&["waf", "install", "set.tar.gz", "--sha256", &sum]).good();
    assert!(house.run(&["waf", "list"]).good().out.contains("words/1.0"));
}

#[test]
fn a_rule_that_does_not_load_stops_the_start_and_a_reload_keeps_the_last_ones() {
    let (house, _upstream) = Library::closed(|manifest| {
        let manifest = manifest.replace("[gateway]", "[gateway]\nwaf = \"block\"");
        format!("{manifest}\n[waf]\nfiles = [\"waf/own.conf\"]\n")
    });
    let good = "SecRule ARGS \"@contains walrus\" \"id:100001,phase:2,deny\"\n";
    house.write("waf/own.conf", "# ours\nSecRule ARGS \"@rx (\" \"id:100001,phase:2,deny\"\n");
    for command in ["check", "serve"] {
        let refused = house.run(&[command, "--format", "plain"]);
        assert_eq!(refused.code, 3, "{command}: {refused:?}");
        let place = "waf/own.conf:2:1: error[RW1061]: the pattern does not compile";
        assert!(refused.err.contains(place), "{command}: {}", refused.err);
    }
    house.write("waf/own.conf", good);
    assert_ne!(house.run(&["check"]).code, 3);
    let server = house.serve();
    house.write("waf/own.conf", "SecRulle\n");
    server.signal("HUP");
    until("the broken rule", || {
        (!house.status_or_null()["broken_manifest"].is_null()).then_some(())
    });
    assert_eq!(house.get("/books").status, 200);
    house.write("waf/own.conf", good);
    server.signal("HUP");
    until("the mended rule", || house.status()["broken_manifest"].is_null().then_some(()));
}

/// A house without a server, and a file with a request that is legitimate and one that is not.
fn with_requests() -> (House, Upstream) {
    let (house, upstream) = Library::closed(|manifest| manifest);
    let requests = "GET /books?limit=5 HTTP/1.1\nHost: x\n\n---\n\
        POST /books HTTP/1.1\nHost: x\nContent-Type: application/json\n\n\
        {\"title\": \"1' OR '1'='1\"}\n---\n";
    house.write("requests.http", requests);
    (house, upstream)
}

fn trial(house: &House) -> Outcome {
    house.run(&["waf", "test", "requests.http", "--json"])
}

#[test]
fn requests_of_a_file_are_judged_without_being_sent() {
    let (house, _upstream) = with_requests();
    let judged = trial(&house);
    assert_eq!(judged.code, 4, "{judged:?}");
    let judged: Value = serde_json::from_str(&judged.out).unwrap();
    assert_eq!((&judged["requests"], &judged["refused"]), (&2.into(), &1.into()));
    let verdict = &judged["verdicts"][1];
    assert_eq!(verdict["status"], 403);
    assert_eq!(verdict["matches"][0]["rule"], 7_702_001);
    assert_eq!(verdict["matches"][0]["variable"], "ARGS:json.title");
}

#[test]
fn an_exclusion_lets_one_target_of_one_operation_pass() {
    let (house, _upstream) = with_requests();
    let allow = |rule: &str, more: &[&str]| {
        let start = ["waf", "allow", rule, "--target", "ARGS:json.title"];
        house.run(&[&start[..], more].concat())
    };
    for rule in ["7702006", "7702007"] {
        allow(rule, &["--path", "/books"]).good();
    }
    // Another operation's exclusion does not help.
    allow("7702001", &["--operation", "books.removeBook"]).good();
    assert_eq!(trial(&house).code, 4);
    let scope = ["--operation", "books.addBook", "--why", "titles have quotes"];
    allow("7702001", &scope).good();
    assert_eq!(trial(&house).code, 0);
    assert!(house.read("waf/allowed.conf").contains("titles have quotes"));
    let again = allow("7702001", &scope).good();
    assert!(again.err.contains("already"), "{}", again.err);
    allow("7702001", &["--operation", "books.addBook", "--remove"]).good();
    assert_eq!(trial(&house).code, 4);
}

#[test]
fn an_exclusion_of_something_that_is_not_there_is_refused() {
    let (house, _upstream) = with_requests();
    let allow = |arguments: &[&str]| house.run(&[&["waf", "allow"], arguments].concat());
    let unknown = allow(&["7702001", "--target", "ARGS:a", "--operation", "books.addBok"]);
    assert!(unknown.err.contains("did you mean `books.addBook`?"), "{}", unknown.err);
    let wrong = allow(&["7702001", "--target", "ARG:x"]);
    assert!(wrong.code == 3 && wrong.err.contains("ARG"), "{wrong:?}");
    let missing = allow(&["77", "--target", "ARGS:x"]);
    assert!(missing.code == 1 && missing.err.contains("no rule 77"), "{missing:?}");
    let list = allow(&["7702001", "--target", "ARGS|REQUEST_COOKIES"]);
    assert!(list.code == 1 && list.err.contains("not one target"), "{list:?}");
    assert!(!house.path().join("waf/allowed.conf").exists(), "what is broken is not written");
}

/// The events of a request that say what rules found.
fn found(house: &House, request: &str) -> Vec<Value> {
    let events = house.events(&["--request", request]);
    events.into_iter().filter(|event| event.pointer("/ringwall/waf").is_some()).collect()
}

#[test]
fn an_attack_is_refused_explained_and_excluded() {
    let library =
        Library::open_with(|manifest| manifest.replace("[gateway]", "[gateway]\nwaf = \"block\""));
    let house = &library.house;
    let attack = "GET /lab/echo?q=1%27%20OR%20%271%27%3D%271";
    assert_eq!(house.get("/lab/echo?q=tea").status, 200);
    let refused = house.send(attack, &[], "");
    assert_eq!(refused.verdict(), (403, "RW3019".to_owned()), "{}", refused.raw);
    let id = refused.field("ringwall-request").unwrap();
    until("the record", || (!found(house, &id).is_empty()).then_some(()));
    let told = house.run(&["waf", "explain", &id]).good().out;
    assert!(told.contains("7702001 SQL by its grammar, in ARGS:q"), "{told}");
    assert!(told.contains("at ringwall:injection.conf:"), "{told}");
    assert!(told.contains(" of 5, enough to refuse\nparanoia 1, "), "{told}");
    let commands: Vec<Vec<&str>> = told
        .lines()
        .filter_map(|line| line.trim().strip_prefix("to let it pass: ringwall "))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(!commands.is_empty(), "{told}");
    for command in &commands {
        assert!(command.contains(&"lab.echo"), "{told}");
        house.run(command).good();
    }
    assert_eq!(house.send(attack, &[], "").status, 200, "the running server has the exclusion");
    let other = house.send("GET /lab/echo?p=1%27%20OR%20%271%27%3D%271", &[], "");
    assert_eq!(other.status, 403, "another argument is none of it");
    let learned =
        house.run(&["waf", "learn", "--requests", "1", "--callers", "1", "--json"]).good();
    let learned: Value = serde_json::from_str(&learned.out).unwrap();
    assert_eq!(
        learned["proposals"],
        Value::Array(Vec::new()),
        "a caller who met more is no evidence"
    );
    house.edit("waf = \"block\"", "waf = \"log\"");
    house.write("waf/allowed.conf", "");
    library.server.signal("HUP");
    until("the attack passes", || (house.send(attack, &[], "").status == 200).then_some(()));
}

#[test]
fn exclusions_that_are_written_at_once_are_all_there_and_recorded() {
    let library = Library::open();
    let house = &library.house;
    let fields = ["a", "b", "c", "d", "e", "f"];
    std::thread::scope(|scope| {
        for field in fields {
            let target = format!("ARGS:{field}");
            scope.spawn(move || {
                house.run(&["waf", "allow", "7702001", "--target", &target, "--why", "tea"]).good();
            });
        }
    });
    let text = house.read("waf/allowed.conf");
    for field in fields {
        assert_eq!(text.matches(&format!("# allow rule=7702001 target=ARGS:{field}\n")).count(), 1);
    }
    house.run(&["waf", "allow", "7702001", "--target", "ARGS:a", "--remove"]).good();
    let added = house.events(&["--action", "waf-exclusion-added"]);
    assert_eq!(added.len(), fields.len(), "{added:?}");
    assert_eq!(house.events(&["--action", "waf-exclusion-removed"]).len(), 1);
}

#[test]
fn a_first_rule_set_that_a_reload_refuses_is_not_left_in_use() {
    let library = Library::open();
    let house = &library.house;
    rule_set(&library, "one", "1.0", "walrus");
    house.edit("[gateway]", "[gatewya]");
    let refused = house.run(&["waf", "install", "one"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    let used = || {
        let found = house.run(&["waf", "list", "--json"]).good().out;
        let found: Value = serde_json::from_str(&found).unwrap();
        found.as_array().unwrap().iter().filter(|one| one["in use"] == "yes").count()
    };
    assert_eq!(used(), 0);
    house.edit("[gatewya]", "[gateway]");
    house.run(&["waf", "install", "one"]).good();
    assert_eq!(used(), 1);
}

#[test]
fn rules_that_do_less_than_they_say_are_told() {
    let (house, _upstream) = Library::closed(|manifest| {
        let waf = "[waf]\nfiles = [\"idle.conf\"]\n\n[roles]";
        manifest.replace("[gateway]", "[gateway]\nwaf = \"log\"").replace("[roles]", waf)
    });
    let idle = "SecRule REMOTE_ADDR \"@rbl dnsbl.example\" \"id:100001,phase:1,deny\"\n";
    house.write("idle.conf", idle);
    let checked = house.run(&["check"]);
    assert!(checked.err.contains("RW2025") && checked.err.contains("idle.conf:1"), "{checked:?}");
    house.write("set/rules/idle.conf", idle);
    let installed = house.run(&["waf", "install", "set"]).good();
    assert!(installed.err.contains("note: rules/idle.conf:1: "), "{installed:?}");
}

#[test]
fn the_rule_set_of_debian_is_installed_by_a_word() {
    let (house, _upstream) = Library::closed(|manifest| manifest);
    if !std::path::Path::new("/usr/share/modsecurity-crs/rules").is_dir() {
        return not_run("modsecurity-crs is not installed");
    }
    let installed = house.run(&["waf", "install"]).good();
    assert!(installed.err.contains("OWASP_CRS/"), "{installed:?}");
    let list = house.run(&["waf", "list"]).good();
    assert!(list.out.contains("OWASP_CRS/") && list.out.contains("yes"), "{list:?}");
}
