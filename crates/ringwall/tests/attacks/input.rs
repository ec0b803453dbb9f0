//! Bad input at every endpoint: the error of the RFC, and nothing else.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ground::Ground;
use crate::request::{MARKER, Request};
use crate::suite::unsound;
use crate::wire::Answer;

/// What RFC 6749, 6750, 7009, 7662, 8628, 8693, 8707, 9126, 9449 and OpenID Connect let an endpoint say.
const ERRORS: &[&str] = &[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_scope",
    "invalid_target",
    "invalid_token",
    "invalid_dpop_proof",
    "insufficient_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_token_type",
];

/// What is registered or documented: an endpoint, and the methods that it has.
type Endpoints = BTreeMap<String, &'static [&'static str]>;

/// All endpoints: those that the metadata names, and the pages.
fn endpoints(ground: &Ground) -> Endpoints {
    let document = ground.house().get("/.well-known/openid-configuration").json();
    let issuer = ground.issuer();
    let mut all: Endpoints = BTreeMap::new();
    for (name, value) in document.as_object().unwrap() {
        let Some(path) = value.as_str().and_then(|url| url.strip_prefix(&issuer)) else { continue };
        let methods: &[&str] = match name.as_str() {
            "jwks_uri" => &["GET", "HEAD"],
            "authorization_endpoint" | "userinfo_endpoint" | "end_session_endpoint" => {
                &["GET", "HEAD", "POST"]
            }
            _ => &["POST"],
        };
        if !path.is_empty() {
            all.insert(path.to_owned(), methods);
        }
    }
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        all.insert(path.to_owned(), &["GET", "HEAD"]);
    }
    for path in ["/login", "/logout", "/account", "/oauth/device"] {
        all.insert(path.to_owned(), &["GET", "HEAD", "POST"]);
    }
    assert!(all.len() >= 14, "{all:?}");
    all
}

/// What nobody ever has to read to the end: a name, and the parameters as they go over the wire.
fn parameters() -> Vec<(&'static str, Vec<u8>)> {
    let marked = |text: &str| text.replace("MARKER", MARKER).into_bytes();
    let mut all: Vec<(&str, Vec<u8>)> = [
        ("words", "MARKER"),
        ("an unknown name", "MARKER=MARKER"),
        ("a name twice", "MARKER=1&MARKER=2"),
        ("client_id twice", "client_id=MARKER&client_id=web"),
        ("half an escape", "client_id=%2"),
        ("no digits", "client_id=%zz"),
        ("NUL", "client_id=MARKER%00"),
        ("CRLF", "client_id=MARKER%0d%0aX-MARKER:%201"),
        ("no UTF-8", "client_id=%ff%fe"),
        ("overlong UTF-8", "client_id=%c0%ae"),
        ("a surrogate", "client_id=%ed%a0%80"),
        ("UTF-16", "%ff%fec%00l%00i%00"),
        ("only signs", "&&&==="),
        ("an empty name", "=MARKER"),
        ("a script", "client_id=%3Cscript%3EMARKER%3C/script%3E&state=%22%3EMARKER"),
        ("a query of SQL", "client_id=MARKER'%20OR%20'1'='1'--"),
        ("a path", "client_id=../../../etc/passwd&form_token=../MARKER"),
        ("a template", "client_id={{7*7}}${7*7}MARKER"),
        ("an array", "client_id[]=MARKER&client_id[a]=MARKER"),
        ("semicolons", "client_id=MARKER;state=MARKER"),
        ("all at once", "username=MARKER&password=MARKER&form_token=MARKER&return_to=//MARKER&step=MARKER&code=MARKER"),
        ("all of a token", "grant_type=MARKER&client_id=MARKER&token=MARKER&scope=MARKER&id_token_hint=MARKER"),
    ]
    .map(|(name, text)| (name, marked(text)))
    .into();
    all.push(("a long name", [b"a".repeat(7_000), b"=x".to_vec()].concat()));
    all.push(("a long value", [b"client_id=".to_vec(), b"a".repeat(7_000)].concat()));
    all.push((
        "many",
        (0..900).map(|at| format!("p{at}=1")).collect::<Vec<_>>().join("&").into_bytes(),
    ));
    all
}

