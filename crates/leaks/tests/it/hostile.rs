//! Bytes that are made to hurt, and texts in pieces.

use std::sync::Arc;

use proptest::prelude::{any, proptest};
use ringwall_leaks::{Detector, Detectors, Scanner, Stream, fuzz};

/// What detectors begin with and end with, in any order.
const PARTS: &[&str] = &[
    "4111 1111 1111 1111",
    "4111111111111111",
    "378282246310005",
    "GB29 NWBK 6016 1331 9268 19",
    " ",
    "1",
    "-",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.",
    "aB3dE5gH7jK9mN1pQ2sT4vW6xY8zaB3dE5gH7jK9mN1",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----",
    "ghp_",
    "://",
    "ada:hunter22@db",
    "\n",
    "Traceback (most recent call last):\n",
    "  File \"app.py\", line 3",
    "    at f (/srv/app.js:1:2)",
    "<title>Index of /",
    "<h1>Index of /",
    "SQLSTATE[42S02]",
    "near \"x\": syntax error",
    "\\n",
    "password=",
    "host=db ",
    "AKIA",
    "IOSFODNN7EXAMPLE",
    ".java:12)",
    "at a.b(A",
    "eyJ",
    ".",
    "\"",
];

proptest! {
    #[test]
    fn no_bytes_panic_and_pieces_are_as_the_whole(bytes: Vec<u8>) {
        fuzz(&bytes);
    }

    #[test]
    fn parts_of_secrets_in_any_order_are_found_alike_in_pieces(
        size in any::<u8>(),
        order in proptest::collection::vec(0..PARTS.len(), 1..40),
    ) {
        let text: String = order.into_iter().map(|at| PARTS[at]).collect();
        fuzz(&[&[size], text.as_bytes()].concat());
        fuzz(&[&[size % 8], text.as_bytes()].concat());
    }
}

#[test]
fn what_lies_across_pieces_is_found_and_kept_back_until_then() {
    let scanner = Arc::new(Scanner::new().unwrap());
    let all: Detectors = Detector::ALL.into_iter().collect();
    let text = b"data: {\"card\":\"4111 1111 1111 1111\"}\n\n";
    for cut in 1..text.len() {
        let mut stream = Stream::new(Arc::clone(&scanner), all, 8).stopping_at(all);
        let (first, second) = text.split_at(cut);
        let mut found = stream.push(first).findings;
        if (17..33).contains(&cut) {
            assert!(found.is_empty());
            assert!(cut - stream.held() <= 15, "{cut}: {} held", stream.held());
        }
        found.extend(stream.push(second).findings);
        assert_eq!(stream.held(), 0, "the end of an event ends what is in it");
        found.extend(stream.finish().findings);
        assert_eq!(found.len(), 1, "{cut}");
        assert_eq!((found[0].detector, found[0].range.clone()), (Detector::Card, 15..34), "{cut}");
    }
}

#[test]
fn findings_are_bounded() {
    let scanner = Scanner::new().unwrap();
    let all: Detectors = Detector::ALL.into_iter().collect();
    let text = "4111111111111111 ".repeat(9);
    assert!(!scanner.scan(text.as_bytes(), all, 9).has_more);
    let found = scanner.scan(text.as_bytes(), all, 8);
    assert_eq!((found.findings.len(), found.has_more), (8, true));
    let scanner = Arc::new(scanner);
    let mut stream = Stream::new(scanner, all, 8);
    let mut found = stream.push(text.as_bytes());
    let last = stream.finish();
    found.has_more |= last.has_more;
    assert_eq!((found.findings.len() + last.findings.len(), found.has_more), (8, true));
    assert!(!Detectors::ALWAYS.has(Detector::Card) && !Detectors::ALWAYS.has(Detector::Jwt));
}

/// Twice the text takes no more than about twice the time, whatever is repeated in it.
#[test]
fn no_repetition_takes_more_than_linear_time() {
    let scanner = Scanner::new().unwrap();
    let all: Detectors = Detector::ALL.into_iter().collect();
    for part in PARTS {
        let short = part.repeat(20_000 / part.len());
        let long = part.repeat(80_000 / part.len());
        let time = |text: &str| {
            let times = (0..3).map(|_| {
                let start = cpu();
                scanner.scan(text.as_bytes(), all, 64);
                cpu() - start
            });
            times.min().unwrap()
        };
        let (short, long) = (time(&short), time(&long));
        assert!(long <= short * 12 + 20_000, "{part:?}: {short} and {long} microseconds");
    }
}

/// CPU time of this thread in microseconds: other work on the machine does not count.
pub(super) fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_000
}
