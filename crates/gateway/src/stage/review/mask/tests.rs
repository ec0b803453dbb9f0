use super::*;

fn masked(text: &str, mask: Mask) -> Masked {
    let detectors = [Detector::Card, Detector::Iban].into_iter().collect();
    let rules = [Detect { detectors, mask, refuses: false }];
    let scanner = Scanner::new().unwrap();
    Masker::new(&scanner, &rules).run(text.as_bytes())
}

#[track_caller]
fn check(text: &str, want: &str, places: &[&str]) {
    let masked = masked(text, Mask::Last4);
    let bytes = masked.bytes.map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(bytes.as_deref().unwrap_or(text), want);
    let found: Vec<String> =
        masked.found.iter().map(|one| format!("{} {}", one.detector, one.place)).collect();
    assert_eq!(found, places);
    if is_json_text(text.as_bytes()) {
        serde_json::from_str::<serde_json::Value>(want).unwrap();
    }
}

#[test]
fn values_in_json_are_masked_and_it_stays_json() {
    check(
        "{\"a\": [1.50, {\"n\": \"x 4111 1111 1111 1111.\"}], \"b\":\"\\u00e9\"}",
        "{\"a\": [1.50, {\"n\": \"x **** **** **** 1111.\"}], \"b\":\"\\u00e9\"}",
        &["card at /a/1/n"],
    );
    check(
        "{\"n\":4111111111111111,\"m\":2}",
        "{\"n\":\"************1111\",\"m\":2}",
        &["card at /n"],
    );
    check("[\"4111\\u00201111 1111 1111\"]", "[\"**** **** **** 1111\"]", &["card at /0"]);
    check(
        "{\"4111111111111111\":{\"iban\":\"DE89370400440532013000\"}}",
        "{\"************1111\":{\"iban\":\"******************3000\"}}",
        &["card at /************1111", "iban at /************1111/iban"],
    );
    check(
        "{\"a/b\":{\"c~d\":\"4111111111111111\"}}",
        "{\"a/b\":{\"c~d\":\"************1111\"}}",
        &["card at /a~1b/c~0d"],
    );
    check(
        "{\"a\":\"\\\"4111111111111111\\\"\"}",
        "{\"a\":\"\\\"************1111\\\"\"}",
        &["card at /a"],
    );
}

#[test]
fn values_in_text_are_masked_in_place() {
    check("<td>4111-1111-1111-1111</td>", "<td>****-****-****-1111</td>", &["card at byte 4"]);
    check("{\"a\": 4111111111111111", "{\"a\": ************1111", &["card at byte 6"]);
    let all = masked("pay to DE89 3704 0044 0532 0130 00 now", Mask::All);
    assert_eq!(all.bytes.unwrap(), b"pay to *************************** now");
}

#[test]
fn what_is_not_found_stays_byte_for_byte() {
    for text in ["{\"a\" : 1e3 ,\"b\":\"\\/\"}", "plain", "[1763862000123456]", "\u{feff}{}"] {
        let masked = masked(text, Mask::All);
        assert!(masked.bytes.is_none() && masked.found.is_empty(), "{text}");
    }
}

#[test]
fn the_stricter_class_decides() {
    let scanner = Scanner::new().unwrap();
    let detectors = [Detector::Card].into_iter().collect();
    let last = Detect { detectors, mask: Mask::Last4, refuses: false };
    let all = Detect { detectors, mask: Mask::All, refuses: true };
    let masked = Masker::new(&scanner, &[last, all]).run(b"\"4111111111111111\"");
    assert_eq!(
        (masked.bytes.unwrap(), masked.is_refused),
        (b"\"****************\"".to_vec(), true)
    );
}

#[test]
fn of_a_password_not_even_the_end_is_left() {
    let detectors = [Detector::ConnectionString, Detector::Card].into_iter().collect();
    let rules = [Detect { detectors, mask: Mask::Last4, refuses: false }];
    let scanner = Scanner::new().unwrap();
    let masked = Masker::new(&scanner, &rules).run(b"{\"db\":\"pg://shop:ab12@db/shop\"}");
    let text = String::from_utf8(masked.bytes.unwrap()).unwrap();
    assert!(!text.contains("ab12") && !text.contains('2') && text.contains("/shop"), "{text}");
}

#[test]
fn depth_and_places_are_bounded() {
    let nested = |depth: usize| {
        let text = format!("{}4111111111111111{}", "[".repeat(depth), "]".repeat(depth));
        masked(&text, Mask::All)
    };
    assert!(!nested(DEPTH_MAX).is_too_deep && nested(DEPTH_MAX).bytes.is_some());
    let deep = nested(DEPTH_MAX + 1);
    assert!(deep.is_too_deep && deep.bytes.is_none());
    for text in [format!("[{}0]", "4111111111111111,".repeat(200)), "4111111111111111 ".repeat(200)]
    {
        let masked = masked(&text, Mask::All);
        assert_eq!(masked.found.len(), 200, "each one counts");
        assert_eq!(masked.found.iter().filter(|one| !one.place.is_empty()).count(), PLACES_MAX);
        assert!(!masked.bytes.unwrap().windows(4).any(|four| four == b"4111"));
    }
}
