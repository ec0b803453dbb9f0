//! Forms by the `encoding` object: what a field and a file may be.

use crate::{BodyParts, Document, Limits, Unknown};

const DOCUMENT: &str = r"
openapi: 3.1.0
paths:
  /a:
    post:
      operationId: op
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema: {$ref: '#/components/schemas/Form'}
            encoding:
              csv: {style: form, explode: false}
              filter: {style: deepObject}
              json: {contentType: application/json}
          multipart/form-data:
            schema: {$ref: '#/components/schemas/Upload'}
            encoding:
              photo: {contentType: 'image/png, image/jpeg', headers: {X-Size: {required: true, schema: {type: integer}}}}
              note: {contentType: text/plain}
components:
  schemas:
    Form:
      type: object
      properties:
        n: {type: integer}
        csv: {type: array, maxItems: 2, items: {type: integer}}
        filter: {type: object, additionalProperties: false, properties: {state: {enum: [open]}}}
        json: {type: array, items: {type: integer}}
        nested: {type: object, required: [a]}
    Upload:
      type: object
      properties:
        photo: {type: string, format: binary, maxLength: 3}
        docs: {type: array, minItems: 1, maxItems: 2, items: {type: string, contentMediaType: application/pdf}}
        any: {}
        id: {format: uuid}
        note: {type: string, maxLength: 5}
        title: {type: string, maxLength: 3}
        meta: {type: object, required: [a]}
        packed: {type: string, contentEncoding: base64}
";

#[track_caller]
fn check(content_type: &str, body: &[u8], unknown: Unknown, want: &[&str]) {
    let schemas = Document::parse(DOCUMENT.as_bytes(), "t.yaml").unwrap().compile().unwrap();
    let parts = BodyParts {
        content_type: Some(content_type),
        bytes: body,
        unknown,
        limits: Limits::default(),
    };
    let found = schemas.operation("op").unwrap().prove_body(&parts).err().unwrap_or_default();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, want, "{}", String::from_utf8_lossy(body));
}

#[track_caller]
fn form(body: &str, want: &[&str]) {
    check("application/x-www-form-urlencoded", body.as_bytes(), Unknown::Refuse, want);
}

/// A head after `name=`, and the content.
type Part<'a> = (&'a str, &'a [u8]);

