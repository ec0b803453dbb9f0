//! Actions that write collections: `setvar`, `expirevar`, `initcol`.

use crate::cursor::{split_once, trim};
use crate::parse::error::Cause;
use crate::rule::{Change, Effect, MemberName, Store};
use crate::text::Template;

/// `TX.score=+5`, `!TX.score`, `TX.seen`.
pub(crate) fn set_var(value: &[u8]) -> Result<Effect, Cause> {
    if let Some(name) = value.strip_prefix(b"!") {
        return Ok(Effect::SetVar { name: member(name, value)?, change: Change::Delete });
    }
    let Some((name, text)) = split_once(value, b'=') else {
        let change = Change::Set(Template::parse(b"1"));
        return Ok(Effect::SetVar { name: member(value, value)?, change });
    };
    let change = match text.split_first() {
        Some((b'+', amount)) => Change::Add(Template::parse(amount)),
        Some((b'-', amount)) => Change::Subtract(Template::parse(amount)),
        _ => Change::Set(Template::parse(text)),
    };
    Ok(Effect::SetVar { name: member(name, value)?, change })
}

/// `IP.blocked=60`.
pub(crate) fn expire_var(value: &[u8]) -> Result<Effect, Cause> {
    let Some((name, seconds)) = split_once(value, b'=') else {
        return Err(Cause::bad_value("expirevar", value));
    };
    Ok(Effect::ExpireVar { name: member(name, value)?, seconds: Template::parse(seconds) })
}

/// `ip=%{REMOTE_ADDR}`.
pub(crate) fn init_collection(value: &[u8]) -> Result<Effect, Cause> {
    let parts = split_once(value, b'=');
    let store = parts.and_then(|(name, _)| store(trim(name)));
    match (parts, store) {
        (Some((_, key)), Some(collection)) if collection != Store::Tx => {
            Ok(Effect::InitCollection { collection, key: Template::parse(key) })
        }
        _ => Err(Cause::bad_value("initcol", value)),
    }
}

/// `setsid:KEY` and its kin: the collection is in the action's name.
pub(crate) fn init_named(collection: &str, key: &[u8]) -> Effect {
    let collection = store(collection.as_bytes()).unwrap_or(Store::Session);
    Effect::InitCollection { collection, key: Template::parse(key) }
}

fn member(name: &[u8], whole: &[u8]) -> Result<MemberName, Cause> {
    let split = split_once(trim(name), b'.');
    let found = split.and_then(|(collection, key)| Some((store(collection)?, key)));
    match found {
        Some((store, key)) if !key.is_empty() => {
            Ok(MemberName { store, key: Template::parse(key), slot: None })
        }
        _ => Err(Cause::bad_value("a member of a collection that rules may write", whole)),
    }
}

fn store(name: &[u8]) -> Option<Store> {
    match name.to_ascii_lowercase().as_slice() {
        b"global" => Some(Store::Global),
        b"ip" => Some(Store::Ip),
        b"resource" => Some(Store::Resource),
        b"session" => Some(Store::Session),
        b"tx" => Some(Store::Tx),
        b"user" => Some(Store::User),
        _ => None,
    }
}
