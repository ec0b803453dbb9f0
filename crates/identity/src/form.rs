//! Parameters of a query or a form: each once (but `resource`), bounded, valid UTF-8.
//!
//! Two `redirect_uri` mean one thing to us and another to the next reader (attack A12).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The largest form or query that we read.
pub(crate) const FORM_BYTES_MAX: usize = 16 * 1024;

/// Decoded parameters.
#[derive(Debug, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

/// Why parameters were not read. One answer for all: the request is malformed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum FormError {
    #[error("a parameter stands twice")]
    Duplicate,
    #[error("the parameters are not encoded properly")]
    Encoding,
    #[error("the parameters are too large")]
    TooLarge,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL section 5.1).
    pub(crate) fn parse(text: &[u8]) -> Result<Self, FormError> {
        if text.len() > FORM_BYTES_MAX {
            return Err(FormError::TooLarge);
        }
        let text = std::str::from_utf8(text).map_err(|_position| FormError::Encoding)?;
        let mut form = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value)?;
            match form.entry(decode(name)?) {
                Entry::Vacant(place) => drop(place.insert(value)),
                // RFC 8707 section 2: one for each place. No address has a space in it.
                Entry::Occupied(mut known) if known.key() == RESOURCE => {
                    known.get_mut().push(' ');
                    known.get_mut().push_str(&value);
                }
                Entry::Occupied(_) => return Err(FormError::Duplicate),
            }
        }
        Ok(Self(form))
    }

    /// Which parameters there are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Without some of the parameters.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Self(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Replaces or adds a parameter.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// As the query of an address.
    pub(crate) fn to_query(&self) -> String {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let values = |name: &str, value: &str| {
            let separator = if name == RESOURCE { ' ' } else { '\0' };
            value.split(separator).map(str::to_owned).collect::<Vec<_>>()
        };
        let pairs = self.0.iter().flat_map(|(name, value)| {
            values(name, value).into_iter().map(move |one| [escaped(name), escaped(&one)].join("="))
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    /// To be kept, and read again by [`Form::from_json`].
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    pub(crate) fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// A parameter. RFC 6749 section 3.1: one without a value counts as left out.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

const RESOURCE: &str = "resource";

pub(crate) fn decode(text: &str) -> Result<String, FormError> {
    // A `%` that starts no escape would be left standing by the decoder.
    let mut escapes = text.split('%');
    escapes.next();
    if !escapes.all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2) {
        return Err(FormError::Encoding);
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(|_position| FormError::Encoding)?
        .into_owned();
    // A NUL ends a string for some readers behind us (attack A13).
    if decoded.contains('\0') { Err(FormError::Encoding) } else { Ok(decoded) }
}
