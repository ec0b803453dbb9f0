use super::{is_narrow, is_plain, is_words};
use crate::{BodyParts, Document, Limits, ProofStep, RequestParts, Unknown};

#[test]
fn narrow_patterns_cover_the_whole_text_with_harmless_letters() {
    for good in ["^[A-Za-z0-9_-]{1,64}$", "^(?:[a-z]+|[0-9]{4})$", "^$", "^abc$", "^(a|b)-[0-9]*$"]
    {
        assert!(is_narrow(good), "{good}");
    }
    for bad in [
        "[A-Za-z0-9]+",
        "^[a-z]+",
        "[a-z]+$",
        "^[a-z]+$|x",
        "^[a-z.]+$",
        "^[^<>]+$",
        "^[a-z ]+$",
        "(?m)^[a-z]+$",
        "^.+$",
        "^[a-z\u{e9}]+$",
        "(",
    ] {
        assert!(!is_narrow(bad), "{bad}");
    }
}

#[test]
fn odd_numbers_and_lists_of_more_than_words_prove_nothing() {
    assert!(is_plain("-12.5") && is_plain("true") && is_plain("12345678901234567890"));
    assert!(!is_plain("1e5") && !is_plain("123456789012345678901") && !is_plain("x"));
    assert!(is_words("New York") && is_words("text/html") && !is_words("a..b") && !is_words("a;b"));
}

const DOCUMENT: &str = r"
openapi: 3.1.0
paths:
  /a:
    post:
      operationId: op
      parameters:
        - {name: page, in: query, schema: {type: integer}}
        - {name: sort, in: query, schema: {enum: [up, down]}}
        - {name: text, in: query, schema: {type: string}}
        - {name: ids, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: words, in: query, style: pipeDelimited, explode: false, schema: {type: array, items: {pattern: '^[a-z]+$'}}}
        - {name: many, in: query, schema: {type: array, items: {type: integer}}}
        - {name: deep, in: query, style: deepObject, schema: {type: object, additionalProperties: {type: integer}}}
        - {name: either, in: query, schema: {anyOf: [{type: integer}, {type: string}]}}
        - {name: X-Id, in: header, schema: {type: string, format: uuid}}
        - {name: slug, in: query, schema: {type: string, pattern: '^[A-Za-z0-9_-]+$'}}
        - {name: sid, in: cookie, schema: {type: string, pattern: '^[a-z]+$'}}
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/Any'}}
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Any'}}
          multipart/form-data: {schema: {$ref: '#/components/schemas/Any'}}
components:
  schemas:
    Any:
      type: object
      properties:
        n: {type: integer}
        list: {type: array, items: {type: boolean}}
        when: {type: string, format: date}
        not: {not: {const: a}}
        nested: {type: object, additionalProperties: {type: integer}}
        kind: {oneOf: [{const: a}, {type: string, minLength: 3}]}
";

/// `place name=value (kind)` for each proof.
fn shown(proofs: Vec<crate::Proof>) -> Vec<String> {
    let step = |step: &ProofStep| match step {
        ProofStep::Index(index) => format!("[{index}]"),
        ProofStep::Name(name) => name.clone(),
    };
    let one = |proof: crate::Proof| {
        let path: Vec<String> = proof.path.iter().map(step).collect();
        format!("{:?} {}={} ({})", proof.place, path.join("."), proof.value, proof.kind.name())
    };
    proofs.into_iter().map(one).collect()
}

#[track_caller]
fn check_head(query: &str, headers: &[(&'static str, &'static str)], want: &[&str]) {
    let schemas = Document::parse(DOCUMENT.as_bytes(), "t.yaml").unwrap().compile().unwrap();
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, http::HeaderValue::from_static(value));
    }
    let unknown = Unknown::Refuse;
    let parts = RequestParts { path_params: &[], query: Some(query), headers: &map, unknown };
    let proofs = schemas.operation("op").unwrap().check_request(&parts).unwrap();
    assert_eq!(shown(proofs), want, "{query}");
}

#[track_caller]
fn check_body(content_type: &str, body: &str, want: &[&str]) {
    let schemas = Document::parse(DOCUMENT.as_bytes(), "t.yaml").unwrap().compile().unwrap();
    let parts = BodyParts {
        content_type: Some(content_type),
        bytes: body.as_bytes(),
        unknown: Unknown::Refuse,
        limits: Limits::default(),
    };
    let proofs = schemas.operation("op").unwrap().prove_body(&parts).unwrap();
    assert_eq!(shown(proofs), want, "{body}");
}

#[test]
fn parameters_are_proved_by_value_and_place() {
    check_head("page=7", &[], &["Query page=7 (integer)"]);
    check_head("sort=up", &[], &["Query sort=up (one of a list)"]);
    check_head("text=hello", &[], &[]);
    check_head("ids=1,2", &[], &["Query ids=1,2 (integer)"]);
    check_head("many=1&many=2", &[], &["Query many=1 (integer)", "Query many=2 (integer)"]);
    check_head("deep[a]=1", &[], &["Query deep[a]=1 (integer)"]);
    check_head("either=1", &[], &["Query either=1 (integer)"]);
    check_head("either=x", &[], &[]);
    let tag = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let want = format!("Header X-Id={tag} (uuid)");
    check_head("", &[("x-id", tag)], &[&want]);
    check_head("", &[("cookie", "sid=ab")], &["Cookie sid=ab (narrow pattern)"]);
}

/// Harmless words with a pipe between them are a command, and `1e5` is not read alike everywhere.
#[test]
fn what_is_put_together_is_not_proved() {
    check_head("words=cat|sh", &[], &[]);
    check_head("words=cat", &[], &["Query words=cat (narrow pattern)"]);
    check_head("page=1e2", &[], &[]);
    check_head("slug=a_b-1", &[], &["Query slug=a_b-1 (narrow pattern)"]);
    check_head("slug=__proto__", &[], &[]);
    check_head("slug=1--", &[], &[]);
}

#[test]
fn leaves_of_json_are_proved_with_their_way_down() {
    check_body(
        "application/json",
        r#"{"n":1,"list":[true,false],"when":"2026-11-22","other":"2026-11-22","not":"b"}"#,
        &[
            "Json n=1 (integer)",
            "Json list.[0]=true (boolean)",
            "Json list.[1]=false (boolean)",
            "Json when=2026-11-22 (date or time)",
        ],
    );
    // The branch that accepts it decides; one that does not proves nothing.
    check_body("application/json", r#"{"kind":"a"}"#, &["Json kind=a (one of a list)"]);
    check_body("application/json", r#"{"kind":"select"}"#, &[]);
}

#[test]
fn fields_of_forms_are_proved_but_not_what_is_inside_them() {
    let form = "application/x-www-form-urlencoded";
    check_body(
        form,
        "n=1&when=2026-11-22&list=true&list=false",
        &[
            "Form n=1 (integer)",
            "Form when=2026-11-22 (date or time)",
            "Form list=true (boolean)",
            "Form list=false (boolean)",
        ],
    );
    // Names inside the text are not proved.
    check_body(form, "nested=%7B%22%27--%22%3A1%7D", &[]);
    let part = |head: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{head}\"\r\n\r\n{value}\r\n")
    };
    let body = part("n", "12") + &part("nested", "{\"'--\":1}") + "--x--";
    check_body("multipart/form-data; boundary=x", &body, &["Form n=12 (integer)"]);
}
