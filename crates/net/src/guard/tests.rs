//! A second reader of the same bytes: what the machine accepts, another parser reads alike.
//!
//! The other one is httparse with a body reader of its own, as lenient as those are that stand
//! behind proxies. Where the two differ, the machine must have refused.

#![expect(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]

use proptest::prelude::*;

use super::{Machine, Part};
use crate::HeadLimits;

type Field = (String, Vec<u8>);

#[derive(Debug, Default, Eq, PartialEq)]
struct Message {
    method: String,
    target: String,
    fields: Vec<Field>,
    body: Vec<u8>,
    trailers: Vec<Field>,
}

/// The messages that the machine takes out of the data, until it refuses or has not enough.
fn ours(mut data: &[u8]) -> Vec<Message> {
    let mut machine = Machine::request(HeadLimits::default());
    let (mut messages, mut open) = (Vec::new(), None::<Message>);
    while let Ok((part, used)) = machine.next(data) {
        let (bytes, rest) = data.split_at(used);
        let fields = || {
            let spans = machine.spans().iter();
            let field = |span: &super::Span| {
                let name = String::from_utf8_lossy(&bytes[span.start..span.colon]).into_owned();
                (name, bytes[span.value..span.end].to_vec())
            };
            spans.map(field).collect::<Vec<_>>()
        };
        match part {
            Part::More => break,
            Part::Head => {
                let head = machine.last_head();
                let text = |from: usize, length: usize| {
                    String::from_utf8_lossy(&bytes[from..from + length]).into_owned()
                };
                open = Some(Message {
                    method: text(0, head.method),
                    target: text(head.method + 1, head.target),
                    fields: fields(),
                    ..Message::default()
                });
            }
            Part::Data => open.as_mut().unwrap().body.extend_from_slice(bytes),
            Part::Trailers => open.as_mut().unwrap().trailers = fields(),
            Part::Framing => {}
        }
        data = rest;
        if !machine.is_in_body() {
            messages.extend(open.take());
        }
    }
    messages
}

/// The same by the other reader, which goes on as long as it understands.
fn theirs(mut data: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some((message, rest)) = their_next(data) {
        messages.push(message);
        data = rest;
    }
    messages
}

/// A message, and what follows it.
type Read<'d> = (Message, &'d [u8]);

fn their_next(data: &[u8]) -> Option<Read<'_>> {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut fields);
    let used = request.parse(data).ok().filter(httparse::Status::is_complete)?.unwrap();
    let mut message = Message {
        method: request.method?.to_owned(),
        target: request.path?.to_owned(),
        fields: owned(request.headers),
        ..Message::default()
    };
    let rest = &data[used..];
    let find = |wanted: &str| {
        let is_it = |(name, _): &&Field| name.eq_ignore_ascii_case(wanted);
        message.fields.iter().find(is_it).map(|(_, value)| value.clone())
    };
    // Lenient on purpose: any mention of chunked counts, and goes before a length.
    let coding = find("transfer-encoding").unwrap_or_default().to_ascii_lowercase();
    if coding.windows(7).any(|part| part == b"chunked") {
        let rest = their_chunks(rest, &mut message)?;
        return Some((message, rest));
    }
    let length = find("content-length").map(|value| String::from_utf8_lossy(&value).into_owned());
    let length = length.map_or(Some(0), |length| length.trim().parse::<usize>().ok())?;
    let (body, rest) = rest.split_at_checked(length)?;
    message.body = body.to_vec();
    Some((message, rest))
}

fn their_chunks<'d>(mut rest: &'d [u8], message: &mut Message) -> Option<&'d [u8]> {
    loop {
        let (used, size) = match httparse::parse_chunk_size(rest).ok()? {
            httparse::Status::Complete(found) => found,
            httparse::Status::Partial => return None,
        };
        rest = &rest[used..];
        let size = usize::try_from(size).ok()?;
        if size == 0 {
            let mut fields = [httparse::EMPTY_HEADER; 128];
            let (used, fields) = match httparse::parse_headers(rest, &mut fields).ok()? {
                httparse::Status::Complete(found) => found,
                httparse::Status::Partial => return None,
            };
            message.trailers = owned(fields);
            return Some(&rest[used..]);
        }
        let (data, after) = rest.split_at_checked(size)?;
        message.body.extend_from_slice(data);
        rest = after.strip_prefix(b"\r\n".as_slice()).or_else(|| after.strip_prefix(b"\n"))?;
    }
}

