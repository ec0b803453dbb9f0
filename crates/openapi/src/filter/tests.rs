use proptest::prelude::*;

use super::*;
use crate::Document;

const DOCUMENT: &str = r##"{"openapi":"3.0.3","paths":{"/":{"get":{"operationId":"op","responses":{
  "200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/User"}}}},
  "4XX":{"content":{"application/json":{"schema":{"properties":{"error":{}}}}}},
  "default":{"content":{"application/json":{"schema":{"type":"object"}}}}}}}},
  "components":{"schemas":{"User":{"properties":{
    "id":{"type":"integer"},"name":{"type":"string"},"password":{"type":"string","writeOnly":true},
    "friends":{"type":"array","items":{"$ref":"#/components/schemas/User"}},
    "open":{"properties":{"a":{}},"additionalProperties":true},
    "map":{"additionalProperties":{"$ref":"#/components/schemas/User"}},
    "either":{"oneOf":[{"required":["cat"],"properties":{"cat":{}}},{"required":["dog"],"properties":{"dog":{}}}]},
    "both":{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}}}}}}"##;

fn filtered(status: u16, body: &str, cut: &CutRule<'_>) -> Filtered {
    let schemas = Document::parse(DOCUMENT.as_bytes(), "t.json").unwrap().compile().unwrap();
    let json = Some("application/json; charset=utf-8");
    schemas.operation("op").unwrap().filter_response(status, json, body.as_bytes(), cut)
}

#[track_caller]
fn check(status: u16, body: &str, want: &str) {
    let got = match filtered(status, body, &CutRule::default()) {
        Filtered::Unchanged => body.to_owned(),
        Filtered::Changed(body, found) => {
            assert!(!found.is_empty());
            String::from_utf8(body).unwrap()
        }
        Filtered::Refused(found) => panic!("{found:?}"),
    };
    assert_eq!(got, want);
}

