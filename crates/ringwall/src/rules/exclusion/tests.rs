use ringwall_waf::{NoLibrary, Ruleset, Source};

use super::*;

fn on_operation() -> Exclusion {
    let scope = Scope::Operation {
        name: "shop.addComment".to_owned(),
        method: "POST".to_owned(),
        path: "/shop/items/{id}/comments.json".to_owned(),
    };
    Exclusion { rule: 7_702_001, target: "ARGS:json.text".to_owned(), scope }
}

#[test]
fn what_is_written_is_read_again_and_can_be_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let mut exclusions = Exclusions::read(folder.path()).unwrap();
    let below = Exclusion { scope: Scope::Below("/notes/".to_owned()), ..on_operation() };
    let everywhere = Exclusion { scope: Scope::Everywhere, ..on_operation() };
    for one in [&on_operation(), &below, &everywhere] {
        assert!(exclusions.add(one, "because\nSecRuleEngine Off \\"));
        assert!(!exclusions.add(one, "again"));
    }
    exclusions.write().unwrap();
    let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
    assert!(text.contains("@rx ^/shop/items/[^/]+/comments\\.json$"), "{text}");
    assert!(text.contains("@rx ^/notes(?:/|$)"), "{text}");
    let source = Source { name: FILE.to_owned(), text: text.clone().into_bytes() };
    let rules = Ruleset::load(&[source], &NoLibrary).unwrap();
    assert_eq!(rules.rule_count(), 3);
    assert_eq!(rules.engine(), ringwall_waf::Engine::Off, "the default, and not the comment");

    let mut again = Exclusions::read(folder.path()).unwrap();
    assert_eq!(again.text(), text);
    assert!(again.remove(&below));
    assert!(!again.remove(&below));
    assert!(again.add(&below, "back"));
    let ids: Vec<u64> = again.entries().map(|entry| entry.id).collect();
    assert_eq!(ids, [IDS, IDS + 2, IDS + 3], "an id is not used twice");
}

#[test]
fn what_a_person_wrote_stays() {
    let mine = "SecRule ARGS:a \"@streq b\" \"id:1,phase:1,deny\"\n";
    let block = format!("{MARK}rule=7 target=ARGS:a\nSecAction \"id:7790004,pass,nolog\"\n");
    let text = format!("{mine}\n{block}\n# below\n{mine}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("waf")).unwrap();
    std::fs::write(folder.path().join(FILE), &text).unwrap();
    let mut exclusions = Exclusions::read(folder.path()).unwrap();
    assert_eq!(exclusions.text(), text);
    exclusions.add(&on_operation(), "x");
    assert!(exclusions.text().starts_with(&text), "{}", exclusions.text());
    let other = Exclusion { rule: 7, target: "ARGS:a".to_owned(), scope: Scope::Everywhere };
    assert!(exclusions.remove(&other) && exclusions.remove(&on_operation()));
    assert_eq!(exclusions.text(), format!("{mine}\n\n# below\n{mine}\n"));
}

#[test]
fn nothing_gets_out_of_its_place_in_a_rule() {
    for target in [
        "ARGS:a\",deny",
        "ARGS:a;b",
        "ARGS:a b",
        "ARGS:a,id:1",
        "ARGS:\\",
        "ARGS",
        "ARGS|REQUEST_COOKIES",
        "ARGS:text|ARGS",
        "ARGS:/./",
        "!ARGS:a",
        "&ARGS:a",
        "ARGS:",
        "XML:/a",
        "REQUEST_COOKIES",
        "",
    ] {
        let one = Exclusion { target: target.to_owned(), ..on_operation() };
        assert!(one.check().is_err(), "{target}");
    }
    let relative = Exclusion { scope: Scope::Below("notes".to_owned()), ..on_operation() };
    assert!(relative.check().is_err());
    for target in ["ARGS:user[email]", "REQUEST_BODY", "XML:/*", "ARGS_NAMES:$where", "FILES:a.b"] {
        let one = Exclusion { target: target.to_owned(), ..on_operation() };
        assert!(one.check().is_ok(), "{target}");
    }
}