fn owned(fields: &[httparse::Header<'_>]) -> Vec<Field> {
    fields.iter().map(|field| (field.name.to_owned(), field.value.to_vec())).collect()
}

#[track_caller]
fn compare(data: &[u8]) -> usize {
    let (ours, mut theirs) = (ours(data), theirs(data));
    theirs.truncate(ours.len());
    assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(data));
    ours.len()
}

/// Pieces of which attacks are made; the first of a group is what an honest client sends.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop::sample::select(vec![
        "Host: a\r\n",
        "Content-Length: 3\r\n",
        "content-length:5 \r\n",
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding:\tCHUNKED\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Content-Length: 03\r\n",
        "X: a\r\n b\r\n",
        "X : a\r\n",
        "X: a\n",
        "X:\r\n",
        "Connection: close, x\r\n",
        "\n",
    ]);
    let pair = ("[a-zA-Z-]{1,8}", "[ -~\t]{0,9}")
        .prop_map(|(name, value)| format!("{name}:{value}\r\n").into_bytes());
    prop_oneof![whole.prop_map(|text| text.as_bytes().to_vec()), pair]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "abc",
        "3\r\nabc\r\n",
        "5;x=y\r\nabcde\r\n",
        "3\nabc\n",
        "0\r\n",
        "\r\n",
        "0\r\nx: y\r\n\r\n",
        "3 \r\nabc\r\n",
        "0x3\r\nabc\r\n",
        "+3\r\nabc\r\n",
        "3;\"\n\"\r\nabc\r\n",
    ]);
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat().into_bytes())
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let first = prop::sample::select(vec![
        "GET /a HTTP/1.1\r\n",
        "POST /b?c HTTP/1.1\r\n",
        "POST / HTTP/1.0\r\n",
        "GET  / HTTP/1.1\r\n",
        "\r\nGET / HTTP/1.1\r\n",
        "GET /\u{e9} HTTP/1.1\r\n",
    ]);
    let lines = prop::collection::vec(line(), 0..4);
    (first, any::<bool>(), lines, body()).prop_map(|(first, has_host, lines, body)| {
        let host: &[u8] = if has_host { b"Host: a\r\n" } else { b"" };
        [first.as_bytes(), host, &lines.concat(), b"\r\n", &body].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_accepted_has_no_second_reading(messages in prop::collection::vec(message(), 1..3)) {
        compare(&messages.concat());
    }

    #[test]
    fn one_changed_byte_makes_no_second_reading(
        message in message(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut data = message;
        let at = at.index(data.len());
        data[at] = byte;
        compare(&data);
    }
}

#[test]
fn honest_messages_are_read_by_both() {
    let both = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nx: y\r\n\r\n\
        GET /b HTTP/1.1\r\nhost:a\r\n\r\nPOST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(compare(both), 3);
}

/// Reads on, adds fields and data to `seen`, and says how much was used.
fn gather(machine: &mut Machine, data: &[u8], seen: &mut Vec<u8>) -> usize {
    let mut at = 0;
    loop {
        let (part, used) = machine.next(&data[at..]).unwrap();
        let bytes = &data[at..at + used];
        at += used;
        match part {
            Part::More => return at,
            // Data may come apart anywhere: only its bytes count.
            Part::Data => seen.extend_from_slice(bytes),
            Part::Head | Part::Trailers => {
                let spans = machine.spans().iter();
                seen.extend(spans.flat_map(|span| bytes[span.start..span.end].to_vec()));
            }
            Part::Framing => {}
        }
    }
}

/// Cut anywhere, a message comes apart into the same parts.
#[test]
fn a_message_that_comes_in_two_pieces_is_the_same_message() {
    let data = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nx: y\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n";
    let read = |cut: usize| {
        let mut machine = Machine::request(HeadLimits::default());
        let (mut rest, mut seen) = (data.as_slice(), Vec::new());
        for held_back in [data.len() - cut, 0] {
            let given = &rest[..rest.len() - held_back];
            rest = &rest[gather(&mut machine, given, &mut seen)..];
        }
        assert!(machine.is_between() && rest.is_empty(), "cut at {cut}");
        seen
    };
    let whole = read(data.len());
    let fields = "Host: aTransfer-Encoding: chunked";
    assert_eq!(whole, format!("{fields}abc0123456789abcdefx: yHost: a").as_bytes());
    for cut in 0..data.len() {
        assert_eq!(read(cut), whole, "cut at {cut}");
    }
}
