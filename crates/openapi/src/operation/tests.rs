use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::{DecodeError, Document, decode};

const DOCUMENT: &str = r"
openapi: 3.0.3
paths:
  /a/{id}:
    post:
      operationId: op
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
        - {name: tags, in: query, schema: {type: array, maxItems: 2, items: {type: integer}}}
        - {name: csv, in: query, explode: false, schema: {type: array, items: {type: string, maxLength: 3}}}
        - {name: pipe, in: query, style: pipeDelimited, explode: false, schema: {type: array, maxItems: 2}}
        - {name: space, in: query, style: spaceDelimited, explode: false, schema: {type: array, maxItems: 2}}
        - {name: deep, in: query, style: deepObject, schema: {type: object, properties: {n: {type: integer}}, additionalProperties: false}}
        - {name: spread, in: query, schema: {type: object, properties: {lat: {type: number}, lon: {type: number}}}}
        - {name: json, in: query, content: {application/json: {schema: {type: object, required: [a]}}}}
        - {name: flag, in: query, schema: {type: boolean}}
        - {name: X-Tag, in: header, required: true, schema: {type: string, format: uuid}}
        - {name: sid, in: cookie, schema: {type: string, minLength: 2}}
        - {name: Authorization, in: header, required: true, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json: {schema: {type: object, required: [n], properties: {n: {type: integer}}}}
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Form'}}
          multipart/form-data: {schema: {$ref: '#/components/schemas/Form'}}
          text/plain: {schema: {type: string, maxLength: 3}}
    get: {operationId: bare}
components:
  schemas:
    Form: {type: object, required: [n], additionalProperties: false, properties: {n: {type: integer}, list: {type: array, items: {type: integer}}, file: {type: string, format: binary}}}
";

fn operation(name: &str, run: impl FnOnce(&OperationSchema)) {
    let schemas = Document::parse(DOCUMENT.as_bytes(), "t.yaml").unwrap().compile().unwrap();
    run(schemas.operation(name).unwrap());
}

const TAG: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

#[track_caller]
fn check_head(id: &str, query: &str, headers: &[(&'static str, &'static str)], want: &[&str]) {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, http::HeaderValue::from_static(value));
    }
    let params = [("id".to_owned(), id.to_owned())];
    operation("op", |operation| {
        let parts = RequestParts {
            path_params: &params,
            query: Some(query),
            headers: &map,
            unknown: Unknown::Refuse,
        };
        let found = operation.check_request(&parts).err().unwrap_or_default();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, want, "{id} {query}");
    });
}

#[track_caller]
fn check_query(query: &str, want: &[&str]) {
    check_head("1", query, &[("x-tag", TAG)], want);
}

#[test]
fn each_style_is_read() {
    for query in [
        "",
        "tags=1&tags=2",
        "csv=a,b%2Cc",
        "csv=",
        "pipe=a|b",
        "pipe=a%7Cb",
        "space=a%20b",
        "space=a+b",
        "deep[n]=1",
        "deep%5Bn%5D=1",
        "lat=1.5&lon=-2",
        "json=%7B%22a%22:1%7D",
        "flag=true",
    ] {
        check_query(query, &[]);
    }
}

#[test]
fn each_style_is_held_to_its_schema() {
    check_query("tags=1&tags=x", &["query.tags/1: not of type integer"]);
    check_query("tags=1&tags=2&tags=3", &["query.tags: more than 2 elements"]);
    check_query("csv=a,bcde", &["query.csv/1: longer than 3 characters"]);
    check_query("pipe=a|b|c", &["query.pipe: more than 2 elements"]);
    check_query("space=a+b+c", &["query.space: more than 2 elements"]);
    check_query("deep[n]=x", &["query.deep/n: not of type integer"]);
    check_query("deep[m]=1", &["query.deep/m: is not a declared field"]);
    check_query("lat=x", &["query.spread/lat: not of type number"]);
    check_query("json=%7B%7D", &["query.json: `a` is missing"]);
    check_query("json=x", &["query.json: not JSON: not a JSON value"]);
    check_query("flag=1", &["query.flag: not of type boolean"]);
}

#[test]
fn what_has_two_readings_is_refused() {
    check_query("flag=true&flag=false", &["query.flag: given more than once"]);
    check_query("flag=%zz", &["query: malformed percent-encoding"]);
    check_query("nope=1", &["query.nope: is not a declared parameter"]);
    check_head("1", "", &[("x-tag", TAG), ("x-tag", TAG)], &["header.X-Tag: given more than once"]);
    check_head("+1", "", &[("x-tag", TAG)], &["path.id: not of type integer"]);
    check_head("0x1", "", &[("x-tag", TAG)], &["path.id: not of type integer"]);
    check_head("1 ", "", &[("x-tag", TAG)], &["path.id: not of type integer"]);
}

