use super::*;

fn fields(lines: &[(&str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        fields.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    fields
}

fn names(fields: &HeaderMap) -> Vec<&str> {
    fields.keys().map(HeaderName::as_str).collect()
}

#[test]
fn a_length_has_one_reading() {
    for lines in [
        &[][..],
        &[("content-length", "0")],
        &[("content-length", "12")],
        &[("transfer-encoding", "chunked")],
        &[("transfer-encoding", "Chunked")],
    ] {
        assert_eq!(check_framing(&fields(lines), Version::HTTP_11), Ok(()), "{lines:?}");
    }
    for lines in [
        &[("content-length", "3"), ("transfer-encoding", "chunked")][..],
        &[("content-length", "3"), ("content-length", "3")],
        &[("content-length", "3"), ("content-length", "4")],
        &[("content-length", "3, 3")],
        &[("content-length", "+3")],
        &[("content-length", "-3")],
        &[("content-length", "")],
        &[("content-length", "99999999999999999999")],
        &[("transfer-encoding", "xchunked")],
        &[("transfer-encoding", "chunked, identity")],
        &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
    ] {
        assert!(check_framing(&fields(lines), Version::HTTP_11).is_err(), "{lines:?}");
    }
    let chunked = fields(&[("transfer-encoding", "chunked")]);
    assert!(check_framing(&chunked, Version::HTTP_10).is_err());
    assert!(check_framing(&chunked, Version::HTTP_2).is_err());
}

#[test]
fn a_field_that_decides_stands_once() {
    for name in ["host", "authorization", "content-type", "content-encoding", "origin"] {
        assert!(check_doubles(&fields(&[(name, "a")])).is_ok(), "{name}");
        assert!(check_doubles(&fields(&[(name, "a"), (name, "a")])).is_err(), "{name}");
    }
    assert!(check_doubles(&fields(&[("expect", "100-continue")])).is_ok());
    assert!(check_doubles(&fields(&[("expect", "teapot")])).is_err());
}

#[test]
fn a_hop_ends_here_with_all_that_it_names() {
    let mut lines = fields(&[
        ("connection", "keep-alive, X-Ident"),
        ("x-ident", "1"),
        ("keep-alive", "5"),
        ("te", "trailers"),
        ("accept", "a"),
    ]);
    assert_eq!(end_hop(&mut lines, true), Ok(false));
    assert_eq!(names(&lines), ["accept"]);
}

#[test]
fn connection_cannot_make_a_deciding_field_vanish() {
    for name in [
        "host",
        "Authorization",
        "cookie",
        "content-length",
        "transfer-encoding",
        "Ringwall-Identity",
        "ringwall_identity",
        "x-forwarded-for",
        "a b",
    ] {
        assert!(end_hop(&mut fields(&[("connection", name)]), true).is_err(), "{name}");
    }
}

#[test]
fn only_a_websocket_may_upgrade() {
    let ask = |protocol| fields(&[("connection", "Upgrade"), ("upgrade", protocol)]);
    assert_eq!(end_hop(&mut ask("websocket"), true), Ok(true));
    assert!(end_hop(&mut ask("foo"), true).is_err());
    assert_eq!(end_hop(&mut ask("h2c"), false), Ok(false));
    assert_eq!(end_hop(&mut fields(&[("upgrade", "websocket")]), true), Ok(false));
}

#[test]
fn only_ringwall_says_what_is_ours() {
    let mut lines = fields(&[
        ("Ringwall-Identity", "x"),
        ("RINGWALL-request", "x"),
        ("x-forwarded-for", "x"),
        ("forwarded", "x"),
        ("traceparent", "x"),
        ("x-http-method-override", "DELETE"),
        ("x_ident", "x"),
        ("accept", "x"),
    ]);
    assert_eq!(drop_ours(&mut lines, Origin::Stranger), Ok(()));
    assert_eq!(names(&lines), ["accept"]);
}

#[test]
fn a_service_continues_a_trace_but_cannot_name_itself() {
    let mut lines = fields(&[("ringwall-identity", "x"), ("traceparent", "x")]);
    assert_eq!(drop_ours(&mut lines, Origin::Service), Ok(()));
    assert_eq!(names(&lines), ["traceparent"]);
}

#[test]
fn an_underscore_cannot_stand_for_another_field() {
    for lines in [
        &[("ringwall_identity", "x")][..],
        &[("Ringwall_Identity", "x")],
        &[("ringwall-_x", "x")],
        &[("x_forwarded_for", "x")],
        &[("x-forwarded_for", "x")],
        &[("content_type", "x"), ("content-type", "y")],
    ] {
        assert!(drop_ours(&mut fields(lines), Origin::Service).is_err(), "{lines:?}");
    }
}

#[test]
fn the_session_cookie_is_taken_out_and_the_others_stay() {
    let session = |value: &str| Ok(Taken { session: Some(value.to_owned()), pages: None });
    let mut lines = fields(&[("cookie", "a=1; __Host-ringwall=s; b=2"), ("cookie", "c=3")]);
    assert_eq!(take_cookie(&mut lines, "__Host-ringwall"), session("s"));
    assert_eq!(lines.get(COOKIE).unwrap(), "a=1; b=2; c=3");
    let mut lines = fields(&[("cookie", "__Host-ringwall=s")]);
    assert_eq!(take_cookie(&mut lines, "__Host-ringwall"), session("s"));
    assert!(!lines.contains_key(COOKIE));
    let mut lines = fields(&[("cookie", "__Host-ringwall=s; __Host-ringwall=t")]);
    assert!(take_cookie(&mut lines, "__Host-ringwall").is_err());
    let mut lines = fields(&[("cookie", "x__Host-ringwall=s")]);
    assert_eq!(take_cookie(&mut lines, "__Host-ringwall"), Ok(Taken::default()));
}

#[test]
fn cookies_of_our_own_pages_are_no_services_either() {
    let text = "__Host-ringwall-upstream=j; a=1; __Host-ringwall=s; __Host-ringwall-form =f";
    let mut lines = fields(&[("cookie", text)]);
    let taken = take_cookie(&mut lines, "__Host-ringwall").unwrap();
    assert_eq!(lines.get(COOKIE).unwrap(), "a=1");
    assert_eq!(taken.session.as_deref(), Some("s"));
    assert_eq!(taken.pages.unwrap(), "__Host-ringwall-upstream=j; __Host-ringwall-form =f");
}
