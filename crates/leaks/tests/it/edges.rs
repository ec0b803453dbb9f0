//! Values to their end, what stops among what is counted, and what only names a secret.

use std::sync::Arc;

use ringwall_leaks::{Detector, Detectors, Scanner, Stream};

use super::hostile::cpu;
use super::{found, names};

fn only(one: Detector) -> Detectors {
    [one].into_iter().collect()
}

/// What stars would leave of a key.
fn masked(text: &str) -> String {
    let scanner = Scanner::new().unwrap();
    let mut bytes = text.as_bytes().to_vec();
    for one in scanner.scan_values(text.as_bytes(), only(Detector::PrivateKey)) {
        bytes.get_mut(one.range).unwrap().fill(b'*');
    }
    String::from_utf8(bytes).unwrap()
}

fn lines(count: usize) -> String {
    format!("{}\n", "aB3dE5gH7jK9+N1p".repeat(4)).repeat(count)
}

#[test]
fn of_a_key_that_is_masked_nothing_is_left() {
    let pem = |body: &str| {
        format!("-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----")
    };
    let pgp = format!(
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{}=aB3d\n-----END PGP PRIVATE KEY BLOCK-----",
        lines(110)
    );
    let putty = |mac: &str| {
        format!(
            "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: x\nPublic-Lines: 2\n{}\
             Private-Lines: 300\n{}{mac}",
            lines(2),
            lines(300),
        )
    };
    for key in [
        pem(&lines(3)),
        pem(&lines(200)),
        pem(&lines(60)).replace('+', "\\/").replace('\n', "\\n"),
        pgp,
        putty("Private-MAC: 00112233445566778899aabbccddeeff"),
        putty("Private-MAC: 00112233445566778899aabbccddeeff").replace('\n', "\r\n"),
        putty("").trim_end().to_owned(),
        // Cut off.
        pem(&lines(200)).split_at(9_000).0.trim_end().to_owned(),
    ] {
        let text = format!("<p>{key}<p>rest");
        let want = format!("<p>{}<p>rest", "*".repeat(key.len()));
        assert!(masked(&text) == want, "{}", masked(&text));
    }
    let two = [pem(&lines(70)), "between".to_owned(), pem(&lines(2))].concat();
    assert_eq!(masked(&two).trim_matches('*'), "between");
}

#[test]
fn many_keys_are_masked_in_linear_time() {
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n", lines(1));
    let putty = "PuTTY-User-Key-File-2: \nPrivate-Lines:";
    let start = cpu();
    for text in
        [key.repeat(4 * 1024 * 1024 / key.len()), putty.repeat(4 * 1024 * 1024 / putty.len())]
    {
        assert!(!masked(&text).contains("aB3"));
    }
    // Hours, were each read to the end.
    assert!(cpu() - start < 60_000_000);
}

#[test]
fn what_stops_is_found_however_much_else_there_is() {
    let scanner = Arc::new(Scanner::new().unwrap());
    let token = format!("{}{} ", "ghp_", "aB3dE5gH7j".repeat(4).split_at(36).0);
    let text = format!("{}4111111111111111 {token}", token.repeat(9));
    let (all, card) = (only(Detector::Card).and(Detectors::ALWAYS), only(Detector::Card));
    let found = scanner.scan_for((all, card), text.as_bytes(), 4);
    let cards = found.findings.iter().filter(|one| one.detector == Detector::Card);
    assert_eq!((found.findings.len(), cards.count(), found.has_more), (5, 1, true));
    for size in [1, 7, text.len()] {
        let mut stream = Stream::new(Arc::clone(&scanner), all, 4).stopping_at(card);
        let pieces = text.as_bytes().chunks(size);
        let mut found: Vec<_> = pieces.flat_map(|piece| stream.push(piece).findings).collect();
        found.extend(stream.finish().findings);
        let names: Vec<_> = found.iter().map(|one| one.detector).collect();
        assert_eq!(names.iter().filter(|one| **one == Detector::Card).count(), 1, "{names:?}");
        assert_eq!(names.len(), 5, "{names:?}");
    }
    let many = "4111111111111111 ".repeat(1000);
    assert_eq!(scanner.scan_for((card, card), many.as_bytes(), 4).findings.len(), 5);
}

#[test]
fn only_what_stops_holds_back_and_an_event_ends_it() {
    let scanner = Arc::new(Scanner::new().unwrap());
    let (all, card) = (only(Detector::Card).and(Detectors::ALWAYS), only(Detector::Card));
    let mut stream = Stream::new(Arc::clone(&scanner), all, 4).stopping_at(card);
    stream.push(b"data: PuTTY-User-Key-File-2: \n\ndata: Traceback (most recent call last)");
    assert_eq!(stream.held(), 0);
    let mut stream = Stream::new(scanner, all, 4).stopping_at(all);
    stream.push(b"data: PuTTY-User-Key-File-2: \n\n");
    assert!(stream.held() > 20);
    assert!(stream.end_event().findings.is_empty());
    assert_eq!(stream.held(), 0);
    let found = stream.push(b"data: postgresql://shop:s3cr3tx@db/shop\n\n").findings;
    assert_eq!((found[0].detector, found[0].range.start), (Detector::ConnectionString, 47));
}

#[test]
fn the_id_of_a_key_in_a_signed_address_is_no_secret() {
    let id = format!("{}{}", "AKIA", "IOSFODNN7EXAMPLE");
    for text in [
        format!(
            "https://b.s3.amazonaws.com/x?X-Amz-Credential={id}%2F20261123%2Fus-east-1&X-Amz-Date=1"
        ),
        format!("https://b.s3.amazonaws.com/x?AWSAccessKeyId={id}&Expires=1&Signature=x"),
        format!("{{\"x-amz-credential\":\"{id}/20261123/us-east-1/s3/aws4_request\"}}"),
        format!("{{\"c\":\"{id}\\/20261123\\/us-east-1\"}}"),
    ] {
        assert_eq!(names(&text), <[&str; 0]>::default(), "{text}");
    }
    assert_eq!(found(&format!("key: {id}/x")), [("aws-key", id)]);
    assert!(!Detectors::ALWAYS.has(Detector::GoogleKey), "it stands in pages that show maps");
}
