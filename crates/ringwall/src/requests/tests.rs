use super::*;

fn post() -> Request {
    Request {
        method: "POST".to_owned(),
        target: "/a?b=c".to_owned(),
        headers: vec![
            ("Content-Type".to_owned(), b"text/plain".to_vec()),
            ("Host".to_owned(), b"shop.example".to_vec()),
            ("Content-Length".to_owned(), b"2".to_vec()),
        ],
        body: b"hi".to_vec(),
        ..Request::default()
    }
}

#[track_caller]
fn check(file: &str) {
    let mut found = parse(file.as_bytes(), "shop.example").unwrap();
    for one in &mut found {
        one.host = None;
    }
    assert_eq!(found, [post()], "{file}");
}

#[test]
fn one_request_is_the_same_in_every_form() {
    check(
        r#"{"method": "POST", "url": "https://x.example/a?b=c#d", "headers": {"Content-Type": "text/plain"}, "body": "hi"}"#,
    );
    check(
        r#"{"method": "POST", "path": "/a?b=c", "headers": [["Content-Type", "text/plain"]], "body_base64": "aGk="}"#,
    );
    check(
        r#"{"log": {"entries": [{"request": {"method": "POST", "url": "https://x.example/a?b=c",
        "headers": [{"name": ":authority", "value": "x"}, {"name": "Content-Type", "value": "text/plain"}],
        "postData": {"text": "hi"}}}]}}"#,
    );
    check("POST /a?b=c HTTP/1.1\r\nContent-Type: text/plain\r\n\r\nhi\r\n");
    check("POST /a?b=c HTTP/1.1\nContent-Type: text/plain\n\nhi\n---\n");
}

#[test]
fn several_requests_are_several() {
    let raw = "GET / HTTP/1.1\nHost: a\n\n---\nGET /b HTTP/1.1\nHost: a\n\n";
    assert_eq!(parse(raw.as_bytes(), "x").unwrap().len(), 2);
    let lines = "{\"url\": \"/a\"}\n\n{\"url\": \"/b\"}\n";
    assert_eq!(parse(lines.as_bytes(), "x").unwrap().len(), 2);
}

#[test]
fn what_is_no_request_is_said_with_its_place() {
    for (file, why) in [
        ("", "empty"),
        ("hello\n", "no request line"),
        ("GET / HTTP/1.1\nno header\n\n", "no header"),
        ("{\"url\": \"/a\"}\n{\"url\": 1", "line 2 is no JSON"),
        ("{\"method\": \"GET\"}", "line 1"),
    ] {
        let error = format!("{:#}", parse(file.as_bytes(), "x").unwrap_err());
        assert!(error.contains(why), "{file}: {error}");
    }
}

#[test]
fn a_url_without_a_path_has_one() {
    assert_eq!(origin_form("https://a.example"), "/");
    assert_eq!(origin_form("https://a.example?b"), "/?b");
    assert_eq!(origin_form("/a?u=http://b"), "/a?u=http://b");
}

#[test]
fn an_answer_and_a_caller_are_read_where_they_are() {
    let line = r#"{"url": "https://A.example:8443/a", "caller": "ann", "response": {"status": 200,
        "content_type": "application/json", "body": {"a": 1}}}"#
        .replace('\n', " ");
    let har = r#"{"log": {"entries": [{"request": {"url": "https://a.example/a"}, "response":
        {"status": 200, "content": {"mimeType": "application/json", "encoding": "base64",
        "text": "eyJhIjoxfQ=="}}}]}}"#;
    for (file, caller) in [(line.as_str(), Some("ann".to_owned())), (har, None)] {
        let found = parse(file.as_bytes(), "x").unwrap().remove(0);
        let answer = Answer {
            status: 200,
            content_type: Some("application/json".to_owned()),
            body: Some(br#"{"a":1}"#.to_vec()),
        };
        assert_eq!(found.host.as_deref(), Some("a.example"));
        assert_eq!((found.caller, found.answer), (caller, Some(answer)));
    }
    assert!(parse(br#"{"url": "/", "status": "ok"}"#, "x").is_err());
}
