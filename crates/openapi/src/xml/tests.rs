use super::parse;
use crate::Document;

#[track_caller]
fn check(text: &str, want: Result<(), &str>) {
    let got = parse(text.as_bytes()).map(drop).map_err(|error| error.message);
    assert_eq!(got, want, "{text}");
}

#[test]
fn documents_have_one_reading() {
    for good in [
        "<a/>",
        "\u{feff}<?xml version='1.0'?><a/>",
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone='yes'?>\n<!-- c --><a b='1' c=\"&lt;\"/>\n",
        "<a><b>&#65;&#x42;&amp;</b><![CDATA[<x>]]></a>",
        "<p:a xmlns:p='urn:x'><p:b xmlns='urn:y'><c/></p:b></p:a>",
    ] {
        check(good, Ok(()));
    }
    for (bad, why) in [
        ("<!DOCTYPE a><a/>", "a document type is not allowed"),
        ("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "a document type is not allowed"),
        ("<a>&x;</a>", "an entity that XML has not"),
        ("<a>&#0;</a>", "an entity that XML has not"),
        ("<a>&#+65;</a>", "an entity that XML has not"),
        ("<?xml-stylesheet href='x'?><a/>", "not XML 1.0 in UTF-8"),
        ("<a><?php x?></a>", "only elements, text and comments are allowed"),
        ("<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>", "not XML 1.0 in UTF-8"),
        ("<?xml version=\"1.1\"?><a/>", "not XML 1.0 in UTF-8"),
        ("\u{feff}\u{feff}<a/>", "expected an element"),
        ("<a></b>", "another element ends here"),
        ("<a/><b/>", "text after the root"),
        ("<a/>x", "text after the root"),
        ("<a", "malformed element, or too many attributes"),
        ("<a>", "unfinished element"),
        ("<a b='1' b='2'/>", "doubled attribute"),
        ("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", "doubled attribute"),
        ("<p:a/>", "a prefix that is not declared"),
        ("<a b=1/>", "expected a quote"),
        ("<a b='<'/>", "`<` in an attribute"),
        ("<a>]]></a>", "end of a CDATA section"),
        ("<a>\u{1}</a>", "a character that XML has not"),
        ("<a><!-- -- --></a>", "malformed comment"),
    ] {
        check(bad, Err(why));
    }
    assert_eq!(parse(b"<a>\xff</a>").unwrap_err().message, "not UTF-8");
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    check(&nested(64), Ok(()));
    check(&nested(65), Err("nested too deep"));
    let attributes = |count: usize| {
        let all: Vec<String> = (0..count).map(|one| format!(" a{one}=''")).collect();
        format!("<a{}/>", all.concat())
    };
    check(&attributes(64), Ok(()));
    check(&attributes(65), Err("malformed element, or too many attributes"));
}

const DOCUMENT: &str = r"
openapi: 3.0.3
paths:
  /a:
    post:
      operationId: op
      requestBody: {content: {application/xml: {schema: {$ref: '#/components/schemas/Order'}}}}
components:
  schemas:
    Order:
      type: object
      required: [id]
      additionalProperties: false
      properties:
        id: {type: integer, xml: {attribute: true}}
        total: {type: number, xml: {name: sum}}
        open: {type: array, maxItems: 2, items: {type: string, maxLength: 3, xml: {name: tag}}}
        bare: {type: array, items: {type: integer}}
        packed: {type: array, xml: {wrapped: true, name: packs}, items: {type: integer, xml: {name: pack}}}
        buyer: {type: object, xml: {prefix: b}, additionalProperties: false, properties: {name: {type: string, xml: {namespace: 'urn:n'}}}}
";

#[track_caller]
fn value(body: &str, want: &[&str]) {
    let schemas = Document::parse(DOCUMENT.as_bytes(), "t.yaml").unwrap().compile().unwrap();
    let operation = schemas.operation("op").unwrap();
    let found = operation.check_body(Some("application/xml"), body.as_bytes());
    let found: Vec<String> =
        found.err().unwrap_or_default().iter().map(ToString::to_string).collect();
    assert_eq!(found, want, "{body}");
}

#[test]
fn elements_and_attributes_are_named_by_the_schema() {
    value("<Order id='1'><sum>1.5</sum><tag>a</tag><tag>b</tag></Order>", &[]);
    value("<Order id='1'><bare>1</bare><bare>2</bare></Order>", &[]);
    value("<Order id='1'><packs><pack>1</pack><pack>2</pack></packs></Order>", &[]);
    let buyer = "<b:buyer xmlns:b='x'><n:name xmlns:n='urn:n'>Zo\u{eb}</n:name></b:buyer>";
    value(&format!("<Order id='1'>{buyer}</Order>"), &[]);
}

#[test]
fn what_another_reader_would_take_is_refused() {
    value("<order id='1'/>", &["the root is another element"]);
    value("<Order/>", &["`id` is missing"]);
    // An element where an attribute is declared, and the other way round.
    value("<Order id='1'><id>1</id></Order>", &["/<id>: is not a declared field"]);
    value("<Order id='1' sum='2'/>", &["/@sum: is not a declared field"]);
    value("<Order id='1'><sum>x</sum></Order>", &["/total: not of type number"]);
    value("<Order id='1'><sum>1</sum><sum>2</sum></Order>", &["`sum` is given more than once"]);
    value("<Order id='1'><tag>abcd</tag></Order>", &["/open/0: longer than 3 characters"]);
    let three = "<tag>a</tag>".repeat(3);
    value(&format!("<Order id='1'>{three}</Order>"), &["/open: more than 2 elements"]);
    value(
        "<Order id='1'><packs><x>1</x></packs></Order>",
        &["the list `packs` has something else in it"],
    );
    value("<Order id='1'>text<sum>1</sum></Order>", &["text beside the elements of `Order`"]);
    let long = format!("<Order id='1' xmlns:a='{}'/>", "u".repeat(257));
    let found = format!(
        "not XML: a namespace that is too long, or too many of them at byte {}",
        long.len() - 2
    );
    value(&long, &[&found]);
    value("<Order id='1'><x:sum xmlns:x='u'>1</x:sum></Order>", &["/sum: is not a declared field"]);
    value("<Order id='1'><buyer/></Order>", &["/<buyer>: is not a declared field"]);
    value("<Order id='1'><sum><![CDATA[1]]></sum></Order>", &[]);
    value("<!DOCTYPE a><Order id='1'/>", &["not XML: a document type is not allowed at byte 0"]);
}
