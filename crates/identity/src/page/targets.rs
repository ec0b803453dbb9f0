//! Where a page's forms may lead (`form-action`).
//!
//! Browsers hold it against the redirects that follow a form, too. A login on the way to a client ends at
//! that client's own address, which was registered and is checked.

use crate::answer::AUTHORIZE;
use crate::clients::{Client, ClientTable};
use crate::form::Form;

/// For a form on the way to this client.
pub(crate) fn leaves(client: Option<&Client>) -> &'static str {
    let is_six = client.is_some_and(|client| {
        let settings = &client.settings;
        let mut uris = settings.redirect_uris.iter().chain(&settings.post_logout_uris);
        uris.any(|uri| uri.starts_with("http://[::1]"))
    });
    if is_six { SIX } else { LEAVES }
}

/// For a login that goes on to this path of ours.
pub(crate) fn of_login(clients: &ClientTable, return_to: &str) -> &'static str {
    let Some(rest) = return_to.strip_prefix(AUTHORIZE) else { return HERE };
    let query = rest.strip_prefix('?').unwrap_or_default();
    let query = Form::parse(query.as_bytes()).unwrap_or_default();
    leaves(query.get("client_id").and_then(|id| clients.get(id)).as_deref())
}

pub(crate) const HERE: &str = "'self'";

/// The addresses that clients may have.
const LEAVES: &str = "'self' https: http://127.0.0.1:*";

/// No source names an address of IPv6 (CSP 3 section 2.3.1), and Chromium ignores one that tries: for who
/// registered such a one, only the scheme is left. Where the form leads is still checked here.
const SIX: &str = "'self' https: http:";
