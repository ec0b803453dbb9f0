//! What Flask reads is what the rules saw, or the request is refused.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringwall_waf::{OwnRules, Ruleset, Source, Strictness};
use serde_json::json;

use crate::crs::{Judged, judge_request};
use crate::ftw::{Reply, Request};

/// One way to write a request that readers may understand in different ways.
#[derive(Debug, Default)]
struct Case {
    query: &'static str,
    content_type: &'static str,
    cookie: &'static str,
    body: Vec<u8>,
}

fn query(query: &'static str) -> Case {
    Case { query, ..Case::default() }
}

fn cookie(cookie: &'static str) -> Case {
    Case { cookie, ..Case::default() }
}

fn body(content_type: &'static str, body: impl Into<Vec<u8>>) -> Case {
    Case { content_type, body: body.into(), ..Case::default() }
}

fn queries() -> Vec<Case> {
    let texts = [
        "a=b&a=c&A=d",
        "a=%2527+or+1",
        "a=%27%20or%201",
        "a=b;c=d",
        "a=%u0027",
        "a=%00b",
        "a=%c0%a7",
        "a=%ff%fe",
        "a=%EF%BC%87",
        "%61%5b%5d=b",
        "a",
        "=b",
        "a==b",
        "a=b%26c%3Dd",
        "&&a=b&&",
        "a=%",
        "a=%2",
        "a=%zz",
        "a=%0d%0aX:%20y",
    ];
    texts.into_iter().map(query).collect()
}

fn forms() -> Vec<Case> {
    let types = [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded; charset=ibm037",
        "application/x-www-form-urlencoded;charset=\"utf-16\"",
        "application/x-www-form-urlencoded , text/plain",
    ];
    types.into_iter().map(|one| body(one, "a=%27+or+1&b=x%2B&a=+ADw-script+AD4-")).collect()
}

