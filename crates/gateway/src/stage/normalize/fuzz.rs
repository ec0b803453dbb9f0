//! What a search for counter-examples looks for: a request with two readings that passes.

use http::{HeaderName, HeaderValue, Request};
use ringwall_net::{Body, Door, Peer};

use super::{Normal, Normalize, SESSION_COOKIE, Settings};

/// Method, target and fields in lines, as the framing guard leaves them. What passes has one reading:
/// it passes again unchanged, its path has no dot segment, separator or escape left, and nothing of
/// it is ours to say.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    for settings in [edge(), Settings::Inner] {
        let Some(request) = request(data) else { return };
        let normalize = Normalize::new(settings.clone());
        let peer = || Peer::new(([127, 0, 0, 1], 9).into(), Door::Edge, None);
        let Ok(first) = normalize.run(&peer(), request.into()) else { continue };
        check(&first, &settings);
        let (path, host) = (first.path().to_owned(), first.host().to_owned());
        let (again, _) = first.into_request();
        let (uri, fields) = (again.uri().clone(), again.headers().clone());
        let second = normalize.run(&peer(), again);
        assert!(second.is_ok(), "what was normal is refused: {path}");
        if let Ok(second) = second {
            assert_eq!((second.path(), second.host()), (&*path, &*host), "another reading");
            let (request, _) = second.into_request();
            assert_eq!((request.uri(), request.headers()), (&uri, &fields), "it changes again");
        }
    }
}

fn check(normal: &Normal, settings: &Settings) {
    let path = normal.path();
    assert!(path.starts_with('/') && normal.raw_path().starts_with('/'), "{path}");
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        assert!(!segment.is_empty() || segments.peek().is_none(), "an empty segment: {path}");
        assert!(segment != "." && segment != "..", "a dot segment: {path}");
    }
    assert!(!path.contains(['\\', '%', ';', '#', '?']), "a second reading: {path}");
    assert!(!path.contains(|c: char| c.is_ascii_control()), "a control character: {path:?}");
    for (name, value) in normal.fields() {
        let name = name.as_str();
        assert!(!name.starts_with("ringwall-"), "a field of ours: {name}");
        assert!(!["connection", "te", "keep-alive"].contains(&name), "hop by hop: {name}");
        if name == "cookie" && *settings != Settings::Inner {
            let text = String::from_utf8_lossy(value.as_bytes());
            let names = text.split(';').map(|pair| pair.split('=').next().unwrap_or_default());
            let is_ours = |name: &str| name.trim_matches([' ', '\t']).starts_with(SESSION_COOKIE);
            assert!(!names.into_iter().any(is_ours), "a cookie of ours passes: {text}");
        }
    }
}

/// `None` for what no framing guard lets through.
fn request(data: &[u8]) -> Option<Request<Body>> {
    let mut lines = data.split(|byte| *byte == b'\n');
    let method = http::Method::from_bytes(lines.next()?).ok()?;
    let target = http::Uri::try_from(lines.next()?).ok()?;
    let mut request = Request::new(Body::Empty);
    (*request.method_mut(), *request.uri_mut()) = (method, target);
    for line in lines.take(FIELDS_MAX) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let name = HeaderName::from_bytes(name).ok()?;
        let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

fn edge() -> Settings {
    Settings::Edge { hosts: vec!["a".to_owned()], port: 443 }
}

const FIELDS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEEDS: [&str; 9] = [
        "GET\n/a/b?c=d\nhost: a",
        "GET\nhttps://a/%41/%c3%a9\nhost: a\ncookie: x=1; __Host-ringwall=y; z",
        "POST\n/\nhost: a\nconnection: close, x-a\nx-a: 1\nte: trailers\ncontent-length: 3",
        "GET\n/ws\nhost: a\nconnection: Upgrade\nupgrade: websocket\nsec-websocket-key: k",
        "GET\n/a\nhost: a\nringwall-identity: t\nx-forwarded-for: 1\nX_Forwarded_For: 2",
        "GET\n/a\nhost: a\nrange: bytes=0-1,2-3,4-5,6-7,8-9,10-11\nforwarded: for=1",
        "GET\n/%2e%2e/a\nhost: a",
        "OPTIONS\n*\nhost: a",
        "GET\n/a\nhost: a\ncookie: x=1; __Host-ringwall =y; z",
    ];

    #[test]
    fn seeds_hold() {
        for seed in SEEDS {
            fuzz(seed.as_bytes());
        }
        let passes = |seed: &str| {
            let peer = Peer::new(([127, 0, 0, 1], 9).into(), Door::Edge, None);
            let request = request(seed.as_bytes()).unwrap();
            Normalize::new(edge()).run(&peer, request.into()).is_ok()
        };
        assert!(
            SEEDS[..4].iter().all(|seed| passes(seed)),
            "the good ones get as far as the checks"
        );
        assert!(SEEDS[6..].iter().all(|seed| !passes(seed)));
    }

    proptest! {
        #[test]
        fn changed_seeds_hold(
            which in 0..SEEDS.len(),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..8),
        ) {
            let mut bytes = SEEDS[which].as_bytes().to_vec();
            for (at, byte, how) in cuts {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    2 => bytes.insert(at, b"%./\\;:,= \t"[usize::from(byte) % 10]),
                    _ => drop((bytes.len() > 1).then(|| bytes.remove(at))),
                }
            }
            fuzz(&bytes);
        }
    }
}
