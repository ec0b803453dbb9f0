//! Whose object is it: reading the owner's place that the manifest names.

use std::borrow::Cow;

use ringwall_manifest::{OwnerRule, OwnerValue};
use ringwall_policy::PersonFacts;
use serde_json::Value;

use crate::json;

/// What the owner must be for this person.
pub(crate) fn expected<'a>(rule: &OwnerRule, person: &'a PersonFacts) -> &'a str {
    match rule.equals {
        OwnerValue::Name => &person.name,
        OwnerValue::Subject => &person.subject,
    }
}

/// Whether a query or form names the owner, once.
pub(crate) fn is_in_form(form: &str, name: &str, owner: &str) -> bool {
    let mut values = form
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(key, _value)| decode(key).as_deref() == Some(name))
        .map(|(_key, value)| value);
    // Some readers split at `;` too (HTML 4, appendix B.2.2), and would see other values.
    if form.contains(';') {
        return false;
    }
    // A second value is refused: the service may read that one.
    match (values.next(), values.next()) {
        (Some(value), None) => decode(value).as_deref() == Some(owner),
        _ => false,
    }
}

/// Whether a form is a JSON text too: an app may read it as that, whatever its media type.
pub(crate) fn is_json_too(form: &[u8]) -> bool {
    json::parse(form).is_some()
}

/// Whether a JSON text names the owner at `path`; in a list, every element has to.
pub(crate) fn is_in_json(text: &[u8], path: &str, owner: &str) -> bool {
    json::parse(text).is_some_and(|value| is_at(&value, path, owner))
}

fn is_at(value: &Value, path: &str, owner: &str) -> bool {
    if let Value::Array(items) = value {
        // A list of objects may be empty; a list in the owner's place names nobody.
        if path.is_empty() && items.is_empty() {
            return false;
        }
        return items.iter().all(|item| is_at(item, path, owner));
    }
    if path.is_empty() {
        return match value {
            Value::String(text) => text == owner,
            Value::Number(number) => number.to_string() == owner,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
    }
    let (name, below) = path.split_once('.').unwrap_or((path, ""));
    value.get(name).is_some_and(|inner| is_at(inner, below, owner))
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { text.into() };
    if !spaced.contains('%') {
        return Some(spaced);
    }
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(Cow::Owned(decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_the_owner_once() {
        for form in ["user=a%20b", "x=1&user=a+b", "%75ser=a%20b"] {
            assert!(is_in_form(form, "user", "a b"), "{form}");
        }
        for form in [
            "",
            "user",
            "user=c",
            "user=a+b&user=a+b",
            "user=c&user=a+b",
            "users=a+b",
            "user=a+b&x;user=c",
        ] {
            assert!(!is_in_form(form, "user", "a b"), "{form}");
        }
    }

    #[test]
    fn every_object_of_an_answer_has_the_owner() {
        for (text, path) in [
            (r#"{"user":"7"}"#, "user"),
            (r#"{"user":7}"#, "user"),
            (r#"[{"user":"7"},{"user":"7"}]"#, "user"),
            ("[]", "user"),
            (r#"{"orders":[{"by":{"id":"7"}}]}"#, "orders.by.id"),
        ] {
            assert!(is_in_json(text.as_bytes(), path, "7"), "{text}");
        }
        for (text, path) in [
            ("", "user"),
            ("{}", "user"),
            (r#"{"user":"8"}"#, "user"),
            (r#"{"user":null}"#, "user"),
            (r#"{"user":"7","user":"8"}"#, "user"),
            (r#"[{"user":"7"},{"user":"8"}]"#, "user"),
            (r#"[{"user":"7"},{}]"#, "user"),
            (r#"{"user":{"user":"7"}}"#, "user"),
            (r#"{"user":[]}"#, "user"),
        ] {
            assert!(!is_in_json(text.as_bytes(), path, "7"), "{text}");
        }
    }
}
