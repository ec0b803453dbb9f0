//! The fuzzer's way in: any bytes as rules, as a request, as a body.

use crate::transform::Transformation;
use crate::{
    Arena, Connection, NoLibrary, NoMemory, RequestHead, ResponseHead, Ruleset, Source, Transaction,
};

/// Rules that look at everything and choose each body processor by the first byte of the path.
const RULES: &str = include_str!("fuzz.conf");

/// Reads hostile bytes in every way. The contract: no panic, and an end.
pub fn fuzz(data: &[u8]) {
    let source = Source { name: "fuzz".to_owned(), text: data.to_vec() };
    let rules = Ruleset::load(&[source], &NoLibrary);
    if let Ok(rules) = &rules {
        judge(rules, b"/a?b=c", b"text/plain", data);
    }
    for transformation in Transformation::all() {
        let arena = Arena::new();
        if let Some(changed) = transformation.apply(data, &arena, None) {
            debug_assert_ne!(changed, data, "what does not change says so");
        }
    }
    let source = Source { name: "own".to_owned(), text: RULES.as_bytes().to_vec() };
    let Ok(own) = Ruleset::load(&[source], &NoLibrary) else { return };
    for (path, kind) in [
        ("/j", "application/json"),
        ("/x", "text/xml"),
        ("/f", "application/x-www-form-urlencoded"),
        ("/m", "multipart/form-data; boundary=a"),
    ] {
        judge(&own, path.as_bytes(), kind.as_bytes(), data);
    }
    judge(&own, data, data, b"");
}

fn judge(rules: &Ruleset, target: &[u8], content_type: &[u8], body: &[u8]) {
    let arena = Arena::new();
    let connection = Connection {
        client_address: "192.0.2.1",
        client_port: 1,
        server_address: "192.0.2.2",
        server_port: 443,
        unique_id: "fuzz",
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_bytes_do_no_harm() {
        let seeds: [&[u8]; 6] = [
            b"",
            b"SecRule ARGS \"@rx (\" \"id:1\"",
            b"SecRuleEngine On\nSecRule ARGS|REQUEST_BODY|XML:/* \"@rx a\" \"id:1,phase:2,deny,t:jsDecode,multiMatch\"",
            b"--a\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\xff\x00%\r\n--a--",
            b"{\"a\":[1,\"\\u0041\"]}",
            b"<a b='%3c'>\\x41&#x41;%u0041</a>",
        ];
        for seed in seeds {
            fuzz(seed);
            for end in 0..seed.len() {
                fuzz(seed.get(..end).unwrap());
            }
        }
        let own = Source { name: "own".to_owned(), text: RULES.as_bytes().to_vec() };
        assert_eq!(Ruleset::load(&[own], &NoLibrary).map(|rules| rules.rule_count()).ok(), Some(6));
    }
}