#[track_caller]
fn parts(parts: &[Part<'_>], want: &[&str]) {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend_from_slice(b"--x\r\nContent-Disposition: form-data; name=");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--");
    check("multipart/form-data; boundary=x", &body, Unknown::Refuse, want);
}

#[test]
fn fields_are_written_as_the_encoding_says() {
    form("csv=1,2&filter[state]=open&json=[1,2]&nested={\"a\":1}", &[]);
    form("csv=", &[]);
    form("csv=1,2,3", &["/csv: more than 2 elements"]);
    form("csv=1&csv=2&csv=3", &["/csv: more than 2 elements"]);
    form("filter[state]=x", &["/filter/state: not one of the allowed values"]);
    form("filter[other]=open", &["/filter/other: is not a declared field"]);
    form("filter[a][b]=open", &["/filter: has brackets inside brackets"]);
    form("json=[x]", &["/json: not of type array"]);
    form("json=[true]", &["/json/0: not of type integer"]);
    form("nested={}", &["/nested: `a` is missing"]);
    form("nested=x", &["/nested: not of type object"]);
}

#[test]
fn fields_that_are_not_declared_are_refused_unless_they_may_pass() {
    form("n=1&x=1", &["/x: is not a declared field"]);
    form("n[]=1", &["/n[]: is not a declared field"]);
    let open = "application/x-www-form-urlencoded";
    check(open, b"n=1&x=1", Unknown::Pass, &[]);
    parts(&[("x", b"1")], &["/x: is not a declared field"]);
    parts(&[("x; filename=y", b"1")], &["/x: is not a declared field"]);
}

#[test]
fn another_charset_is_another_reading() {
    for charset in ["iso-8859-1", "utf-16", "utf-7"] {
        let kind = format!("application/x-www-form-urlencoded; charset={charset}");
        check(&kind, b"n=1", Unknown::Refuse, &["text is UTF-8"]);
    }
    let utf8 = "application/x-www-form-urlencoded; charset=\"UTF-8\"";
    check(utf8, b"n=1", Unknown::Refuse, &[]);
    check("application/x-www-form-urlencoded; charset=utf8", b"n=1", Unknown::Refuse, &[]);
    parts(&[("note\r\nContent-Type: text/plain; charset=us-ascii", b"a")], &[]);
    let latin = "note\r\nContent-Type: text/plain; charset=iso-8859-1";
    parts(&[(latin, b"a")], &["/note: is in another charset than UTF-8"]);
    let ascii = "note\r\nContent-Type: text/plain; charset=us-ascii";
    parts(&[(ascii, "\u{e9}".as_bytes())], &["/note: is in another charset than UTF-8"]);
    parts(&[("title", b"\xff")], &["/title: field is not UTF-8"]);
}

#[test]
fn files_are_held_to_their_rules() {
    let photo = "photo; filename=a.png\r\nContent-Type: image/png\r\nX-Size: 3";
    parts(&[(photo, b"\x00\xff\x01")], &[]);
    parts(&[(photo, b"1234")], &["/photo: longer than 3 bytes"]);
    // Two where one is declared.
    parts(&[(photo, b"1"), (photo, b"2")], &["/photo: given more than once"]);
    let gif = photo.replace("image/png", "image/gif");
    parts(&[(gif.as_str(), b"1")], &["/photo: is not of a declared media type"]);
    let untyped = photo.replace("\r\nContent-Type: image/png", "");
    parts(&[(untyped.as_str(), b"1")], &["/photo: is not of a declared media type"]);
    let unsized_ = photo.replace("\r\nX-Size: 3", "");
    parts(&[(unsized_.as_str(), b"1")], &["/photo: header.X-Size: is missing"]);
    let odd = photo.replace("Size: 3", "Size: x");
    parts(&[(odd.as_str(), b"1")], &["/photo: header.X-Size: not of type integer"]);
    let doubled = format!("{photo}\r\nContent-Type: image/png");
    parts(&[(doubled.as_str(), b"1")], &["/photo: part with a field that is there twice"]);
}

#[test]
fn the_number_of_files_is_that_of_the_list() {
    let pdf = "docs; filename=a.pdf\r\nContent-Type: application/pdf";
    parts(&[(pdf, b"1")], &[]);
    parts(&[(pdf, b"1"), (pdf, b"2")], &[]);
    parts(&[(pdf, b"1"), (pdf, b"2"), (pdf, b"3")], &["/docs: more than 2 elements"]);
    let text = "docs; filename=a.pdf\r\nContent-Type: text/html";
    parts(&[(text, b"1")], &["/docs: is not of a declared media type"]);
}

/// A framework puts a file where nobody looks for a field, and the other way round.
#[test]
fn a_file_is_only_where_one_is_declared() {
    parts(&[("title; filename=a", b"abc")], &["/title: is a file, which is not declared"]);
    parts(&[("any; filename=a", b"\xff")], &[]);
    // Where no type is declared, a field is still held to what is.
    parts(&[("id", b"x")], &["/id: not in the format `uuid`"]);
    parts(&[("title", b"abcd")], &["/title: longer than 3 characters"]);
    parts(&[("meta; filename=blob\r\nContent-Type: application/json", b"{\"a\":1}")], &[]);
    parts(&[("meta", b"{\"a\":1}")], &[]);
    parts(&[("meta", b"{}")], &["/meta: `a` is missing"]);
    parts(&[("meta", b"{")], &["/meta: not JSON: expected a name"]);
    parts(&[("packed", b"QQ==")], &[]);
    parts(&[("packed", b"Q*==")], &["/packed: not in the format `byte`"]);
    let coded = "title\r\nContent-Transfer-Encoding: base64";
    parts(&[(coded, b"YWJj")], &["part with a transfer encoding"]);
    parts(&[("title\r\nContent-Transfer-Encoding: 8bit", b"abc")], &[]);
}