#[test]
fn path_header_and_cookie_are_checked() {
    check_head("0", "", &[("x-tag", TAG)], &["path.id: smaller than allowed"]);
    check_head("1", "", &[], &["header.X-Tag: is missing"]);
    check_head("1", "", &[("x-tag", "x")], &["header.X-Tag: not in the format `uuid`"]);
    check_head("1", "", &[("x-tag", TAG), ("cookie", "a=b; sid=ab")], &[]);
    let short = ["cookie.sid: shorter than 2 characters"];
    check_head("1", "", &[("x-tag", TAG), ("cookie", "sid=a")], &short);
}

/// What is no text was not checked, and the service reads it as Latin-1.
#[test]
fn header_and_cookie_values_that_are_no_text_are_refused() {
    let document = DOCUMENT
        .replace("required: true, schema: {type: string, format: uuid}", "schema: {type: string}");
    let schemas = Document::parse(document.as_bytes(), "t.yaml").unwrap().compile().unwrap();
    for (name, value, want) in [
        ("x-tag", &b"\xe9"[..], "header.X-Tag: is not text"),
        ("cookie", b"sid=a; b=\xe9", "cookie.sid: is not text"),
    ] {
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", http::HeaderValue::from_static("a"));
        headers.insert(name, http::HeaderValue::from_bytes(value).unwrap());
        let params = [("id".to_owned(), "1".to_owned())];
        let unknown = Unknown::Refuse;
        let parts = RequestParts { path_params: &params, query: None, headers: &headers, unknown };
        let found = schemas.operation("op").unwrap().check_request(&parts).unwrap_err();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, [want]);
    }
}

#[track_caller]
fn check_body(content_type: Option<&str>, body: &str, want: &[&str]) {
    operation("op", |operation| {
        assert!(operation.wants_body());
        let found = operation.check_body(content_type, body.as_bytes()).err().unwrap_or_default();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, want, "{body}");
    });
}

#[test]
fn bodies_are_read_by_their_type() {
    check_body(Some("application/json"), "{\"n\":1}", &[]);
    check_body(Some("Application/JSON; charset=UTF-8"), "{\"n\":1}", &[]);
    check_body(Some("application/json; charset=utf8"), "{\"n\":1}", &[]);
    check_body(Some("application/x-www-form-urlencoded"), "n=1&list=1&list=2", &[]);
    check_body(Some("text/plain"), "abc", &[]);
    check_body(Some("application/json"), "{}", &["`n` is missing"]);
    check_body(
        Some("application/json"),
        "{\"n\":1,\"n\":2}",
        &["not JSON: doubled name at byte 7"],
    );
    check_body(Some("application/x-www-form-urlencoded"), "n=1&n=2", &["/n: given more than once"]);
    check_body(
        Some("application/x-www-form-urlencoded"),
        "n=1&x=2",
        &["/x: is not a declared field"],
    );
    check_body(Some("text/plain"), "abcd", &["longer than 3 characters"]);
    check_body(None, "", &["a body is required"]);
}

#[test]
fn another_media_type_is_a_violation_of_its_own_kind() {
    operation("op", |operation| {
        for content_type in
            [None, Some("application/xml"), Some("application/json; charset=utf-16")]
        {
            let found = operation.check_body(content_type, b"{\"n\":1}").unwrap_err();
            assert_eq!(found[0].kind, ViolationKind::MediaType, "{content_type:?}");
        }
    });
}

#[test]
fn a_body_that_is_not_declared_is_refused() {
    operation("bare", |operation| {
        assert!(!operation.wants_body());
        assert!(operation.check_body(None, b"").is_ok());
        assert!(operation.check_body(None, b"x").is_err());
    });
}

#[test]
fn multipart_has_one_reading() {
    let part = |head: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n")
    };
    let check = |body: String, want: &[&str]| {
        check_body(Some("multipart/form-data; boundary=x"), &body, want);
    };
    let good =
        part("name=\"n\"", "1") + &part("name=\"file\"; filename=\"a\"", "\u{0}") + "--x--\r\n";
    check(good.clone(), &[]);
    check(part("name=\"n\"", "y") + "--x--", &["/n: not of type integer"]);
    check(part("name=\"n\"", "1"), &["unfinished multipart"]);
    check(good.clone() + "more", &["bytes after the last part"]);
    check(format!("preamble{good}"), &["malformed multipart"]);
    check(part("name=\"n\"; name=\"m\"", "1") + "--x--", &["part with two names"]);
    check(part("filename=\"n\"", "1") + "--x--", &["part without a name"]);
    check_body(Some("multipart/form-data"), &good, &["multipart without one boundary"]);
}

