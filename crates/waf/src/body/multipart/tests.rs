use super::*;

const TYPE: &[u8] = b"multipart/form-data; boundary=XX";

/// `|` stands for CRLF.
fn read(content_type: &[u8], body: &str, check: impl FnOnce(&Parsed<'_>)) {
    let arena = Arena::new();
    let body = body.replace('|', "\r\n");
    check(&parse(content_type, body.as_bytes(), &arena, 10));
}

#[test]
fn fields_and_files_are_told_apart() {
    let body = "--XX|Content-Disposition: form-data; name=\"a\"||1|2|--XX|\
                Content-Disposition: form-data; name=\"f\"; filename=\"x\\\"y.txt\"|\
                Content-Type: text/plain||data|--XX--|";
    read(TYPE, body, |parsed| {
        assert_eq!((parsed.error, parsed.flags.is_strict_error()), (None, false));
        let [field, file] = parsed.parts.as_slice() else { panic!("{parsed:?}") };
        assert_eq!((field.name, field.filename, field.value), (&b"a"[..], None, &b"1\r\n2"[..]));
        assert_eq!((file.filename, file.value), (Some(&b"x\"y.txt"[..]), &b"data"[..]));
        assert_eq!(file.headers.last(), Some(&&b"Content-Type: text/plain"[..]));
        assert!(parsed.flags.crlf_line && !parsed.flags.lf_line);
    });
    read(TYPE, "--XX|Content-Disposition: form-data; name=a||1|--XX--", |parsed| {
        assert_eq!((parsed.error, parsed.parts.len()), (None, 1));
    });
}

#[track_caller]
fn flagged(content_type: &str, body: &str, set: impl Fn(&mut Flags)) {
    read(content_type.as_bytes(), body, |parsed| {
        let mut want = Flags { crlf_line: parsed.flags.crlf_line, ..Flags::default() };
        set(&mut want);
        assert_eq!(parsed.flags, want, "{:?}", parsed.error);
    });
}

#[test]
fn oddities_are_flagged() {
    const GOOD: &str = "--XX|Content-Disposition: form-data; name=\"a\"||1|--XX--|";
    let plain = "multipart/form-data; boundary=XX";
    flagged("multipart/form-data; boundary=\"XX\"", GOOD, |flags| flags.boundary_quoted = true);
    flagged("multipart/form-data; boundary =XX", GOOD, |flags| flags.boundary_whitespace = true);
    flagged("multipart/form-data boundary=XX", GOOD, |flags| flags.missing_semicolon = true);
    flagged(plain, &format!("x|{GOOD}"), |flags| flags.data_before = true);
    flagged(plain, &format!("{GOOD}x"), |flags| flags.data_after = true);
    flagged(plain, &GOOD.replace("; name", ";|\t name"), |flags| flags.header_folding = true);
    flagged(plain, &GOOD.replace("||1|", "||1\n"), |flags| flags.lf_line = true);
    flagged(plain, &GOOD.replace('"', "'"), |flags| flags.invalid_quoting = true);
    flagged(plain, &GOOD.replace("|1|", "|1 --XX|"), |flags| flags.unmatched_boundary = true);
    flagged(plain, &GOOD.replace("|1|", "|--YYZ|"), |flags| flags.unmatched_boundary = true);
    flagged(plain, "--XX|--XX--|", |flags| {
        flags.invalid_part = true;
        flags.error = true;
    });
}

#[test]
fn what_has_two_readings_is_an_error() {
    let wrong_types = [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; Boundary=XX",
        "multipart/form-data; boundary=XX; boundary=YY",
        "multipart/form-data; boundary=\"XX",
        "multipart/form-data; x=y; boundary=XX",
        "multipart/form-data; boundary=X{X",
        "multipart/mixed; boundary=XX",
    ];
    for wrong in wrong_types {
        read(wrong.as_bytes(), "--XX|", |parsed| assert!(parsed.error.is_some(), "{wrong}"));
    }
    let part = "Content-Disposition: form-data; name=\"a\"";
    let wrong_bodies = [
        "x".to_owned(),
        format!("--XX|{part}||1|"),
        format!("--XX|{part}; name=\"b\"||1|--XX--|"),
        format!("--XX|{part}; filename*=utf-8''x||1|--XX--|"),
        format!("--XX|{part}|{part}||1|--XX--|"),
        "--XX|X: y||1|--XX--|".to_owned(),
        "--XX|X||1|--XX--|".to_owned(),
        format!("--XX|{part}||1|-- XX--|"),
        format!("--XX|{part}||1|--XXY|"),
        "--XX|Content-Disposition: form-data; filename=\"a\"||1|--XX--|".to_owned(),
    ];
    for wrong in wrong_bodies {
        read(TYPE, &wrong, |parsed| {
            assert!(parsed.error.is_some() && parsed.flags.error, "{wrong}");
        });
    }
}

#[test]
fn an_unfinished_part_is_judged_too() {
    read(TYPE, "--XX|Content-Disposition: form-data; name=\"a\"||evil", |parsed| {
        assert_eq!(parsed.parts.first().map(|part| part.value), Some(&b"evil"[..]));
    });
}
