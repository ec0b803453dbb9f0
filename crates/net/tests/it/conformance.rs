//! RFC 9113, sections 3 to 8, and RFC 7541: what a server does with frames that break a rule.

mod framing;
mod messages;

use ringwall_net::Settings;

use crate::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, Front, GOAWAY, HEADERS, Hand, PING, PREFACE, RST_STREAM,
    SETTINGS, block, frame, get, request,
};

const PROTOCOL: u32 = 1;
const FLOW: u32 = 3;
const CLOSED: u32 = 5;
const SIZE: u32 = 6;
const REFUSED: u32 = 7;
const COMPRESSION: u32 = 9;

/// What must come of a case.
#[derive(Clone, Debug)]
enum Must {
    /// The connection ends with this code, or with `PROTOCOL_ERROR`, which `h2` says where the RFC
    /// has a closer name.
    End(u32),
    /// The stream is reset with one of these codes, or the connection ends with it.
    Reset(&'static [u32]),
    /// The stream ends with a reset or a 400, and the connection lives.
    Refuse,
    /// The stream or, as RFC 9113 section 5.4.1 allows, the connection ends: `h2` takes a field that
    /// is no field for a broken header compression.
    RefuseOrEnd,
    /// It is as if nothing came.
    Ignore,
    /// It is answered 200.
    Answer,
}
use Must::{Answer, End, Ignore, Refuse, RefuseOrEnd, Reset};

const WHOLE: u8 = END_STREAM | END_HEADERS;

fn open(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &request("/", &[]))
}

fn fields(others: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, WHOLE, 1, &request("/", others))
}

fn raw(list: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, WHOLE, 1, &block(list))
}

/// A body that does not have the length it says.
fn mismatch(said: &str, sizes: &[usize]) -> Vec<u8> {
    let mut bytes = frame(HEADERS, END_HEADERS, 1, &request("/", &[("content-length", said)]));
    for (index, size) in sizes.iter().enumerate() {
        let flags = if index + 1 == sizes.len() { END_STREAM } else { 0 };
        bytes.extend(frame(DATA, flags, 1, &vec![b'a'; *size]));
    }
    bytes
}

fn setting(name: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

type Case = (&'static str, Vec<u8>, Must);

/// What came: the first frame that decides.
fn outcome(hand: &mut Hand) -> String {
    // The answer to a PING behind the case shows that nothing more comes of it.
    hand.write(&frame(PING, 0, 0, b"sentinel"));
    let mut answer = String::new();
    while let Some(frame) = hand.next() {
        match frame.kind {
            GOAWAY => return format!("end {}", frame.code()),
            RST_STREAM => return format!("reset {}", frame.code()),
            HEADERS if frame.payload.first() == Some(&0x88) => return "answer".to_owned(),
            HEADERS if frame.payload.first() == Some(&0x8c) => answer = "refusal".to_owned(),
            PING if frame.flags & ACK != 0 && frame.payload == b"sentinel" => {
                if !answer.is_empty() {
                    return answer;
                }
                // The answer of a task may come after the PING: ask again, at most for a while.
                answer = "nothing".to_owned();
                hand.write(&self::frame(PING, 0, 0, b"sentinel"));
            }
            _other => {}
        }
    }
    "closed".to_owned()
}

#[test]
fn every_case_of_rfc_9113_is_met_as_it_says() {
    let front = Front::open(&Settings { streams_max: 2, ..Settings::default() });
    let mut failures = Vec::new();
    let cases = [framing::framing(), messages::messages()].concat();
    assert!(cases.len() >= 100, "{} cases", cases.len());
    for (name, bytes, must) in cases {
        let before = front.desk.seen.lock().unwrap().len();
        let mut hand = front.hand();
        hand.write(&bytes);
        let outcome = outcome(&mut hand);
        let is_met = match &must {
            End(code) => outcome == format!("end {code}") || outcome == "end 1",
            Reset(codes) => {
                let is_one =
                    |code| outcome == format!("reset {code}") || outcome == format!("end {code}");
                codes.iter().any(is_one) || outcome == "end 1"
            }
            RefuseOrEnd => {
                outcome.starts_with("reset ") || outcome == "refusal" || outcome == "end 1"
            }
            Refuse => (outcome.starts_with("reset ") || outcome == "refusal") && hand.is_alive(),
            Ignore => outcome == "nothing",
            Answer => outcome == "answer",
        };
        // A body of the wrong length is found out later: its request was seen, and dropped.
        let is_clean = !matches!(must, Refuse | RefuseOrEnd)
            || name.starts_with("8.1")
            || front.desk.seen.lock().unwrap().len() == before;
        if !is_met || !is_clean {
            failures.push(format!("{name}: {outcome} instead of {must:?}, clean: {is_clean}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn what_is_no_preface_is_not_answered() {
    let front = Front::open(&Settings::default());
    let mut hand = front.silent();
    hand.write(b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n");
    assert!(hand.until(|frame| frame.kind == HEADERS).is_none());
    let mut hand = front.silent();
    // RFC 9113 section 3.4: SETTINGS come first.
    hand.write(&[PREFACE, &frame(PING, 0, 0, b"12345678")].concat());
    hand.write(&get(1, "/"));
    let first = hand.until(|frame| frame.kind != SETTINGS).expect("something comes");
    assert!(first.kind == GOAWAY || first.kind == PING, "{first:?}");
}