#[test]
fn undeclared_fields_are_cut_and_all_else_keeps_its_bytes() {
    check(200, r#"{ "id": 1.00, "name":"\u0061" }"#, r#"{ "id": 1.00, "name":"\u0061" }"#);
    check(200, r#"{"x":1,"id":1e2}"#, r#"{"id":1e2}"#);
    check(200, r#"{"id":1, "x":1}"#, r#"{"id":1}"#);
    check(200, r#"{"id":1, "x":1, "name":"a"}"#, r#"{"id":1, "name":"a"}"#);
    check(200, r#"{"x":1,"y":{"z":2}}"#, "{}");
    check(200, r#"{"x":1,"id":1,"y":2,"z":3}"#, r#"{"id":1}"#);
    check(200, r#"{"friends":[{"id":1,"x":1},{"x":1}]}"#, r#"{"friends":[{"id":1},{}]}"#);
}

#[test]
fn write_only_fields_never_leave() {
    check(200, r#"{"id":1,"password":"p"}"#, r#"{"id":1}"#);
}

#[test]
fn open_objects_stay_open() {
    check(200, r#"{"open":{"a":1,"b":2}}"#, r#"{"open":{"a":1,"b":2}}"#);
    check(200, r#"{"map":{"k":{"id":1,"x":2}}}"#, r#"{"map":{"k":{"id":1}}}"#);
    check(500, r#"{"anything":{"b":2}}"#, r#"{"anything":{"b":2}}"#);
}

#[test]
fn combined_schemas_are_a_union_of_what_fits() {
    check(200, r#"{"both":{"a":1,"b":2,"c":3}}"#, r#"{"both":{"a":1,"b":2}}"#);
    check(200, r#"{"either":{"cat":1,"x":1}}"#, r#"{"either":{"cat":1}}"#);
}

#[test]
fn the_status_chooses_the_schema() {
    check(404, r#"{"error":"e","trace":"t"}"#, r#"{"error":"e"}"#);
}

#[test]
fn fate_and_classes() {
    let body = r#"{"id":1,"open":{"email":"e"},"x":1}"#;
    let pass = CutRule { unknown_fields: Fate::Pass, forbidden: &[] };
    assert_eq!(filtered(200, body, &pass), Filtered::Unchanged);
    let refuse = CutRule { unknown_fields: Fate::Refuse, forbidden: &[] };
    assert!(matches!(filtered(200, body, &refuse), Filtered::Refused(_)));
    let mut rules = [FieldRule { name: "email".into(), refuse: false, class: "pii".into() }];
    let cut = CutRule { unknown_fields: Fate::Pass, forbidden: &rules };
    let Filtered::Changed(kept, found) = filtered(200, body, &cut) else { panic!() };
    assert_eq!(kept, br#"{"id":1,"open":{},"x":1}"#);
    assert_eq!(found[0].to_string(), "/open/email: field of data class `pii`");
    rules[0].refuse = true;
    let cut = CutRule { unknown_fields: Fate::Pass, forbidden: &rules };
    assert!(matches!(filtered(200, body, &cut), Filtered::Refused(_)));
}

#[test]
fn without_a_schema_only_names_count() {
    let rules = [FieldRule { name: "email".into(), refuse: false, class: "pii".into() }];
    let cut = CutRule { unknown_fields: Fate::Cut, forbidden: &rules };
    let body = br#"[{"email":1,"id":1},{"a":[{"email":2}]}]"#;
    let Filtered::Changed(kept, _) = filter_fields(Some("application/json"), body, &cut) else {
        panic!()
    };
    assert_eq!(kept, br#"[{"id":1},{"a":[{}]}]"#);
    assert_eq!(filter_fields(Some("text/html"), body, &cut), Filtered::Unchanged);
    assert_eq!(filter_fields(Some("application/json"), b"", &cut), Filtered::Unchanged);
    let broken = filter_fields(Some("application/json"), b"{\"email\":1,\"email\":2}", &cut);
    assert!(matches!(broken, Filtered::Refused(_)));
}

/// Bytes without a type are JSON to `fetch(…).json()` and to most clients.
#[test]
fn json_without_a_type_is_cut_as_json() {
    let rules = [FieldRule { name: "email".into(), refuse: false, class: "pii".into() }];
    let cut = CutRule { unknown_fields: Fate::Cut, forbidden: &rules };
    for content_type in [None, Some(""), Some("; charset=utf-8"), Some("json")] {
        let filter = |body: &str| filter_fields(content_type, body.as_bytes(), &cut);
        let Filtered::Changed(kept, _) = filter(" [{\"id\":1,\"email\":\"e\"}]") else {
            panic!("{content_type:?}");
        };
        assert_eq!(String::from_utf8(kept).unwrap(), r#" [{"id":1}]"#);
        for body in ["<p>email</p>", "1", "\"email\"", "\u{feff}<p>"] {
            assert_eq!(filter(body), Filtered::Unchanged, "{body}");
        }
        for body in ["{\"email\":1,\"email\":2}", "\u{feff}{\"email\":1}", "{}\n{\"email\":1}"] {
            assert!(matches!(filter(body), Filtered::Refused(_)), "{body}");
        }
        let schemas = Document::parse(DOCUMENT.as_bytes(), "t.json").unwrap().compile().unwrap();
        let operation = schemas.operation("op").unwrap();
        let held = operation.filter_response(200, content_type, br#"{"id":1,"x":2}"#, &cut);
        assert!(matches!(held, Filtered::Changed(kept, _) if kept == br#"{"id":1}"#));
    }
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::json!(1.5)),
        Just(serde_json::json!("a,\"}")),
        Just(serde_json::json!(null))
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-e]|id|friends|map|email", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_cut_body_is_json_and_has_nothing_more_to_cut(value in value()) {
        let rules = [FieldRule { name: "email".into(), refuse: false, class: "pii".into() }];
        let cut = CutRule { unknown_fields: Fate::Cut, forbidden: &rules };
        let text = value.to_string();
        if let Filtered::Changed(kept, _) = filtered(200, &text, &cut) {
            let kept = String::from_utf8(kept).unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&kept).is_ok(), "{kept}");
            prop_assert!(!kept.contains("\"email\""));
            prop_assert_eq!(filtered(200, &kept, &cut), Filtered::Unchanged);
        }
    }
}
