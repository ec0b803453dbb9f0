use std::io::Read;

use bytes::Bytes;

use super::*;

const LONG: usize = 100_000;

fn text() -> Vec<u8> {
    b"to be or not to be, ".iter().copied().cycle().take(LONG).collect()
}

fn manner(opened: &[&str]) -> Manner {
    let compress = opened.iter().map(|name| (*name).to_owned()).collect();
    let mut model = ringwall_manifest::Model::default();
    model.gateway.compresses = true;
    let service = ringwall_manifest::Service { compress, ..ringwall_manifest::Service::default() };
    Manner::public(&model, &service)
}

fn request(fields: &[(&'static str, &'static str)], path: &str) -> Request<Body> {
    let mut request = Request::new(Body::Empty);
    *request.uri_mut() = path.parse().unwrap();
    for (name, value) in fields {
        request.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    request
}

fn response(media_type: &'static str, more: &[(&'static str, &'static str)]) -> Response<Body> {
    let mut response = Response::new(Body::full(text()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    for (name, value) in more {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

#[track_caller]
fn coding(
    asked: &[(&'static str, &'static str)],
    path: &str,
    mut response: Response<Body>,
) -> Option<String> {
    let asked = [&[("accept-encoding", "gzip")], asked].concat();
    let wish = Wish::of(&request(&asked, path)).unwrap();
    wish.apply(&mut response, &manner(&["opened"]), "op");
    let coding = response.headers().get(CONTENT_ENCODING);
    coding.map(|coding| coding.to_str().unwrap().to_owned())
}

#[test]
fn only_what_cannot_hold_a_secret_is_compressed() {
    let json = || response("application/json", &[]);
    let style = || response("text/css", &[]);
    let gzip = Some("gzip".to_owned());
    assert_eq!(coding(&[], "/x?q=1", json()), gzip);
    assert_eq!(coding(&[("cookie", "a=b")], "/x", json()), None);
    assert_eq!(coding(&[("authorization", "Basic x")], "/x", json()), None);
    assert_eq!(coding(&[], "/x", response("text/html", &[("set-cookie", "csrf=1")])), None);
    assert_eq!(coding(&[("cookie", "a=b")], "/x", style()), gzip);
    assert_eq!(coding(&[("cookie", "a=b")], "/x?q=1", style()), None);
    let wish = Wish::of(&request(&[("accept-encoding", "br"), ("cookie", "a=b")], "/x")).unwrap();
    let mut opened = json();
    wish.apply(&mut opened, &manner(&["op"]), "op");
    assert_eq!(opened.headers()[CONTENT_ENCODING], "br");
}

#[test]
fn what_is_not_one_whole_text_stays() {
    for (media_type, more) in [
        ("image/png", &[][..]),
        ("text/plain", &[("content-range", "bytes 0-1/2")]),
        ("text/plain", &[("cache-control", "public, No-Transform")]),
    ] {
        assert_eq!(coding(&[], "/x", response(media_type, more)), None, "{media_type} {more:?}");
    }
    let encoded = response("text/plain", &[("content-encoding", "br")]);
    assert_eq!(coding(&[], "/x", encoded), Some("br".to_owned()));
    let mut partial = response("text/plain", &[]);
    *partial.status_mut() = StatusCode::PARTIAL_CONTENT;
    assert_eq!(coding(&[], "/x", partial), None);
    let mut short = response("text/plain", &[]);
    *short.body_mut() = Body::full("x".repeat(1_023));
    assert_eq!(coding(&[], "/x", short), None);
}

#[test]
fn an_encoded_answer_says_so() {
    let mut answer = response("text/plain", &[("etag", "\"v1\""), ("content-length", "100000")]);
    answer.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let wish = Wish::of(&request(&[("accept-encoding", "zstd")], "/")).unwrap();
    wish.apply(&mut answer, &manner(&[]), "op");
    let fields = answer.headers();
    assert_eq!(
        (fields[ETAG].as_bytes(), &fields["vary"]),
        (&b"W/\"v1\""[..], &HeaderValue::from_static("accept-encoding"))
    );
    assert!(!fields.contains_key(CONTENT_LENGTH) && !fields.contains_key(ACCEPT_RANGES));
}

async fn encoded(coding: Coding, body: Body) -> Bytes {
    let encoded = Encoded::new(body, coding).ok().unwrap();
    Body::boxed(encoded).collect(10 * LONG).await.unwrap().bytes
}

fn plain(coding: Coding, bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match coding {
        Coding::Brotli => {
            brotli::Decompressor::new(bytes, 4_096).read_to_end(&mut text).unwrap();
        }
        Coding::Gzip => {
            flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
        }
        Coding::Zstd => {
            let mut rest = bytes;
            while !rest.is_empty() {
                let mut frame = ruzstd::decoding::StreamingDecoder::new(&mut rest).unwrap();
                frame.read_to_end(&mut text).unwrap();
            }
        }
    }
    text
}

#[tokio::test(flavor = "current_thread")]
async fn every_coding_gives_the_same_bytes_back() {
    for coding in [Coding::Brotli, Coding::Gzip, Coding::Zstd] {
        let bytes = encoded(coding, Body::full(text())).await;
        assert!(bytes.len() < LONG / 20, "{coding:?}: {}", bytes.len());
        assert!(plain(coding, &bytes) == text(), "{coding:?}");
    }
}

async fn next(encoded: &mut Encoded) -> Bytes {
    let frame = std::future::poll_fn(|cx| {
        http_body::Body::poll_frame(std::pin::Pin::new(&mut *encoded), cx)
    });
    frame.await.unwrap().unwrap().into_data().unwrap()
}

#[tokio::test(flavor = "current_thread")]
async fn an_event_is_not_held_back() {
    for coding in [Coding::Brotli, Coding::Gzip, Coding::Zstd] {
        let (sender, body) = Body::channel(1);
        let mut encoded = Encoded::new(body, coding).ok().unwrap();
        let mut all = Vec::new();
        for event in ["data: one\n\n", "data: two\n\n"] {
            assert!(sender.data(Bytes::from(event)).await);
            all.extend_from_slice(&next(&mut encoded).await);
        }
        drop(sender);
        let rest = Body::boxed(encoded).collect(LONG).await.unwrap().bytes;
        all.extend_from_slice(&rest);
        assert_eq!(plain(coding, &all), b"data: one\n\ndata: two\n\n", "{coding:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_body_that_breaks_off_stays_broken() {
    let (sender, body) = Body::channel(2);
    assert!(sender.data(Bytes::from_static(b"half")).await);
    sender.fail(ringwall_net::BodyError::Refused("test")).await;
    let encoded = Encoded::new(body, Coding::Gzip).ok().unwrap();
    assert!(Body::boxed(encoded).collect(LONG).await.is_err());
}
