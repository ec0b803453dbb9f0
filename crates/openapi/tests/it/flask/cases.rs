//! The attempts.

/// One attempt.
#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) query: &'static str,
    pub(super) content_type: String,
    pub(super) cookie: &'static str,
    pub(super) body: Vec<u8>,
}

fn query(query: &'static str) -> Case {
    Case { query, ..Case::default() }
}

fn cookie(cookie: &'static str) -> Case {
    Case { cookie, ..Case::default() }
}

fn body(content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Case {
    Case { content_type: content_type.into(), body: body.into(), ..Case::default() }
}

fn queries() -> Vec<Case> {
    let texts = [
        "a=b&a='x",
        "a='x&a=b",
        "a=b&A='x",
        "a=b&a%00='x",
        "a=b;a='x",
        "a=b%26a='x",
        "a=b&%61='x",
        "a=b&+a='x",
        "a=b&a+='x",
        "a=b&a%5B%5D='x",
        "list=b&list[]='x",
        "list=b,'x",
        "list=b%2C'x",
        "deep[a]=b&deep[a]='x",
        "deep[a]=b&deep[a][]='x",
        "deep[a]=b&deep[[a]]='x",
        "deep%5ba%5d='x",
        "deep[a]b='x",
        "deep.a='x",
        "a=%62",
        "a=%62%",
        "a=b%zz",
        "a=%u0027x",
        "a=%c0%a7",
        "a=b%0a",
        "a=b%0d%0a'x",
        "a=b%00",
        "n=1&n=2",
        "n=1%0a",
        "n=%2b1",
        "n=+1",
        "n=1_0",
        "n=0x1",
        "n=1e2",
        "n=1.0",
        "n=-0",
        "n=NaN",
        "n=1e400",
        "n=%EF%BC%91",
        "n=%D9%A1",
        "n=01",
        "a==b",
        "=b",
        "a",
        "&&a=b&&",
        "a=b#'x",
        "a=b?a='x",
        "a=%ff",
        "a%ff=b",
        "a=b&%=x",
    ];
    texts.into_iter().map(query).collect()
}

fn forms() -> Vec<Case> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let mut cases: Vec<Case> = [
        "a=b&a='x",
        "a=b;a='x",
        "a=b&a[]='x",
        "a=b&b='x",
        "a=b&A='x",
        "a=b%0a",
        "n=1&n=2",
        "n=+1",
        "list=b&list='x",
        "list=b,'x",
        "a=b\r\n",
        "a=%62",
        "\u{feff}a=b",
        "a=b\0",
        "a=b&\u{ff41}='x",
    ]
    .map(|text| body(FORM, text))
    .into();
    for content_type in [
        "Application/X-WWW-Form-URLencoded",
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded; charset=ibm037",
        "application/x-www-form-urlencoded;",
        "application/x-www-form-urlencoded , application/json",
        " application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded\t; a=b",
        "application/json;application/x-www-form-urlencoded",
        "text/plain",
        "application/x-www-form-urlencoded; charset=utf-8; charset=utf-7",
        "",
    ] {
        cases.push(body(content_type, "a='x"));
        cases.push(body(content_type, "a=b&n=1&a=+ACc-"));
        // One type says that it is a form, the bytes say that it is JSON, and the other way round.
        cases.push(body(content_type, "{\"a\":\"'x\"}"));
    }
    cases.push(body("application/json", "a='x"));
    cases
}