fn jsons() -> Vec<Case> {
    let texts = [
        r#"{"a": "x", "a": "y"}"#,
        r#"{"a": "\u0027 or 1", "b": ["x", {"c": "d"}]}"#,
        r#"{"a": "\ud800"}"#,
        r#"{"a": NaN, "b": "x"}"#,
        r#"{"a": "x",}"#,
        r#"{"a": /* c */ "x"}"#,
        r#"["x", "y"]"#,
        r#""x' or 1""#,
        "{\"a\": \"tab\there\"}",
        "\u{feff}{\"a\": \"x\"}",
        r#"{"a": "x"} {"b": "y"}"#,
    ];
    let utf16: Vec<u8> = r#"{"a": "x"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = format!("{}\"x\"{}", "[".repeat(200), "]".repeat(200));
    let mut cases: Vec<Case> = texts.map(|text| body("application/json", text)).into();
    cases.push(body("application/json", utf16.clone()));
    cases.push(body("application/json; charset=utf-16", utf16));
    cases.push(body("application/json", deep));
    cases.push(body("application/json", b"{\"a\": \"\xff\"}".to_vec()));
    for content_type in ["application/vnd.api+json", "APPLICATION/JSON", "application/json ;a=b"] {
        cases.push(body(content_type, r#"{"a": "x' or 1"}"#));
    }
    cases
}

fn multiparts() -> Vec<Case> {
    const TYPE: &str = "multipart/form-data; boundary=XyZ";
    let part = |head: &str, value: &str| format!("--XyZ\r\n{head}\r\n\r\n{value}\r\n");
    let whole = |head: &str| format!("{}--XyZ--\r\n", part(head, "x' or 1"));
    let name = "Content-Disposition: form-data; name=\"a\"";
    let mut cases: Vec<Case> = [
        name,
        "content-disposition:form-data;name=a",
        "Content-Disposition: form-data; name='a'",
        "Content-Disposition: form-data; name=\"a\"; name=\"b\"",
        "Content-Disposition: form-data; name=\"a\\\"b\"",
        "Content-Disposition: form-data; name*=utf-8''a",
        "Content-Disposition: form-data;\r\n name=\"a\"",
        "Content-Disposition: form-data; name=\"a\"; filename=\"b.txt\"",
        "Content-Disposition: form-data; name=\"a\"; filename=\"b.txt\"; filename=\"c.php\"",
        "Content-Disposition: form-data; name=\"a\"; filename*=utf-8''c.php",
        "Content-Disposition: form-data; name=\"a\"; filename=\"b.txt\"; filename*=utf-8''c.php",
        "Content-Disposition: form-data; name=\"a\"; filename=\"\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=utf-16",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=utf-7",
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
        "Content-Disposition: attachment; name=\"a\"",
        "Content-Type: text/plain",
        "Content-Disposition : form-data; name=\"a\"",
    ]
    .into_iter()
    .map(|head| body(TYPE, whole(head)))
    .collect();
    cases.extend(framings(&whole(name)));
    cases
}

/// The same part between other boundaries.
fn framings(good: &str) -> Vec<Case> {
    const TYPE: &str = "multipart/form-data; boundary=XyZ";
    let mut cases = Vec::new();
    for content_type in [
        "multipart/form-data; boundary=\"XyZ\"",
        "Multipart/Form-Data; Boundary=XyZ",
        "multipart/form-data; boundary=XyZ; boundary=other",
        "multipart/form-data; boundary=other; boundary=XyZ",
        "multipart/form-data; boundary= XyZ",
        "multipart/form-data; boundary=XyZ, text/plain",
        "multipart/form-data; charset=utf-16; boundary=XyZ",
        "multipart/form-data; boundary*=utf-8''XyZ",
        "multipart/form-data; boundary*0=X; boundary*1=yZ",
        "multipart/form-data",
        "multipart/mixed; boundary=XyZ",
    ] {
        cases.push(body(content_type, good));
    }
    for text in [
        good.replace("\r\n", "\n"),
        good.replace("\r\n\r\n", "\n\r\n"),
        format!("before\r\n{good}"),
        format!("{good}after"),
        good.replace("--XyZ--\r\n", ""),
        good.replace("--XyZ--\r\n", "--XyZ  \r\n"),
        good.replace(
            "x' or 1",
            "x\r\n--XyZ\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\ny' or 1",
        ),
        good.replace("x' or 1", "x\r\n--XyZa\r\n\r\ny' or 1"),
        good.replace("--XyZ\r\n", "--XyZ \t\r\n"),
        good.replace(
            "x' or 1",
            "x\r\n--XyZ-- \r\n--XyZ\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\ny' or 1",
        ),
    ] {
        cases.push(body(TYPE, text));
    }
    cases
}

fn cookies() -> Vec<Case> {
    let texts = [
        "a=b; a=c",
        "a=\"b c\"",
        "a=\"x\\073 y\"",
        "a=\"x\\\"y\"",
        "a=%27",
        "a",
        "a=b,c=d",
        "a = b ;c= d",
        "$Version=1; a=b",
    ];
    texts.into_iter().map(cookie).collect()
}

fn judge(rules: &Ruleset, case: &Case) -> Judged {
    let mut headers: Vec<(Vec<u8>, Vec<u8>)> = vec![(b"Host".to_vec(), b"shop.example".to_vec())];
    let mut header = |name: &str, value: &str| headers.push((name.into(), value.into()));
    if !case.content_type.is_empty() {
        header("Content-Type", case.content_type);
        header("Content-Length", &case.body.len().to_string());
    }
    if !case.cookie.is_empty() {
        header("Cookie", case.cookie);
    }
    let request = Request {
        method: if case.body.is_empty() { b"GET".to_vec() } else { b"POST".to_vec() },
        target: format!("/?{}", case.query).into_bytes(),
        protocol: b"HTTP/1.1".to_vec(),
        headers,
        body: case.body.clone(),
    };
    let reply = Reply { status: 200, headers: Vec::new(), body: Vec::new() };
    judge_request(rules, &request, &reply)
}

/// What Flask reads of each case.
fn flask(cases: &[Case]) -> Vec<Vec<(String, String)>> {
    let mut python = Command::new("python3");
    python.args(["-c", include_str!("werkzeug.py")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let mut lines = String::new();
    for case in cases {
        let method = if case.body.is_empty() { "GET" } else { "POST" };
        let line = json!({
            "method": method, "query": case.query, "type": case.content_type, "cookie": case.cookie,
            "body": STANDARD.encode(&case.body),
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    python.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let read: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.len(), cases.len(), "every case is read");
    read
}

/// Whether a value of Flask is one that rules saw. Flask keeps what is encoded and no UTF-8 encoded,
/// drops the quotes around a cookie, and has the members of an object without the path to them.
fn is_same(value: &str, seen: &[u8]) -> bool {
    let encoded = |byte: &u8| match byte {
        0x80.. => format!("%{byte:02X}"),
        _ => char::from(*byte).to_string(),
    };
    let text = String::from_utf8_lossy(seen);
    text == value
        || text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) == Some(value)
        || text.strip_prefix("json.") == Some(value)
        || seen.iter().map(encoded).collect::<String>() == value
}

#[test]
fn what_flask_reads_is_what_the_rules_saw_or_the_request_is_refused() {
    let all = "SecRule ARGS|ARGS_NAMES|FILES|FILES_TMP_CONTENT|REQUEST_COOKIES \
        \"@unconditionalMatch\" \"id:1,phase:2,pass,log,t:none\"\n";
    let all = Source { name: "all.conf".to_owned(), text: all.into() };
    let mut sources = vec![OwnRules::engine(), Strictness::default().source(), all];
    sources.extend(OwnRules::sources());
    let rules = Ruleset::load(&sources, &OwnRules).unwrap();
    let cases = [queries(), forms(), jsons(), multiparts(), cookies()];
    let cases: Vec<Case> = cases.into_iter().flatten().collect();
    let mut unseen = Vec::new();
    let mut passed = 0;
    for (case, read) in cases.iter().zip(flask(&cases)) {
        let judged = judge(&rules, case);
        if judged.stopped.is_some() {
            continue;
        }
        passed += 1;
        let is_seen = |value: &str| judged.values.iter().any(|seen| is_same(value, seen));
        let missing: Vec<_> = read.iter().filter(|(_, value)| !is_seen(value)).collect();
        if !missing.is_empty() {
            let body = case.body.escape_ascii();
            unseen.push(format!(
                "{} {} {} {body}: {missing:?}",
                case.query, case.content_type, case.cookie
            ));
        }
    }
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
    assert!(passed > 10, "not everything is refused: {passed}");
}
