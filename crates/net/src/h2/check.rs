//! What HTTP/2 leaves open on a request: RFC 9113 section 8 asks the one who passes it on.

use http::header::{
    AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

use crate::guard::has_dot_segment;
use crate::{HeadLimits, Violation};

/// Checks a head. What the frames alone decide (pseudo headers, upper case, `connection`) the
/// library has refused before.
pub(super) fn check(parts: &Parts, limits: &HeadLimits) -> Result<(), Violation> {
    let is_websocket = parts
        .extensions
        .get::<h2::ext::Protocol>()
        .is_some_and(|protocol| protocol.as_str() == "websocket");
    if parts.method == Method::CONNECT && !is_websocket {
        return Err(Violation::Connect);
    }
    check_host(parts)?;
    check_target(parts, limits)?;
    check_size(&parts.headers, limits)?;
    let mut lengths = parts.headers.get_all(CONTENT_LENGTH).iter();
    if lengths.next().is_some() && lengths.next().is_some() {
        return Err(Violation::Lengths);
    }
    // RFC 9113 section 8.2.1: who writes HTTP/1 would cut the space off and read another value.
    let has_space = |value: &[u8]| {
        matches!(value.first(), Some(b' ' | b'\t')) || matches!(value.last(), Some(b' ' | b'\t'))
    };
    if parts.headers.values().any(|value| has_space(value.as_bytes())) {
        return Err(Violation::FieldValue);
    }
    Ok(())
}

fn check_host(parts: &Parts) -> Result<(), Violation> {
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (authority, hosts.next(), hosts.next()) {
        (_, Some(_), Some(_)) => return Err(Violation::Hosts),
        (None, None, None) => return Err(Violation::Host),
        (Some(authority), Some(host), None)
            if !authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()) =>
        {
            return Err(Violation::Authority);
        }
        (Some(_) | None, Some(_) | None, None) | (_, None, Some(_)) => {}
    }
    // RFC 9110 section 4.2.4: user information is for tricking people.
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err(Violation::Authority);
    }
    Ok(())
}

fn check_target(parts: &Parts, limits: &HeadLimits) -> Result<(), Violation> {
    let Some(target) = parts.uri.path_and_query() else { return Err(Violation::StartLine) };
    // RFC 9113 section 8.3.1.
    let is_asterisk = target.as_str() == "*" && parts.method == Method::OPTIONS;
    if !target.path().starts_with('/') && !is_asterisk {
        return Err(Violation::StartLine);
    }
    if target.as_str().len() > limits.uri_bytes_max {
        return Err(Violation::UriTooLong);
    }
    if has_dot_segment(target.path().as_bytes()) {
        return Err(Violation::DotSegment);
    }
    Ok(())
}

fn check_size(headers: &HeaderMap, limits: &HeadLimits) -> Result<(), Violation> {
    // A browser sends each cookie by itself (RFC 9113 section 8.2.3); they are one field.
    if headers.len() > limits.fields_max {
        let cookies = headers.get_all(COOKIE).iter().count();
        if headers.len().saturating_sub(cookies.saturating_sub(1)) > limits.fields_max {
            return Err(Violation::TooManyFields);
        }
    }
    Ok(())
}

/// Checks a trailer section: it may not frame, route or authenticate (RFC 9110 section 6.5.1).
pub(super) fn check_trailers(fields: &HeaderMap) -> Result<(), Violation> {
    if NOT_IN_TRAILERS.iter().any(|name| fields.contains_key(name)) {
        return Err(Violation::Trailer);
    }
    Ok(())
}

const NOT_IN_TRAILERS: [HeaderName; 7] =
    [AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING];

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn checked(uri: &str, fields: &[(&str, &str)]) -> Result<(), Violation> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap().into_parts().0, &HeadLimits::default())
    }

    #[test]
    fn a_request_has_one_host_and_one_path() {
        assert_eq!(checked("https://a/b?c", &[("host", "A")]), Ok(()));
        assert_eq!(checked("/b", &[("host", "a")]), Ok(()));
        assert_eq!(checked("/b", &[]), Err(Violation::Host));
        assert_eq!(checked("https://a/", &[("host", "b")]), Err(Violation::Authority));
        assert_eq!(checked("https://x@a/", &[]), Err(Violation::Authority));
        assert_eq!(checked("/", &[("host", "a"), ("host", "a")]), Err(Violation::Hosts));
        assert_eq!(checked("https://a/b/../c", &[]), Err(Violation::DotSegment));
        assert_eq!(checked("*", &[("host", "a")]), Err(Violation::StartLine));
        let long = format!("https://a/{}", "b".repeat(9_000));
        assert_eq!(checked(&long, &[]), Err(Violation::UriTooLong));
    }

    #[test]
    fn fields_that_http_1_would_read_otherwise_are_refused() {
        assert_eq!(checked("https://a/", &[("x", "b ")]), Err(Violation::FieldValue));
        assert_eq!(checked("https://a/", &[("x", "\tb")]), Err(Violation::FieldValue));
        let twice = [("content-length", "1"), ("content-length", "1")];
        assert_eq!(checked("https://a/", &twice), Err(Violation::Lengths));
        assert_eq!(checked("https://a/", &[("x", "y"); 101]), Err(Violation::TooManyFields));
        assert_eq!(checked("https://a/", &[("cookie", "y=z"); 150]), Ok(()));
    }
}
