use super::*;
use crate::limits::GRAPHQL_BODY_BYTES_MAX;

fn post(body: &str) -> Vec<String> {
    post_to(body, &Limits::default())
}

fn post_to(body: &str, limits: &Limits) -> Vec<String> {
    let content_type = Some("application/json; charset=utf-8");
    let request = Request { is_get: false, query: None, content_type, body: body.as_bytes() };
    texts(&request, limits)
}

fn get(query: &str) -> Vec<String> {
    let request = Request { is_get: true, query: Some(query), content_type: None, body: b"" };
    texts(&request, &Limits::default())
}

fn texts(request: &Request<'_>, limits: &Limits) -> Vec<String> {
    let found = check(request, limits);
    found.into_iter().map(|one| one.message).collect()
}

/// A body with this query.
fn body(query: &str) -> String {
    serde_json::json!({ "query": query }).to_string()
}

fn nested(levels: usize) -> String {
    format!("{}a{}", "{a".repeat(levels - 1) + "{", "}".repeat(levels))
}

#[test]
fn what_is_in_the_limits_passes_and_the_next_does_not() {
    assert!(post(&body(&nested(12))).is_empty());
    assert_eq!(post(&body(&nested(13))), ["depth: 13; the service takes 12"]);
    let aliases = |count: usize| {
        let fields: Vec<String> = (0..count).map(|number| format!("a{number}: a")).collect();
        body(&format!("{{ b {{ {} }} }}", fields.join(" ")))
    };
    assert!(post(&aliases(30)).is_empty());
    assert_eq!(post(&aliases(31)), ["aliases: 31; the service takes 30"]);
    let fields = |count: usize| body(&format!("{{ {} }}", "a ".repeat(count)));
    assert!(post(&fields(20)).is_empty());
    assert_eq!(post(&fields(21)), ["fields at the top: 21; the service takes 20"]);
    let directives = |count: usize| body(&format!("{{ a {} }}", "@b(c: 1) ".repeat(count)));
    assert!(post(&directives(50)).is_empty());
    assert_eq!(post(&directives(51)), ["directives: 51; the service takes 50"]);
    assert!(post(&body("{ a(first: 500) { b } }")).is_empty());
    assert_eq!(post(&body("{ a(first: 501) { b } }")), ["cost: 1002; the service takes 1000"]);
}

