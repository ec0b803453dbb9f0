//! Media types: which declared one a `Content-Type` is.

/// `type/subtype` in lower case, and the parameters.
pub(crate) fn essence(content_type: &str) -> (String, &str) {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    (essence.trim().to_ascii_lowercase(), parameters)
}

/// `application/json`, or a type whose syntax is JSON.
pub(crate) fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// Whether a declared type or range covers a type; the larger, the closer. `None`: not at all.
pub(crate) fn covers(range: &str, essence: &str) -> Option<u8> {
    if range == essence {
        return Some(2);
    }
    let (kind, _) = essence.split_once('/')?;
    match range.strip_suffix("/*") {
        Some("*") => Some(0),
        Some(range) if range == kind => Some(1),
        _ => None,
    }
}

/// Whether this is no media type at all: whoever gets the bytes guesses what they are.
pub(crate) fn is_untyped(essence: &str) -> bool {
    !essence.contains('/')
}

/// The value of a parameter, without quotes. `Err` when it is there twice.
pub(crate) fn parameter(parameters: &str, name: &str) -> Result<Option<String>, ()> {
    let mut found = None;
    for part in split(parameters) {
        let Some((key, value)) = part.split_once('=') else { continue };
        if key.trim().eq_ignore_ascii_case(name) {
            let value = value.trim();
            let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            if found.replace(bare.unwrap_or(value).to_owned()).is_some() {
                return Err(());
            }
        }
    }
    Ok(found)
}

/// Cuts at each `;` outside quotes.
pub(crate) fn split(parameters: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    parameters.split(move |letter| {
        is_quoted ^= letter == '"';
        letter == ';' && !is_quoted
    })
}
