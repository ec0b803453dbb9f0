//! What a client asks for is what it registered, or less.

use crate::clients::Client;
use crate::form::Form;

/// The scope as given out: requested, known, each once. `None` when one is not the client's.
pub(crate) fn scope(client: &Client, form: &Form) -> Option<String> {
    let mut scopes: Vec<&str> = Vec::new();
    for asked in form.get("scope").unwrap_or_default().split(' ').filter(|one| !one.is_empty()) {
        if !client.may_have(asked) {
            return None;
        }
        if !scopes.contains(&asked) {
            scopes.push(asked);
        }
    }
    Some(scopes.join(" "))
}