#[test]
fn what_a_query_costs_is_what_its_lists_multiply() {
    for (query, variables, want) in [
        ("{ a(first: 10) { b(last: 10) { c(limit: 10) { d } } } }", "{}", "cost: 2110"),
        ("query($n: Int) { a(first: $n) { b } }", r#"{"n": 2000}"#, "cost: 4000"),
        ("query($n: Int) { a(first: $n) { b } }", r#"{"n": "2000"}"#, "cost: 4000"),
        ("query($n: Int = 2000) { a(first: $n) { b } }", "{}", "cost: 4000"),
        ("query($p: P) { a(page: $p) { b } }", r#"{"p": {"x": {"perPage": 2000}}}"#, "cost: 4000"),
        ("{ a(page: {limit: 2000}) { b } }", "{}", "cost: 4000"),
        ("{ ...f ...f } fragment f on A { a(first: 600) }", "{}", "cost: 1200"),
        ("{ a(count: 2000) { b } }", "{}", "cost: 4000"),
        ("{ a(maxResults: 2000) { b } }", "{}", "cost: 4000"),
        ("{ a(page: 1, size: 2000) { b } }", "{}", "cost: 4000"),
        ("{ a(limit: {value: 2000}) { b } }", "{}", "cost: 4000"),
        ("query($p: P) { a(p: $p) { b } }", r#"{"p": {"from": 1, "size": 2000}}"#, "cost: 4000"),
        ("query($p: P) { a(limit: $p) { b } }", r#"{"p": {"value": 2000}}"#, "cost: 4000"),
        ("{ a(first: -1) { b } }", "{}", "cost without an end"),
        ("{ a(first: 99999999999999999999) { b } }", "{}", "cost without an end"),
    ] {
        let body =
            format!(r#"{{"query": {}, "variables": {variables}}}"#, serde_json::json!(query));
        let found = post(&body);
        assert!(found.iter().any(|one| one.starts_with(want)), "{query}: {found:?}");
    }
    let given =
        r#"{"query": "query($n: Int = 2000) { a(first: $n) { b } }", "variables": {"n": 2}}"#;
    assert!(post(given).is_empty(), "what is given counts, not the default");
    assert!(post(&body("{ picture(size: 2000) { url } }")).is_empty(), "pixels are no objects");
}

#[test]
fn fragments_are_followed_and_none_contains_itself() {
    let itself = "a fragment that contains itself";
    for query in [
        "{ ...f } fragment f on A { ...f }",
        "{ ...f } fragment f on A { a { ...g } } fragment g on A { ... on B { ...f } }",
        "{ a } fragment f on A { ...f }",
    ] {
        assert_eq!(post(&body(query)), [itself], "{query}");
    }
    assert_eq!(post(&body("{ ...f }")), ["a fragment that is not there"]);
    assert_eq!(
        post(&body("{ ...f } fragment f on A { a } fragment f on A { b }")),
        ["two fragments of one name"]
    );
    let deep = format!("{{ a {{ ...f }} }} fragment f on A {}", nested(12));
    assert_eq!(post(&body(&deep)), ["depth: 13; the service takes 12"]);
    // Doubled forty times, a thousand bytes ask for a million million fields.
    let doubled =
        |number: usize| format!("fragment f{number} on A {{ ...f{0} ...f{0} }}", number + 1);
    let bomb: Vec<String> = (0..40).map(doubled).collect();
    let found = post(&body(&format!("{{ ...f0 }} {} fragment f40 on A {{ a }}", bomb.join(" "))));
    assert!(found.contains(&"cost: 1099511627776; the service takes 1000".to_owned()), "{found:?}");
}

#[test]
fn the_schema_is_not_told() {
    for query in [
        "{ __schema { types { name } } }",
        "{ a: __type(name: \"B\") { name } }",
        "{ ...f } fragment f on Query { __schema { types { name } } }",
        "{ _service { sdl } }",
    ] {
        assert_eq!(post(&body(query)), ["a question for the schema"], "{query}");
        let open = Limits { allows_introspection: true, ..Limits::default() };
        assert!(post_to(&body(query), &open).is_empty());
    }
    assert!(post(&body("{ __typename a { __typename } }")).is_empty());
}

#[test]
fn one_body_has_one_request_unless_lists_are_taken() {
    let two = r#"[{"query": "{ a(first: 400) }"}, {"query": "{ a(first: 400) }"}]"#;
    assert_eq!(post(two), ["a list of requests"]);
    let lists = Limits { batch_max: 2, ..Limits::default() };
    assert!(post_to(two, &lists).is_empty());
    let three = r#"[{"query": "{ a }"}, {"query": "{ a }"}, {"query": "{ a }"}]"#;
    assert_eq!(post_to(three, &lists), ["a list of more requests than the service takes"]);
    let costly = two.replace("400", "600");
    assert_eq!(post_to(&costly, &lists), ["cost: 1200; the service takes 1000"], "the sum counts");
}

#[test]
fn which_operation_runs_is_clear() {
    let named = |query: &str, name: &str| {
        post(&serde_json::json!({ "query": query, "operationName": name }).to_string())
    };
    let two = "query A { a } query B { b }";
    assert!(named(two, "A").is_empty());
    assert_eq!(named(two, "C"), ["an operation that is not there"]);
    assert_eq!(named(two, ""), ["several operations, and none is named"]);
    let twice = "two operations of one name, or one without a name beside others";
    assert_eq!(named("query A { a } query A { b }", "A"), [twice]);
    assert_eq!(named("query A { a } { b }", "A"), [twice]);
    assert_eq!(post(&body("fragment f on A { a }")), ["a document without an operation"]);
    let many: Vec<String> = (0..6).map(|number| format!("query A{number} {{ a }}")).collect();
    assert_eq!(
        named(&many.join(" "), "A0"),
        ["more operations in a document than the service takes"]
    );
}

#[test]
fn a_get_changes_nothing() {
    assert!(get("query=%7Ba%7D&lang=de").is_empty());
    assert!(get("query=query(%24n:Int)%7Ba(first:%24n)%7D&variables=%7B%22n%22:3%7D").is_empty());
    assert_eq!(get("query=mutation%7Ba%7D"), ["a change that is asked for by GET"]);
    assert_eq!(get("query=%7Ba%7D&query=%7Bb%7D"), ["a parameter that comes twice"]);
    assert_eq!(get("query=%7Ba%7D&variables=%5B%5D"), ["variables that are no object"]);
    assert_eq!(get("query=%7Ba%7D&variables%5Bn%5D=9"), ["a parameter in pieces"]);
    let request = Request {
        is_get: true,
        query: Some("query=%7Ba%7D"),
        content_type: Some("application/json"),
        body: br#"{"variables": {"n": 2000}}"#,
    };
    assert_eq!(texts(&request, &Limits::default()), ["a GET with a body"]);
    assert_eq!(get("documentId=1"), ["a query that only the server knows"]);
    assert_eq!(get(""), ["a request without a query"]);
}

#[test]
fn a_request_has_one_reading() {
    for (text, want) in [
        (r#"{"query":"{a}","query":"{b}"}"#, "a body that is no GraphQL request"),
        (r#""{a}""#, "a body that is no GraphQL request"),
        (r#"{"query":1}"#, "a request without a query"),
        (r#"{"extensions":{"persistedQuery":{"sha256Hash":"a"}}}"#, "a request without a query"),
        (r#"{"query":"{a}","id":"1"}"#, "a member that GraphQL has not"),
        (r#"{"query":"{a}","variables":"{}"}"#, "variables that are no object"),
        (r#"{"query":"{a}","operationName":1}"#, "an operation's name that is no text"),
        (r#"{"query":"{a"}"#, "a text that is no GraphQL document"),
        (r#"{"query":"type A { a: Int }"}"#, "a document that is not to be executed"),
    ] {
        assert_eq!(post(text), [want], "{text}");
    }
    let with = |query, content_type, body: &str| {
        let body = body.as_bytes();
        texts(&Request { is_get: false, query, content_type, body }, &Limits::default())
    };
    let json = Some("application/json");
    assert_eq!(
        with(Some("query={b}"), json, r#"{"query":"{a}"}"#),
        ["a query in the address of a request that has a body"]
    );
    assert!(with(Some("lang=de"), json, r#"{"query":"{a}"}"#).is_empty());
    assert!(with(None, Some("application/graphql"), "{a}").is_empty());
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        assert_eq!(
            with(None, content_type, "query={a}"),
            ["a body of a type that GraphQL has not"]
        );
    }
    assert_eq!(
        with(None, Some("application/json; charset=utf-7"), "{}"),
        ["a body in another charset than UTF-8"]
    );
}

#[test]
fn nothing_is_nested_so_deeply_that_it_cannot_be_left() {
    let one = |number: usize| format!("fragment f{number} on A {{ ...f{} }}", number + 1);
    let chain: Vec<String> = (0..1_000).map(one).collect();
    for query in [
        nested(5_000),
        format!("{{ a(b: {}1{}) }}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("query(${{a: {}A{}) {{ a }}", "[".repeat(5_000), "]".repeat(5_000))
            .replace("${", "$"),
        format!("{} fragment f1000 on A {{ a }} {{ ...f0 }}", chain.join(" ")),
    ] {
        let found = post(&body(&query));
        assert!(found.contains(&"a query that is nested too deeply".to_owned()), "{found:?}");
    }
    let found = post(&body(&format!("{{ {} }}", "a ".repeat(10_000))));
    assert_eq!(found, ["a query of too many words"]);
}

#[test]
fn variables_are_looked_at_once_however_often_they_are_used() {
    let uses = |count: usize, value: &str| {
        let fields = format!("a(b: {value}) ").repeat(count);
        format!("query($v: [Int]) {{ x {{ {fields} }} }}")
    };
    let body = |query: String| {
        let given: Vec<u32> = (0..2_000).collect();
        serde_json::json!({ "query": query, "variables": { "v": given } }).to_string()
    };
    let found = post(&body(uses(1_000, "$v")));
    assert_eq!(found, ["cost: 1001; the service takes 1000"]);
    let found = post(&body(uses(2, "[$v, $v]")));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_body_has_a_last_byte_and_a_last_value() {
    let values = |count: usize| {
        let list = r#"{"a":0},"#.repeat(count);
        format!(r#"{{"query": "{{a}}", "variables": {{"v": [{list}0]}}}}"#)
    };
    assert!(post(&values(40_000)).is_empty());
    assert_eq!(post(&values(50_000)), ["a body that is no GraphQL request"]);
    let long = |count: usize| format!("{}{}", body("{a}"), " ".repeat(count));
    let most = GRAPHQL_BODY_BYTES_MAX - body("{a}").len();
    assert!(post(&long(most)).is_empty());
    assert_eq!(post(&long(most + 1)), ["a body that is too large"]);
}

/// SHA-256 of `query A { a(first: 2) { b } }`, by another program.
const HASH: &str = "d475f15788cbdec6764e67ce50cf24baca3d32d6a3ab557d3dea06dec93251f5";

fn stored() -> Limits {
    let mut documents = Documents::default();
    documents.add("query A { a(first: 2) { b } }\n").unwrap();
    documents.add("query B($n: Int) {\n  # objects\n  b(first: $n) { c }\n}\n").unwrap();
    Limits { documents: Some(documents), ..Limits::default() }
}

#[test]
fn only_documents_that_are_stored_are_taken() {
    let limits = stored();
    let unknown = ["a document that is not stored"];
    let two = ["a request for two documents"];
    let ask = |body: serde_json::Value| post_to(&body.to_string(), &limits);
    let sha = format!("sha256:{HASH}");
    for (body, want) in [
        (serde_json::json!({"query": "query A { a(first: 2) { b } }"}), &[][..]),
        (serde_json::json!({"query": "query A{a(first:2){b}}"}), &[]),
        (
            serde_json::json!({"query": "query B($n:Int){b(first:$n){c}}", "variables": {"n": 3}}),
            &[],
        ),
        (serde_json::json!({"documentId": sha}), &[]),
        (serde_json::json!({"id": HASH}), &[]),
        (
            serde_json::json!({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}}),
            &[],
        ),
        (
            serde_json::json!({"query": "query A{a(first:2){b}}", "extensions": {"persistedQuery": {"sha256Hash": HASH}}}),
            &[],
        ),
        (serde_json::json!({"query": "query A { a(first: 3) { b } }"}), &unknown),
        (serde_json::json!({"query": "{ a }"}), &unknown),
        (serde_json::json!({"id": HASH.replace('a', "b")}), &unknown),
        (serde_json::json!({"id": HASH.to_uppercase()}), &unknown),
        (serde_json::json!({"query": "{ a }", "id": HASH}), &unknown),
        (serde_json::json!({"query": "query B($n:Int){b(first:$n){c}}", "id": HASH}), &two),
        (serde_json::json!({"id": 1}), &["a document's name that is no text"]),
        (
            serde_json::json!({"extensions": {"persistedQuery": {}}}),
            &["a persisted query without a hash"],
        ),
        (serde_json::json!({}), &["a request without a query"]),
        // What is stored is held to the limits too: variables are the client's.
        (
            serde_json::json!({"query": "query B($n:Int){b(first:$n){c}}", "variables": {"n": 5000}}),
            &["cost: 10000; the service takes 1000"],
        ),
    ] {
        assert_eq!(ask(body.clone()), want, "{body}");
    }
}

#[test]
fn a_stored_document_is_named_in_an_address_too() {
    let limits = stored();
    let get = |query: &str| {
        let request = Request { is_get: true, query: Some(query), content_type: None, body: b"" };
        texts(&request, &limits)
    };
    let extension = format!("%7B%22persistedQuery%22:%7B%22sha256Hash%22:%22{HASH}%22%7D%7D");
    assert!(get(&format!("extensions={extension}")).is_empty());
    assert!(get(&format!("id=sha256:{HASH}&operationName=A")).is_empty());
    assert_eq!(get(&format!("id={HASH}&id=x")), ["a parameter that comes twice"]);
    assert_eq!(get("query=%7Ba%7D"), ["a document that is not stored"]);
    assert_eq!(get(""), ["a request without a query"]);
}

#[test]
fn what_is_stored_is_a_document() {
    let mut documents = Documents::default();
    assert!(documents.add("type A { b: Int }").is_err());
    assert!(documents.add("{ a").is_err());
    // What a text holds is not what blanks are.
    documents.add(r#"{ a(b: "x  y") }"#).unwrap();
    let limits = Limits { documents: Some(documents), ..Limits::default() };
    assert!(post_to(&body(r#"{a(b:"x  y")}"#), &limits).is_empty());
    assert_eq!(post_to(&body(r#"{a(b:"x y")}"#), &limits), ["a document that is not stored"]);
}
