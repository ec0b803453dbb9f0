//! Which pages of other sites may ask (the Fetch standard): those of registered browser applications.
//!
//! Public clients redirect to their own origin, so that is where their code runs. Nothing here is ever
//! answered by cookie, and credentials are not allowed to cross.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderValue, ORIGIN, VARY,
};
use http::{Method, Request, StatusCode, Uri};

use crate::answer::{Reply, plain};
use crate::clients::{Access, Client};
use crate::identity::House;

/// Who may read an endpoint from another site.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Readers {
    /// Pages for people, and what only servers ask.
    Nobody,
    /// What is no secret: keys and metadata.
    Everybody,
    /// What browser applications ask.
    Applications,
}

/// The answer to a preflight. `None` when it is none, or of a page that may not ask.
pub(crate) fn preflight<B>(house: &House, readers: Readers, request: &Request<B>) -> Option<Reply> {
    if request.method() != Method::OPTIONS
        || !request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    {
        return None;
    }
    let origin = allowed(house, readers, request)?;
    let mut reply = plain(StatusCode::NO_CONTENT, bytes::Bytes::new());
    open(&mut reply, origin);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, dpop"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(reply)
}

/// The origin that may read the answer to a request.
pub(crate) fn allowed<B>(
    house: &House,
    readers: Readers,
    request: &Request<B>,
) -> Option<HeaderValue> {
    let mut origins = request.headers().get_all(ORIGIN).iter();
    let (origin, None) = (origins.next()?, origins.next()) else { return None };
    match readers {
        Readers::Nobody => None,
        Readers::Everybody => Some(HeaderValue::from_static("*")),
        Readers::Applications => {
            house.clients.has_origin(origin.to_str().ok()?).then(|| origin.clone())
        }
    }
}

/// Lets the page read an answer, with what a proof of a key needs (RFC 9449 section 8).
pub(crate) fn open(reply: &mut Reply, origin: HeaderValue) {
    let fields = reply.headers_mut();
    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    fields.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone());
    fields.append(VARY, HeaderValue::from(ORIGIN));
}

/// The origins where a client's code runs in a browser.
pub(crate) fn origins(client: &Client) -> impl Iterator<Item = String> {
    let is_browser = client.settings.access == Access::Public && !client.is_disabled;
    let uris = client.settings.redirect_uris.iter().filter(move |_| is_browser);
    uris.filter_map(|uri| origin_of(&uri.parse().ok()?))
}

/// As browsers write it: in lower case, and without the port that the scheme has anyway.
fn origin_of(uri: &Uri) -> Option<String> {
    let (scheme, host) = (uri.scheme_str()?, uri.host()?.to_ascii_lowercase());
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = uri.port_u16().filter(|port| *port != usual);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{host}{port}"))
}

static EXPOSED: HeaderValue = HeaderValue::from_static("dpop-nonce, retry-after, www-authenticate");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for (uri, origin) in [
            ("https://App.Example/callback?x=1", "https://app.example"),
            ("https://app.example:443/", "https://app.example"),
            ("https://app.example:8443/", "https://app.example:8443"),
            ("http://127.0.0.1:80/x", "http://127.0.0.1"),
            ("http://[::1]:3000/", "http://[::1]:3000"),
        ] {
            assert_eq!(origin_of(&uri.parse().unwrap()).unwrap(), origin, "{uri}");
        }
    }
}