/// Heads and boundaries that frameworks read in another way than RFC 7578 says.
#[test]
fn multipart_that_a_framework_reads_differently_is_refused() {
    let check = |body: String, want: &str| {
        check_body(Some("multipart/form-data; boundary=x"), &(body + "--x--"), &[want]);
    };
    let part = |head: &str| format!("--x\r\n{head}\r\n\r\n1\r\n");
    let disposition = "Content-Disposition: form-data; name=\"n\"";
    // A separator inside quotes ends nothing: this is a field with a value, and no file.
    let field = part(&format!("{disposition}; a=\"; filename=b\"")) + "--x--";
    check_body(Some("multipart/form-data; boundary=x"), &field, &[]);
    let escaped = part(&format!("{disposition}; a=\"\\\"; filename=b\""));
    check(escaped, "part with a name that has several readings");
    check(part(&format!("{disposition}; name*=UTF-8''m")), "part with an encoded name");
    // What is neither a token nor quoted whole has as many readings as there are readers.
    for odd in [
        "filename *=UTF-8''m",
        "foo\"; name=\"id\"; z=\"",
        "a=b c",
        "filename=",
        "x\"; filename=\"f\"; z=\"",
    ] {
        let odd = part(&format!("{disposition}; {odd}"));
        check(odd, "part with a name that has several readings");
    }
    let quoted = part("Content-Disposition: form-data; name=\"a%22b\"");
    check(quoted, "part with an escaped quote");
    for boundary in ["x; foo\"; boundary=y; z=\"", "x/y", "\"x\"y"] {
        let media_type = format!("multipart/form-data; boundary={boundary}");
        check_body(
            Some(&media_type),
            &(part(disposition) + "--x--"),
            &["multipart without one boundary"],
        );
    }
    // A folded line, and one that ends for those who also end lines at a bare LF or CR.
    check(part(&format!("{disposition}\r\n ; name=\"m\":")), "malformed head of a part");
    check(part(&format!("X: a\n{disposition}\r\n{disposition}")), "malformed head of a part");
    check(part(&format!("X: a\r{disposition}\r\n{disposition}")), "malformed head of a part");
    let inner = format!("1\n--x\r\n{disposition}\r\n\r\n2");
    let body = part(disposition).replace("\r\n1\r\n", &format!("\r\n{inner}\r\n"));
    check(body, "boundary inside a part");
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn decoding_is_bounded_in_size_and_ratio() {
    let body = b"hello".repeat(100);
    let packed = gzip(&body);
    assert_eq!(decode(Some("gzip"), &packed, 500).unwrap(), body);
    assert!(matches!(
        decode(Some("gzip"), &packed, 499),
        Err(DecodeError::TooLarge { limit: 499 })
    ));
    let bomb = gzip(&vec![0; 10_000_000]);
    let result = decode(Some("gzip"), &bomb, 100_000_000);
    assert!(matches!(result, Err(DecodeError::TooLarge { .. })));
    assert_eq!(decode(None, b"12345", 5).unwrap(), b"12345");
    assert!(decode(None, b"12345", 4).is_err());
}

#[test]
fn a_compressed_body_is_one_whole_stream_of_one_layer() {
    let packed = gzip(b"hello");
    let mut followed = packed.clone();
    followed.push(0);
    assert!(matches!(decode(Some("gzip"), &followed, 500), Err(DecodeError::Malformed)));
    assert!(matches!(decode(Some("gzip"), &packed[..10], 500), Err(DecodeError::Malformed)));
    assert!(matches!(decode(Some("br"), &packed, 500), Err(DecodeError::Coding)));
    assert!(matches!(decode(Some("gzip, gzip"), &packed, 500), Err(DecodeError::Coding)));
}

#[test]
fn deflate_is_read_with_and_without_its_head() {
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(b"hello").unwrap();
    assert_eq!(decode(Some("deflate"), &zlib.finish().unwrap(), 5).unwrap(), b"hello");
    let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    bare.write_all(b"hello").unwrap();
    assert_eq!(decode(Some("deflate"), &bare.finish().unwrap(), 5).unwrap(), b"hello");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz(&data);
    }

    #[test]
    fn hostile_text_never_panics(data in "[{}\\[\\]\",:0-9a-z%&=\\-\\\\ \n]{0,120}") {
        crate::fuzz(data.as_bytes());
        crate::fuzz(format!("openapi: 3.1.0\npaths: {{/a: {{get: {{{data}}}}}}}").as_bytes());
        crate::fuzz(format!("--x\r\nContent-Disposition: form-data; name={data}\r\n\r\n{data}\r\n--x--").as_bytes());
    }
}
