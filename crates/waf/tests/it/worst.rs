//! Requests that are made to be expensive: each is judged to its end, or refused.

use ringwall_waf::{Arena, Connection, NoMemory, RequestHead, Ruleset, Transaction};

/// A request that somebody made to cost much.
struct Hostile {
    name: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// Whether it is more than a request may cost.
    is_too_much: bool,
}

fn hostile(name: &'static str, kind: &str, body: String) -> Hostile {
    let headers = vec![("Content-Type", kind.to_owned())];
    Hostile { name, target: "/".to_owned(), headers, body, is_too_much: false }
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const XML: &str = "text/xml";

/// The bodies have up to so many bytes.
fn requests(size: usize) -> Vec<Hostile> {
    let fill = |text: &str| text.repeat((size - 16) / text.len());
    let one = |text: &str| format!("a={}", text.repeat((size - 2) / text.len()));
    let leaves = format!("[{}0]", "0,".repeat(5_000));
    let long_names = format!("{{\"{}\":[{}0]}}", "k".repeat(60_000), "0,".repeat(65));
    let fewer_names = format!("{{\"{}\":[{}0]}}", "k".repeat(60_000), "0,".repeat(16));
    let deep = format!("{}{}", "{\"a\":[".repeat(31), "]}".repeat(31));
    let many_attributes = format!("<a>{}</a>", "<b c='d'/>".repeat(size / 10 - 2));
    let parts = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n".repeat(999);
    let mut requests = vec![
        hostile("JSON, 10 KiB, 5,000 leaves", JSON, leaves),
        Hostile {
            is_too_much: true,
            ..hostile("JSON, 66 leaves under a name of 60 KB", JSON, long_names)
        },
        hostile("JSON, 17 leaves under a name of 60 KB", JSON, fewer_names),
        hostile("JSON, 62 levels", JSON, deep),
        hostile(
            "JSON, one string of 128 KiB",
            JSON,
            format!("[\"{}\"]", "x' or ".repeat(size / 6 - 1)),
        ),
        hostile("form, 1,000 arguments", FORM, "name=value&".repeat(1_000)),
        hostile("form, one letter 128 Ki times", FORM, one("a")),
        hostile("form, quotes", FORM, one("'\"")),
        hostile("form, SQL words", FORM, one("select 1,")),
        hostile("form, tags", FORM, one("<a b=c ")),
        hostile("form, brackets", FORM, one("((")),
        hostile("form, backslashes", FORM, one("\\x41")),
        hostile("form, shell words", FORM, one(";cat /etc ")),
        hostile("form, dots and slashes", FORM, one("../")),
        hostile("XML, 128 levels", XML, format!("{}{}", "<a>".repeat(127), "</a>".repeat(127))),
        hostile("XML, 13,000 attributes", XML, many_attributes),
        hostile("XML, text", XML, format!("<a>{}</a>", fill("x y "))),
        hostile(
            "multipart, 999 parts",
            "multipart/form-data; boundary=B",
            format!("{parts}--B--\r\n"),
        ),
    ];
    let mut cookies = hostile("16,000 cookies in 32 KiB", FORM, String::new());
    cookies.headers.push(("Cookie", "a;".repeat(16_000)));
    requests.push(cookies);
    let query = "a&".repeat(16_000);
    requests.push(Hostile {
        target: format!("/?{query}"),
        ..hostile("16,000 arguments in the query", FORM, String::new())
    });
    requests
}

/// The status it was stopped with, whether it was too much, and the steps it took.
fn judge(rules: &Ruleset, request: &Hostile) -> (Option<u16>, bool, usize) {
    let arena = Arena::new();
    let connection = Connection {
        client_address: "192.0.2.1",
        client_port: 1,
        server_address: "192.0.2.2",
        server_port: 443,
        unique_id: "w",
        user: "",
        now_secs: 0,
    };
    let length = request.body.len().to_string();
    let usual = [
        ("Host", "a.example"),
        ("User-Agent", "x"),
        ("Accept", "*/*"),
        ("Content-Length", &length),
    ];
    let own = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<(&[u8], &[u8])> = usual
        .into_iter()
        .chain(own)
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let head = RequestHead {
        method: b"POST",
        target: request.target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
    };
    let mut transaction = Transaction::begin(rules, &arena, &NoMemory, connection, head);
    transaction.request_body(request.body.as_bytes());
    let stopped = transaction.intervention().map(|one| one.status);
    (stopped, transaction.is_exhausted(), transaction.work_steps())
}

/// What the recommended settings let in without files.
const RECOMMENDED: usize = 128 << 10;
/// What our own settings let in.
const OWN: usize = 1 << 20;

#[test]
fn the_worst_requests_are_judged_to_their_end_or_refused() {
    let rules = crate::crs_3::blocking_rules();
    for request in requests(RECOMMENDED) {
        let (stopped, is_exhausted, steps) = judge(&rules, &request);
        assert_eq!(is_exhausted, request.is_too_much, "{}: {steps} steps", request.name);
        assert!(!is_exhausted || stopped.is_some(), "{}", request.name);
        assert!(steps < 30_000_000, "{}: {steps} steps", request.name);
    }
}

#[test]
fn no_request_of_a_mebibyte_takes_more_than_the_bound() {
    let rules = crate::own::rules(1);
    for request in requests(OWN) {
        let (stopped, is_exhausted, steps) = judge(&rules, &request);
        assert!(!is_exhausted || stopped.is_some(), "{}", request.name);
        // The last text is looked at as a whole.
        assert!(steps < 35_000_000, "{}: {steps} steps", request.name);
    }
}

#[test]
fn the_core_rule_set_takes_no_more_than_the_bound() {
    let Some(rules) = crate::own::core_rules(1) else { return };
    for (size, most) in [(RECOMMENDED, 1), (OWN, 7)] {
        let mut too_much = Vec::new();
        for request in requests(size) {
            let (stopped, is_exhausted, steps) = judge(&rules, &request);
            assert!(!is_exhausted || stopped.is_some(), "{}", request.name);
            // The last text is looked at as a whole.
            assert!(steps < 45_000_000, "{}: {steps} steps", request.name);
            if is_exhausted {
                too_much.push(request.name);
            }
        }
        assert!(too_much.len() <= most, "{size}: {too_much:?}");
    }
}
