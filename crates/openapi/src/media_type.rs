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

/// XML, or a type whose syntax is XML.
pub(crate) fn is_xml(essence: &str) -> bool {
    matches!(essence, "application/xml" | "text/xml") || essence.ends_with("+xml")
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

/// The value of a parameter, without quotes. `Err` when it is there twice, or when what stands there
/// is no list of parameters.
pub(crate) fn parameter(text: &str, name: &str) -> Result<Option<String>, ()> {
    let mut found = None;
    for (key, value) in parameters(text)? {
        if key.eq_ignore_ascii_case(name) && found.replace(value.to_owned()).is_some() {
            return Err(());
        }
    }
    Ok(found)
}

/// A name and a value.
pub(crate) type Pair<'t> = (&'t str, &'t str);

/// Names and values (RFC 9110 section 5.6.6), without quotes. A quoted value with quotes in it, and
/// one that is neither quoted nor a token, has as many readings as there are readers.
pub(crate) fn parameters(text: &str) -> Result<Vec<Pair<'_>>, ()> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(';') {
            rest = after.trim_start();
            continue;
        }
        let (key, after) = rest.split_once('=').ok_or(())?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or(())?,
            None => after.split_at(after.find([';', ' ', '\t']).unwrap_or(after.len())),
        };
        let is_quoted =
            rest.get(key.len().saturating_add(1)..).unwrap_or_default().starts_with('"');
        let is_value = if is_quoted { !value.contains('\\') } else { is_token(value) };
        rest = after.trim_start();
        if !is_token(key) || !is_value || !(rest.is_empty() || rest.starts_with(';')) {
            return Err(());
        }
        found.push((key, value));
    }
    Ok(found)
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Whether a charset is UTF-8: also as MySQL and many a client write it, which means nothing else.
pub(crate) fn is_utf8(charset: &str) -> bool {
    ["utf-8", "utf8"].iter().any(|name| name.eq_ignore_ascii_case(charset))
}