/// Fails unless this is an answer for somebody who sent nonsense.
fn refused(name: &str, answer: &Answer) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("{name}: {why}: {}", answer.raw));
    if let Some(why) = unsound(answer) {
        return wrong(&why);
    }
    let kind = answer.field("content-type").unwrap_or_default();
    if kind.starts_with("application/json") && answer.status >= 400 {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let members = body.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>());
        let is_rfc = members.is_some_and(|all| {
            all.iter()
                .all(|name| ["error", "error_description", "error_uri"].contains(&name.as_str()))
        });
        if !is_rfc || !ERRORS.contains(&body["error"].as_str().unwrap_or_default()) {
            return wrong("not an error of the RFC");
        }
        // RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E.
        let text = body["error_description"].as_str().unwrap_or_default();
        let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
        if !text.bytes().all(is_plain) {
            return wrong("a description of other letters");
        }
        if answer.field("cache-control").as_deref() != Some("no-store") {
            return wrong("a refusal that may be kept");
        }
    }
    if answer.field("x-content-type-options").as_deref() != Some("nosniff") {
        return wrong("without nosniff");
    }
    Ok(())
}

/// Sends all of this and fails with everything that was not refused as it has to be.
fn check(ground: &Ground, requests: impl Iterator<Item = (Request, &'static [u16])>) {
    let failures: Vec<String> = requests
        .filter_map(|(request, wanted)| {
            let answer = ground.send(&request);
            let status = format!("status {}, not of {wanted:?}: {}", answer.status, answer.raw);
            let refused = refused(&request.label, &answer).err();
            refused.or_else(|| {
                (!wanted.contains(&answer.status)).then(|| format!("{}: {status}", request.label))
            })
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// A page may be shown, or lead to the sign-in; an application is told what is wrong.
const REFUSALS: &[u16] = &[400, 401, 403];
const PAGES: &[u16] = &[200, 303, 400, 401, 403];

fn wanted(path: &str) -> &'static [u16] {
    let is_page = !path.starts_with("/oauth/")
        || ["/oauth/authorize", "/oauth/device", "/oauth/end_session"].contains(&path);
    if is_page { PAGES } else { REFUSALS }
}

#[test]
fn parameters_that_nobody_can_read_are_refused_everywhere() {
    let ground = Ground::open();
    let all = endpoints(&ground);
    let sessions = [None, Some(ground.ada.clone())];
    let queries =
        all.iter().filter(|(_, methods)| methods.contains(&"GET")).flat_map(|(path, _)| {
            let is_read = path != "/oauth/jwks" && !path.starts_with("/.well-known");
            let wanted = if is_read { wanted(path) } else { &[200, 400][..] };
            // What no line of HTTP may hold is refused before it gets here.
            parameters().into_iter().map(move |(name, text)| {
                let text = String::from_utf8(text).unwrap();
                (
                    Request::new(&format!("GET {path}?{text}"))
                        .label(format!("GET {path}, {name}")),
                    wanted,
                )
            })
        });
    let forms =
        all.iter().filter(|(_, methods)| methods.contains(&"POST")).flat_map(|(path, _)| {
            parameters().into_iter().map(move |(name, body)| {
                let request = Request::new(&format!("POST {path}"));
                let request = request.content("application/x-www-form-urlencoded", body);
                // RFC 7009 section 2.2: a token that is none is no error, once the client is known.
                (request.label(format!("POST {path}, {name}")), wanted(path))
            })
        });
    let requests: Vec<_> = queries.chain(forms).collect();
    let origin = format!("Origin: {}", ground.issuer());
    for session in sessions {
        let with = requests.iter().map(|(request, wanted)| {
            let request = request.clone().field(&origin);
            (session.iter().fold(request, Request::field), *wanted)
        });
        check(&ground, with);
    }
}

#[test]
fn bodies_of_other_kinds_are_refused_everywhere() {
    let ground = Ground::open();
    let all = endpoints(&ground);
    let json = format!("{{\"grant_type\":\"{MARKER}\",\"client_id\":\"{MARKER}\"}}");
    let part = format!(
        "--b\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\n{MARKER}\r\n--b--\r\n"
    );
    let form = "application/x-www-form-urlencoded";
    let requests =
        all.iter().filter(|(_, methods)| methods.contains(&"POST")).flat_map(|(path, _)| {
            let to = |name: &str, kind: &str, body: Vec<u8>| {
                Request::new(&format!("POST {path}"))
                    .content(kind, body)
                    .label(format!("{path}: {name}"))
            };
            let kinds: &[u16] = &[303, 400, 401, 403, 413, 415];
            [
                to("JSON", "application/json", json.clone().into_bytes()),
                to("JSON as a form", form, json.clone().into_bytes()),
                to("parts", "multipart/form-data; boundary=b", part.clone().into_bytes()),
                to("text", "text/plain", MARKER.into()),
                to(
                    "XML",
                    "application/xml",
                    format!(
                        "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]><x>&y;{MARKER}</x>"
                    )
                    .into_bytes(),
                ),
                to("compressed", form, vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
                    .field("Content-Encoding: gzip"),
                to(
                    "another alphabet",
                    "application/x-www-form-urlencoded; charset=utf-16",
                    b"a\0=\0b\0".to_vec(),
                ),
                to("bytes", form, (0..=255).collect()),
                to("no UTF-8", form, b"client_id=\xff\xfe".to_vec()),
                to("NUL", form, b"client_id=a\0b".to_vec()),
                to("line breaks", form, b"client_id=a\r\nb".to_vec()),
                to("a megabyte", form, [b"client_id=".to_vec(), b"a".repeat(1_000_000)].concat()),
                to("a megabyte of names", form, b"a=b&".repeat(250_000)),
                to("nothing", form, Vec::new()),
                Request::new(&format!("POST {path}")).label(format!("{path}: no body at all")),
            ]
            .map(|request| (request, kinds))
        });
    check(&ground, requests.collect::<Vec<_>>().into_iter());
}

#[test]
fn methods_that_an_endpoint_has_not_are_refused_and_named() {
    let ground = Ground::open();
    let mut failures = Vec::new();
    for (path, methods) in endpoints(&ground) {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "MARKER"] {
            if methods.contains(&method) {
                continue;
            }
            let request =
                Request::new(&format!("{method} {path}")).label(format!("{method} {path}"));
            let answer = ground.send(&request.clone().field(&ground.ada));
            if let Err(why) = refused(&request.label, &answer) {
                failures.push(why);
                continue;
            }
            // RFC 9110 section 15.5.6: the answer says which there are.
            let allowed = answer.field("allow").unwrap_or_default();
            let named = methods
                .iter()
                .filter(|method| **method != "HEAD")
                .all(|method| allowed.contains(method));
            if answer.status != 405 || !named {
                failures.push(format!("{method} {path}: {}", answer.raw));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn heads_that_are_no_heads_are_refused_everywhere() {
    let ground = Ground::open();
    let long = "a".repeat(7_000);
    let fields = [
        "Authorization: Basic".to_owned(),
        format!("Authorization: Basic {MARKER}"),
        format!("Authorization: Bearer {MARKER}"),
        format!("Authorization: Bearer {MARKER} {MARKER}"),
        format!("Authorization: {MARKER} {MARKER}"),
        "Authorization: ".to_owned(),
        format!("Authorization: Bearer {long}"),
        "Authorization: Bearer \u{e9}".to_owned(),
        format!("DPoP: {MARKER}"),
        format!("DPoP: {long}"),
        format!("Cookie: __Host-ringwall={MARKER}"),
        format!("Cookie: __Host-ringwall-form={MARKER}"),
        format!("Origin: https://{MARKER}.example"),
        "Content-Length: 0".to_owned(),
        format!("Accept-Language: {long}"),
        format!("Accept-Language: {MARKER};q=9,*;q=x"),
        format!("User-Agent: <script>{MARKER}</script>"),
        format!("X-Forwarded-For: {MARKER}"),
        format!("Referer: https://{MARKER}.example/"),
        format!("If-None-Match: \"{MARKER}\""),
        format!("Range: bytes={MARKER}"),
        format!("Accept: {MARKER}"),
    ];
    let all: &[u16] = &[200, 303, 304, 400, 401, 403];
    let requests = endpoints(&ground).into_iter().flat_map(|(path, methods)| {
        let line = format!("{} {path}", methods.first().unwrap());
        fields.clone().map(|field| {
            let label = format!("{line} {field}").chars().take(100).collect::<String>();
            (Request::new(&line).field(field).label(label), all)
        })
    });
    check(&ground, requests.collect::<Vec<_>>().into_iter());
}
