//! What looks like a lesson, and is none.

use super::*;

/// Requests of three callers, with answers of their own.
fn told(lessons: &mut Lessons, path: &str, template: Option<&str>, answer: &str) {
    let hidden = BTreeSet::new();
    let lens = Lens { needed: Needed::default(), hidden: &hidden, salt: 7 };
    for round in 0..12 {
        let exchange = Exchange {
            caller: round % 3,
            method: "GET",
            path,
            template,
            body: Some(b""),
            answer: Some(Answered {
                status: 200,
                content_type: JSON,
                body: Some(answer.as_bytes()),
            }),
            ..Exchange::default()
        };
        lessons.observe(&exchange, &lens);
    }
}

const WORDS: &str = "users orders items carts bills taxes plans roles notes files jobs logs tags";

#[test]
fn resources_that_look_different_stay_apart() {
    let mut lessons = Lessons::default();
    for word in WORDS.split(' ') {
        let answer = format!(r#"{{"id":1,"{word}A":1,"{word}B":2,"{word}C":3}}"#);
        told(&mut lessons, &format!("/v1/{word}"), None, &answer);
        told(&mut lessons, &format!("/people/{word}"), None, r#"{"name":"x","age":7}"#);
        told(&mut lessons, &format!("/pages/{word}"), None, "[]");
    }
    let draft = lessons.draft("shop", Needed::default());
    assert_eq!(draft.operations, 13 + 1 + 13, "{}", draft.yaml());
    assert!(draft.yaml().contains("/people/{peopleId}"), "{}", draft.yaml());
}

#[test]
fn declared_templates_stay_what_they_are() {
    let mut lessons = Lessons::default();
    for word in WORDS.split(' ') {
        let path = format!("/v1/{word}");
        told(&mut lessons, &path, Some(&path), r#"{"id":1}"#);
    }
    assert_eq!(lessons.draft("shop", Needed::default()).operations, 13);
    let paths: Vec<String> = WORDS
        .split(' ')
        .map(|word| {
            format!(r#""/v1/{word}":{{"get":{{"operationId":"{word}","responses":{{}}}}}}"#)
        })
        .collect();
    let declared = format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"t","version":"1"}},"paths":{{{}}}}}"#,
        paths.join(",")
    );
    let contract = Document::parse(declared.as_bytes(), "openapi.json").unwrap().contract();
    let mut guessed = Lessons::default();
    for word in WORDS.split(' ') {
        told(&mut guessed, &format!("/v1/{word}"), None, r#"{"id":1}"#);
    }
    assert_eq!(guessed.drift(&contract, Needed::default()), Drift::default());
}

#[test]
fn one_caller_cannot_use_up_the_room_of_a_service() {
    let needed = Needed::default();
    let mut lessons = Lessons::default();
    for round in 0..40 {
        let mut body = "1".to_owned();
        for depth in 0..4 {
            let members: Vec<String> =
                (0..8).map(|one| format!(r#""m{depth}x{one}":{body}"#)).collect();
            body = format!("{{{}}}", members.join(","));
        }
        let path = format!("/any{}", "x".repeat(round));
        learn(&mut lessons, needed, 666, ("POST", &path, "", JSON, &body), Some("{}"));
    }
    teach(&mut lessons, needed);
    assert_eq!(lessons.draft("shop", needed).operations, 5);
}

#[test]
fn where_a_redirect_leads_teaches_no_path() {
    let needed = Needed { callers: 1, samples: 1 };
    let hidden = BTreeSet::new();
    let lens = Lens { needed, hidden: &hidden, salt: 0 };
    let mut lessons = Lessons::default();
    let exchange = |path, template| Exchange {
        caller: 1,
        method: "GET",
        path,
        template,
        body: Some(b""),
        answer: Some(Answered { status: 302, content_type: None, body: Some(b"") }),
        ..Exchange::default()
    };
    lessons.observe(&exchange("/wp-login.php", None), &lens);
    assert_eq!(lessons.draft("shop", needed).operations, 0);
    lessons.observe(&exchange("/start", Some("/start")), &lens);
    assert_eq!(lessons.draft("shop", needed).operations, 1);
}

#[test]
fn a_type_that_one_caller_sent_is_no_type() {
    let needed = Needed::default();
    let mut lessons = Lessons::default();
    for (caller, value) in [(1, "null"), (2, "7"), (3, r#""<script>""#)] {
        for _ in 0..12 {
            let body = format!(r#"{{"name":"a","rest":{value}}}"#);
            learn(&mut lessons, needed, caller, ("POST", "/notes", "", JSON, &body), Some("{}"));
        }
    }
    let draft = lessons.draft("shop", needed);
    let yaml = draft.yaml();
    assert!(yaml.contains(" name:") && !yaml.contains(" rest:"), "{yaml}");
    assert!(draft.doubts.iter().any(|doubt| doubt.what == "the type string"), "{yaml}");
}

#[test]
fn a_rare_member_of_an_answer_is_not_cut() {
    let mut lessons = Lessons::default();
    told(&mut lessons, "/me", None, r#"{"name":"x"}"#);
    let yaml = lessons.draft("shop", Needed::default()).yaml();
    assert!(yaml.contains("additionalProperties: true"), "{yaml}");
}

#[test]
fn random_texts_in_paths_are_values() {
    assert!(path::looks_like_a_value("kJhGfDsAqWeRtYuIoP"));
    for word in ["listOpenOrdersOfCustomer", "openid-configuration", "USER_ORDERS_HISTORY"] {
        assert!(!path::looks_like_a_value(word), "{word}");
    }
}
