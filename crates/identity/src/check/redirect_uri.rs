//! Where a person may be sent back to. Before this check errors go to the person; after it, to the
//! client: the error's constructor needs the [`Redirect`] that only this check makes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Reply, see_other};
use crate::clients::Client;
use crate::form::Form;

/// A registered address of a client. To hold one is to have the proof.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Redirect {
    uri: String,
    state: Option<String>,
}

/// The request's redirect URI, if it is one of the client's, byte by byte.
pub(crate) fn redirect_uri(client: &Client, form: &Form) -> Option<Redirect> {
    // Required even when only one is registered (RFC 9700): nothing is left to guess.
    let asked = form.get("redirect_uri")?;
    let registered = &client.settings.redirect_uris;
    if !registered.iter().any(|known| known == asked || is_same_loopback(known, asked)) {
        return None;
    }
    // An oversized state is not echoed; the request is refused right after.
    let state = form.get("state").filter(|state| state.len() <= STATE_BYTES_MAX);
    Some(Redirect { uri: asked.to_owned(), state: state.map(str::to_owned) })
}

impl Redirect {
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Sends the browser back with these parameters, `state` and `iss` (RFC 9207).
    pub(crate) fn reply(&self, issuer: &str, parameters: &[(&str, &str)]) -> Reply {
        let state = self.state.as_deref().map(|state| ("state", state));
        let parameters = parameters.iter().copied().chain(state).chain([("iss", issuer)]);
        see_other(&with_parameters(&self.uri, parameters))
    }
}

/// An address with these parameters after those that it has. They stay what they are: nothing in
/// them ends one of them.
pub(crate) fn with_parameters<'a>(
    uri: &str,
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut location = uri.to_owned();
    let mut separator = if uri.contains('?') { '&' } else { '?' };
    for (name, value) in parameters {
        location.push(separator);
        location.push_str(name);
        location.push('=');
        location.extend(utf8_percent_encode(value, ESCAPED));
        separator = '&';
    }
    location
}

/// RFC 8252 section 7.3: a native application listens on any port of the loopback address.
fn is_same_loopback(known: &str, asked: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]"].into_iter().any(|origin| {
        let paths = (known.strip_prefix(origin), asked.strip_prefix(origin));
        matches!(paths, (Some(known), Some(asked))
            if path_after_port(known).is_some() && path_after_port(known) == path_after_port(asked))
    })
}

/// What follows `:PORT`, if nothing but digits stands there.
fn path_after_port(rest: &str) -> Option<&str> {
    let Some(rest) = rest.strip_prefix(':') else {
        return (rest.is_empty() || rest.starts_with('/')).then_some(rest);
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (port, path) = rest.split_at_checked(digits)?;
    let is_port = port.parse::<u16>().is_ok_and(|port| port != 0);
    (is_port && (path.is_empty() || path.starts_with('/'))).then_some(path)
}

pub(crate) const STATE_BYTES_MAX: usize = 512;

/// All but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