fn jsons() -> Vec<Case> {
    const JSON: &str = "application/json";
    let mut cases: Vec<Case> = JSONS.iter().map(|text| body(JSON, *text)).collect();
    let wide = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "{\"a\":\"'x\"}".encode_utf16().flat_map(order).collect()
    };
    for content_type in
        [JSON, "application/json; charset=utf-16", "application/json; charset=utf-32"]
    {
        cases.push(body(content_type, wide(u16::to_le_bytes)));
        cases.push(body(content_type, wide(u16::to_be_bytes)));
        cases.push(body(content_type, [b"\xff\xfe".to_vec(), wide(u16::to_le_bytes)].concat()));
    }
    cases.push(body(JSON, b"{\"a\":\"\xff\"}".to_vec()));
    cases.push(body(JSON, format!("{}1{}", "[".repeat(70), "]".repeat(70))));
    for content_type in [
        "application/vnd.api+json",
        "APPLICATION/JSON",
        "application/json ;a=b",
        "text/json",
        "a+json",
        "application/json, text/plain",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json;charset=\"utf-7\"",
    ] {
        cases.push(body(content_type, r#"{"a":"'x"}"#));
    }
    cases
}

fn multiparts() -> Vec<Case> {
    const TYPE: &str = "multipart/form-data; boundary=XyZ";
    let part = |head: &str, value: &str| format!("--XyZ\r\n{head}\r\n\r\n{value}\r\n");
    let named = |name: &str, value: &str| {
        part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
    };
    let good = named("a", "b");
    let mut cases: Vec<Case> = HEADS
        .iter()
        .flat_map(|head| [part(head, "'x"), part(head, "b"), format!("{good}{}", part(head, "'x"))])
        .map(|parts| body(TYPE, format!("{parts}--XyZ--\r\n")))
        .collect();
    let evil = named("a", "'x");
    for text in [
        format!("{good}--XyZ--\r\n{evil}--XyZ--\r\n"),
        evil.clone(),
        format!("pre\r\n{evil}--XyZ--"),
        format!("{good}--XyZ--\r\ntrailing"),
        format!("\r\n{evil}--XyZ--"),
        format!("{good}{evil}--XyZ--"),
        format!("{good}--XyZ \r\n{}--XyZ--", evil.trim_start_matches("--XyZ\r\n")),
        evil.replace("\r\n", "\n") + "--XyZ--\n",
        format!("{}--XyZ--", evil.replace("'x", "b\n--XyZ\n'x")),
        format!("{good}--XyZ--"),
        "--XyZ--".to_owned(),
        String::new(),
        format!("{}--XyZ--", named("b", "'x")),
    ] {
        cases.push(body(TYPE, text));
    }
    for content_type in BOUNDARIES.iter().copied() {
        cases.push(body(content_type, format!("{evil}--XyZ--\r\n")));
        cases.push(body(content_type, format!("{good}--XyZ--\r\n")));
    }
    cases
}

fn cookies() -> Vec<Case> {
    let texts = [
        "sid=b; sid='x",
        "sid='x; sid=b",
        "sid=\"b\"",
        "sid=\"\\047x\"",
        "sid=b, sid='x",
        "sid=b;sid ='x",
        "SID='x",
        "sid=%27x",
        "sid = b",
        "sid",
        "sid=",
        "a=b; sid=b",
        "sid=b; $Path=/",
        "sid=b\t",
        "sid=\"b",
    ];
    texts.into_iter().map(cookie).collect()
}

/// All of them.
pub(super) fn all() -> Vec<Case> {
    [queries(), forms(), jsons(), multiparts(), cookies()].into_iter().flatten().collect()
}

const JSONS: &[&str] = &[
    r#"{"a":"b","a":"'x"}"#,
    r#"{"a":"'x","a":"b"}"#,
    r#"{"a":"b","\u0061":"'x"}"#,
    r#"{"a":"b","A":"'x"}"#,
    r#"{"a":"b","a\u0000":"'x"}"#,
    r#"{"a":"\ud800"}"#,
    r#"{"a":"\ud800\u0041"}"#,
    r#"{"n":NaN}"#,
    r#"{"n":Infinity}"#,
    r#"{"n":-Infinity}"#,
    r#"{"n":1e400}"#,
    r#"{"n":-0}"#,
    r#"{"n":-0.0}"#,
    r#"{"n":1.0}"#,
    r#"{"n":1E2}"#,
    r#"{"n":01}"#,
    r#"{"n":+1}"#,
    r#"{"n":.5}"#,
    r#"{"n":5.}"#,
    r#"{"n":0x1}"#,
    r#"{"n":1_0}"#,
    r#"{"n":9007199254740993}"#,
    r#"{"n":100000000000000000000000000000000000000000000}"#,
    r#"{"n":0.99999999999999999999999999999999999999999999}"#,
    r#"{"n":"1"}"#,
    r#"{"n":true}"#,
    r#"{"a":"b"} {"a":"'x"}"#,
    r#"{"a":"b"},{"a":"'x"}"#,
    r#"{"a":"b"}x"#,
    "{\"a\":\"b\"}\0",
    r#"{"a":"b",}"#,
    r#"{"a":"b"/*"*/}"#,
    "{'a':'x'}",
    "{a:\"'x\"}",
    "{\"a\":\"b\n\"}",
    "{\"a\":\"b\\\n\"}",
    "\u{feff}{\"a\":\"'x\"}",
    "{\"a\":\u{a0}\"'x\"}",
    "{\"a\"\u{b}:\"b\"}",
    r#"[{"a":"'x"}]"#,
    r#""'x""#,
    "null",
    "",
    r#"{"list":["b",["'x"]]}"#,
    r#"{"a":["'x"]}"#,
    r#"{"a":{"a":"'x"}}"#,
    r#"{"a":"\u0027x"}"#,
    r#"{"a":"\x27x"}"#,
    r#"{"a":"b\/"}"#,
];

const HEADS: &[&str] = &[
    "Content-Disposition: form-data; name=a",
    "Content-Disposition: form-data; name='a'",
    "Content-Disposition: form-data; name=\"c\"; name=\"a\"",
    "Content-Disposition: form-data; name=\"a\"; name=\"c\"",
    "Content-Disposition: form-data; name=\"c\\\"; name=\\\"a\"",
    "Content-Disposition: form-data; name=\"c\"; name*=utf-8''a",
    "Content-Disposition: form-data; name*0=a",
    "Content-Disposition: form-data; name*0*=utf-8''a",
    "Content-Disposition: form-data;\r\n name=\"a\"",
    "content-disposition:form-data;name=a",
    "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"c\"",
    "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=utf-16",
    "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=iso-8859-1",
    "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
    "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: quoted-printable",
    "Content-Disposition: form-data; name=\"a\"; filename=\"\"",
    "Content-Disposition: form-data; name=\"a\"; filename*=utf-8''x",
    "Content-Disposition: form-data; name=\"a\"; filename=x",
    "Content-Disposition: attachment; name=a",
    "Content-Disposition: form-data; NAME=\"a\"",
    "Content-Disposition: form-data; name = \"a\"",
    "Content-Disposition : form-data; name=\"a\"",
    "X: y\nContent-Disposition: form-data; name=\"a\"",
    "Content-Disposition: form-data; name=\"%61\"",
    "Content-Disposition: form-data; name=\"a\0\"",
    "Content-Disposition: form-data; name=\"a \"",
    "Content-Disposition: form-data; name=\"\u{ff41}\"",
];

const BOUNDARIES: &[&str] = &[
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=Q; boundary=XyZ",
    "multipart/form-data; boundary=XyZ; boundary=Q",
    "multipart/form-data; boundary*=utf-8''XyZ",
    "multipart/form-data; boundary=\"XyZ\"",
    "multipart/form-data; boundary='XyZ'",
    "multipart/form-data; boundary=XyZ; charset=utf-16",
    "Multipart/Form-Data; BOUNDARY=XyZ",
    "multipart/mixed; boundary=XyZ",
    "multipart/form-data, x; boundary=XyZ",
    "multipart/form-data;boundary=XyZ,Q",
];
