use super::*;
use crate::Cause;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x01tEXta\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";

fn form(name: &str, media_type: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--x\r\ncontent-disposition: form-data; name=\"photo\"; filename=\"{name}\"\r\n\
         content-type: {media_type}\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--x--\r\n"].concat()
}

fn rule(types: &[&str]) -> Rule {
    Rule { types: types.iter().map(|&one| one.to_owned()).collect(), ..Rule::default() }
}

fn found(body: &[u8], rule: Option<&Rule>) -> Vec<String> {
    let found = check("multipart/form-data; boundary=x", body, rule);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn bytes_name_and_type_say_the_same_thing() {
    let images = rule(&["image/png", "image/jpeg"]);
    let mismatch = ["photo: a file that is not what its name and its type say"];
    for (name, media_type, bytes, want) in [
        ("a.png", "image/png", PNG, &[][..]),
        ("a.png", "application/octet-stream", PNG, &[]),
        ("no-extension", "image/png", PNG, &[]),
        ("a.PNG", "IMAGE/PNG", PNG, &[]),
        ("a.jpg", "image/png", PNG, &mismatch),
        ("a.png", "image/jpeg", PNG, &mismatch),
        ("a.png", "text/html", PNG, &mismatch),
        ("a.html", "image/png", PNG, &mismatch),
    ] {
        assert_eq!(
            found(&form(name, media_type, bytes), Some(&images)),
            want,
            "{name} {media_type}"
        );
    }
    for (bytes, want) in [
        (
            &b"GIF89a"[..],
            "photo: a file whose bytes are image/gif, which the operation does not take",
        ),
        (b"MZ\x90\x00", "photo: a file whose bytes are a program"),
        (
            b"<script>alert(1)</script>",
            "photo: a file whose bytes are text/html, which the operation does not take",
        ),
        (b"\x01\x02\x00", "photo: a file whose bytes are of no kind that the operation takes"),
    ] {
        let got = found(&form("a.png", "image/png", bytes), Some(&images));
        assert_eq!(got.first().map(String::as_str), Some(want));
    }
}

#[test]
fn a_page_is_no_plain_text_and_a_drawing_is_no_mere_image() {
    let text = rule(&["text/plain"]);
    assert!(found(&form("a.txt", "text/plain", b"hello <b>"), Some(&text)).is_empty());
    let page = "photo: a file whose bytes are text/html, which the operation does not take";
    assert_eq!(found(&form("a.txt", "text/plain", b"<html>"), Some(&text)), [page]);
    let drawing = form("a.svg", "image/svg+xml", b"<svg></svg>");
    assert_eq!(found(&drawing, Some(&rule(&["image/*"]))).len(), 1);
    assert!(found(&drawing, Some(&rule(&["image/svg+xml"]))).is_empty());
    assert!(found(&form("a.png", "image/png", PNG), Some(&rule(&["image/*"]))).is_empty());
}

#[test]
fn a_type_that_nobody_knows_is_taken_by_its_word_but_not_for_another_s() {
    let own = rule(&["application/x-mine"]);
    assert!(found(&form("a.mine", "application/x-mine", b"\x01\0"), Some(&own)).is_empty());
    assert_eq!(found(&form("a.mine", "application/x-mine", PNG), Some(&own)).len(), 1);
    assert_eq!(found(&form("a.mine", "application/x-other", b"\x01\0"), Some(&own)).len(), 1);
}

#[test]
fn what_is_taken_by_its_word_has_no_other_s_name() {
    let own = rule(&["model/stl"]);
    let send =
        |name: &str| found(&form(name, "model/stl", b"hi <script>alert(1)</script>"), Some(&own));
    for fine in ["a.stl", "a", "a.txt", "a.json", "a.xml.stl", "a.pdf.stl"] {
        assert!(send(fine).is_empty(), "{fine}");
    }
    for page in ["a.html", "a.SVG", "a.html.stl", "a.xht", "a.js", "a.xml", "a.png", "a.htm ."] {
        let mismatch = "photo: a file that is not what its name and its type say".to_owned();
        assert!(send(page).contains(&mismatch), "{page}");
    }
}

#[test]
fn a_part_that_says_its_type_is_a_file_without_a_name_too() {
    let send = |media_type: &str, bytes: &[u8], rule: Option<&Rule>| {
        let head = format!(
            "--x\r\ncontent-disposition: form-data; name=photo\r\ncontent-type: {media_type}\r\n\r\n"
        );
        found(&[head.as_bytes(), bytes, b"\r\n--x--"].concat(), rule)
    };
    let images = rule(&["image/png"]);
    let nameless = "photo: a file without a name";
    assert_eq!(send("image/png", PNG, Some(&images)), [nameless]);
    let page = "photo: a file whose bytes are text/html, which the operation does not take";
    for media_type in ["application/octet-stream", "application/json", "text/html"] {
        assert_eq!(send(media_type, b"<html>", Some(&images)), [nameless, page], "{media_type}");
    }
    let none = Rule { files_max: Some(0), ..Rule::default() };
    let many = "body: more files than the operation takes";
    assert_eq!(send("image/png", PNG, Some(&none)), [many, nameless]);
    assert_eq!(send("image/png", b"<html>", None).len(), 2, "also where there is no line");
    for media_type in ["application/json", "application/a+json", "text/plain; charset=utf-8"] {
        assert!(send(media_type, b"{\"a\": 1}", Some(&images)).is_empty(), "{media_type}");
    }
    let deep = "[".repeat(1_000);
    let deep = send("application/json", deep.as_bytes(), None);
    assert_eq!(deep, ["photo: JSON that is nested too deeply"]);
}

#[test]
fn a_form_under_another_name_is_a_form() {
    let grades = |body: &[u8]| -> Vec<Grade> {
        check("multipart/mixed; boundary=x", body, None).iter().map(|one| one.grade).collect()
    };
    assert!(is_looked_at("multipart/mixed; boundary=x"));
    assert_eq!(grades(&form("a.php", "image/png", PNG)), [Grade::Strict, Grade::Danger]);
    let two = [b"junk\r\n", form("a.png", "image/png", PNG).as_slice()].concat();
    assert_eq!(grades(&two), [Grade::Strict, Grade::Danger]);
    // Programs send requests in parts so, and mails.
    let batch = b"--x\r\ncontent-type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n\r\n--x--";
    assert_eq!(grades(batch), [Grade::Strict]);
}

#[test]
fn what_passes_leaves_room_for_what_does_not() {
    let drawing =
        b"<?xml-stylesheet href='a'?><!DOCTYPE svg [<!ATTLIST a b CDATA 'c'>]><svg onload='a()'>\
        <script/><a href='javascript:a()'/><set attributeName='onclick'/></svg>";
    let mut body = Vec::new();
    for number in 0..9 {
        let head = format!(
            "--x\r\ncontent-disposition: form-data; name=f{number}; filename=a.svg\r\n\r\n"
        );
        body.extend([head.as_bytes(), drawing, b"\r\n"].concat());
    }
    body.extend(form("a.svg", "image/svg+xml", b"MZ\x90\0"));
    let mut drawings = rule(&["image/svg+xml"]);
    assert!(found(&body, Some(&drawings)).len() > 19, "as many as there may be");
    drawings.passes_active = true;
    let list = found(&body, Some(&drawings));
    assert!(list.contains(&"photo: a file whose bytes are a program".to_owned()), "{list:?}");
}

#[test]
fn sizes_and_numbers_have_a_last_and_a_first() {
    let at = |size, files| Rule {
        file_bytes_max: Some(size),
        files_max: Some(files),
        ..Rule::default()
    };
    let body = form("a.png", "image/png", PNG);
    let size = u64::try_from(PNG.len()).unwrap();
    assert!(found(&body, Some(&at(size, 1))).is_empty());
    assert_eq!(
        found(&body, Some(&at(size - 1, 1))),
        ["photo: a file that is larger than the operation takes"]
    );
    assert_eq!(found(&body, Some(&at(size, 0))), ["body: more files than the operation takes"]);
}

#[test]
fn where_nothing_is_said_only_what_harms_anywhere_is_dangerous() {
    let grades = |name, bytes| -> Vec<Grade> {
        let body = form(name, "image/png", bytes);
        check("multipart/form-data; boundary=x", &body, None).iter().map(|one| one.grade).collect()
    };
    assert!(grades("a.gif", PNG).is_empty());
    assert_eq!(grades("CON.png", PNG), [Grade::Strict]);
    assert_eq!(grades("shell.php.png", PNG), [Grade::Danger]);
    assert_eq!(grades("a.png", b"GIF89a<?php phpinfo();"), [Grade::Danger, Grade::Strict]);
}

#[test]
fn a_page_that_is_said_to_be_an_image_is_dangerous_everywhere() {
    let grades = |media_type, bytes: &[u8]| -> Vec<Grade> {
        check(media_type, bytes, None).iter().map(|one| one.grade).collect()
    };
    for bytes in [&b"<!doctype html><p>"[..], b"<?php 1;", b"MZ\x90\0", b"<svg></svg>"] {
        assert_eq!(grades("image/png", bytes), [Grade::Danger], "{bytes:?}");
    }
    assert!(grades("image/svg+xml", b"<svg></svg>").is_empty());
    assert!(grades("application/octet-stream", b"MZ\x90\0").is_empty());
}

#[test]
fn json_that_is_nested_too_deeply_is_dangerous() {
    let deep = "[".repeat(1_000);
    let found = check("application/problem+json; a=b", deep.as_bytes(), None);
    assert_eq!(found.first().map(|one| one.grade), Some(Grade::Danger));
    assert!(check("application/json", b"[[{}]]", None).is_empty());
}

#[test]
fn what_does_something_passes_only_where_that_is_wanted() {
    let wide = |text: &str| text.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<u8>>();
    let ole = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", wide("_VBA_PROJECT").as_slice()].concat();
    for (media_type, name, bytes, want) in [
        (
            "image/svg+xml",
            "a.svg",
            &b"<svg><script/></svg>"[..],
            "an SVG image with scripts or foreign content",
        ),
        (
            "application/pdf",
            "a.pdf",
            b"%PDF-1.7 << /S /JavaScript >>",
            "a PDF document with scripts",
        ),
        ("text/html", "a.html", b"<p onclick=alert(1)>", "a page with scripts"),
        ("text/html", "a.html", b"<p><a href=' java\nscript:a()'>", "a page with scripts"),
        ("application/msword", "a.doc", &ole, "a document with macros"),
    ] {
        let mut one = rule(&[media_type]);
        let body = form(name, media_type, bytes);
        assert_eq!(found(&body, Some(&one)), [format!("photo: {want}")], "{name}");
        one.passes_active = true;
        assert!(found(&body, Some(&one)).is_empty(), "{name}");
    }
    let page = rule(&["text/html"]);
    let plain =
        form("a.html", "text/html", b"<p class=on><a href='/a?b=1'>on</a><img src='a.png'>");
    assert!(found(&plain, Some(&page)).is_empty());
}

#[test]
fn a_name_may_be_said_twice_when_it_is_one() {
    let images = rule(&["image/png"]);
    let send = |names: &str| {
        let head = format!("--x\r\ncontent-disposition: form-data; name=photo; {names}\r\n\r\n");
        found(&[head.as_bytes(), PNG, b"\r\n--x--\r\n"].concat(), Some(&images))
    };
    for same in [
        "filename=a.png; filename*=UTF-8''a.png",
        "filename=\"ä.png\"; filename*=utf-8''%C3%A4.png",
        // .NET's HttpClient.
        "filename=\"=?utf-8?B?w6QucG5n?=\"; filename*=utf-8''%C3%A4.png",
    ] {
        let list: Vec<String> = send(same);
        assert!(list.is_empty(), "{same}: {list:?}");
    }
    let two = "photo: a file with two names";
    assert_eq!(send("filename=a.png; filename*=UTF-8''b.png"), [two]);
    let hidden = send("filename=\"=?utf-8?B?c2hlbGwucGhw?=\"");
    assert!(hidden.iter().any(|one| one.contains("program that servers run")), "{hidden:?}");
}

#[test]
fn parts_that_are_no_form_are_no_file() {
    let any = Rule::default();
    let found = check("multipart/mixed; boundary=x", b"--x\r\n\r\n1\r\n--x--", Some(&any));
    assert_eq!(found.len(), 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is about time")]
fn heads_of_parts_do_not_take_the_square_of_their_length() {
    let started = std::time::Instant::now();
    let parameters: Vec<String> = (0..1_400).map(|one| format!(";p{one:x}=")).collect();
    let parameters = parameters.concat();
    let part = format!("--x\r\ncontent-disposition: form-data; name=a{parameters}\r\n\r\n\r\n");
    let found = check("multipart/form-data; boundary=x", part.repeat(900).as_bytes(), None);
    assert_eq!(found.len(), 1);
    assert!(started.elapsed().as_secs() < 3, "{:?}", started.elapsed());
}

#[test]
fn a_form_that_two_would_read_in_two_ways_is_dangerous() {
    let found = check("multipart/form-data; boundary=x", b"--y\r\n", None);
    assert_eq!(found.first().map(|one| one.grade), Some(Grade::Danger));
}

#[test]
fn a_field_without_a_file_is_nobody_s_business() {
    let body = b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\n../<?php\r\n--x\r\n\
        content-disposition: form-data; name=f; filename=\"\"\r\ncontent-type: application/octet-stream\r\n\r\n\r\n--x--";
    assert!(found(body, Some(&rule(&["image/png"]))).is_empty());
}

#[test]
fn a_body_may_be_the_file() {
    let images = rule(&["image/png"]);
    assert!(check("image/png", PNG, Some(&images)).is_empty());
    let causes = |found: Vec<Finding>| found.iter().map(|one| one.cause).collect::<Vec<_>>();
    assert_eq!(causes(check("image/png", b"<html>", Some(&images))), [Cause::Type; 2]);
    assert_eq!(check("image/gif", PNG, Some(&images)).len(), 1);
    assert!(is_looked_at("Image/PNG; a=b") && is_looked_at("multipart/form-data; boundary=x"));
    assert!(is_looked_at("application/json") && !is_looked_at("text/plain"));
}

#[test]
fn a_type_has_two_words() {
    assert!(is_type("image/png") && is_type("image/*") && is_type("application/x-a+b.c"));
    assert!(!is_type("image") && !is_type("*/*") && !is_type("image/png; a=b") && !is_type("/png"));
}
