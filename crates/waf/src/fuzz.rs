//! The fuzzer's way in: any bytes as rules, as a request, as a body.

use crate::transform::Transformation;
use crate::{
    Arena, Connection, Evaluation, NoLibrary, NoMemory, RequestHead, ResponseHead, Ruleset, Source,
    Transaction,
};

/// Rules that look at everything and choose each body processor by the first byte of the path.
const RULES: &str = include_str!("fuzz.conf");

/// Reads hostile bytes in every way. The contract: no panic, an end, and no match that the
/// prefilter would have missed.
pub fn fuzz(data: &[u8]) {
    as_rules(data);
    as_value(data);
    as_request(&own_rules(), data);
}

/// As a file of rules, which then judge the same bytes.
fn as_rules(data: &[u8]) {
    let source = Source { name: "fuzz".to_owned(), text: data.to_vec() };
    if let Ok(rules) = Ruleset::load(&[source], &NoLibrary) {
        let rules = rules.with_evaluation(Evaluation::Verified).with_work_max(STEPS);
        judge(&rules, b"/a?b=c", b"text/plain", data);
    }
}

/// As a value, for each transformation.
fn as_value(data: &[u8]) {
    for transformation in Transformation::all() {
        let arena = Arena::new();
        if let Some(changed) = transformation.apply(data, &arena, None) {
            debug_assert_ne!(changed, data, "what does not change says so");
            debug_assert!(changed.len() <= data.len() * 8 + 64, "it grows within bounds");
        }
    }
}

/// As the body of each processor, as a target, as a header and as a cookie.
fn as_request(rules: &Ruleset, data: &[u8]) {
    for (path, kind) in BODIES {
        judge(rules, path.as_bytes(), kind.as_bytes(), data);
    }
    judge(rules, data, data, b"");
}

/// Paths for which the own rules choose a processor, with the `Content-Type`.
const BODIES: [(&str, &str); 4] = [
    ("/j", "application/json"),
    ("/x", "text/xml"),
    ("/f", "application/x-www-form-urlencoded"),
    ("/m", "multipart/form-data; boundary=a"),
];

/// A bound that a fuzzer reaches.
const STEPS: usize = 2_000_000;

#[expect(clippy::expect_used, reason = "the text is part of this file")]
fn own_rules() -> Ruleset {
    let source = Source { name: "own".to_owned(), text: RULES.as_bytes().to_vec() };
    let rules = Ruleset::load(&[source], &NoLibrary).expect("the own rules load");
    rules.with_evaluation(Evaluation::Verified).with_work_max(STEPS)
}

fn judge(rules: &Ruleset, target: &[u8], content_type: &[u8], body: &[u8]) {
    let arena = Arena::new();
    let connection = Connection {
        client_address: "192.0.2.1",
        client_port: 1,
        server_address: "192.0.2.2",
        server_port: 443,
        unique_id: "fuzz",
        user: "",
        now_secs: 0,
    };
    let headers = [(&b"Content-Type"[..], content_type), (b"Cookie", body)];
    let head = RequestHead { method: b"POST", target, protocol: b"HTTP/1.1", headers: &headers };
    let mut transaction = Transaction::begin(rules, &arena, &NoMemory, connection, head);
    transaction.request_body(body);
    let headers = [(&b"Content-Type"[..], &b"text/html"[..])];
    transaction.response_head(ResponseHead {
        status: 200,
        protocol: b"HTTP/1.1",
        headers: &headers,
    });
    transaction.response_body(body);
    for one in transaction.finish() {
        debug_assert!(!one.log_line().contains('\n'), "a log line is one line");
    }
    debug_assert_eq!(transaction.prefilter_misses(), 0, "the prefilter misses nothing");
}

#[cfg(test)]
mod tests;
