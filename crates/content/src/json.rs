//! JSON with one reading: members that come twice are refused, as parsers differ in which one counts.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits::{JSON_DEPTH_MAX, JSON_VALUES_MAX};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Flag,
    List(Vec<Self>),
    Null,
    Number(f64),
    Object(Members),
    Text(String),
}

/// Members by name. A map would take half a kilobyte for each object of one member.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Members(Vec<Member>);

/// Name and value.
type Member = (String, Json);

impl Members {
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        let at = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Json> {
        let at = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads one value and nothing after it. What is nested deeper than 128 levels is refused, and what
/// has more values than a request needs.
pub(crate) fn parse(bytes: &[u8]) -> Option<Json> {
    let left = Cell::new(JSON_VALUES_MAX);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Reader { left: &left }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// Whether a media type is one of JSON documents.
pub(crate) fn is_type(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

/// Whether lists and objects are nested deeper than readers that call themselves can follow.
pub(crate) fn is_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => depth = depth.saturating_add(1),
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > JSON_DEPTH_MAX {
            return true;
        }
    }
    false
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    /// How many values may still come.
    left: &'a Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| D::Error::custom("too much"))?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<Json, E> {
        Ok(Json::Flag)
    }

    #[expect(clippy::cast_precision_loss, reason = "it is compared with limits far below 2^53")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "it is compared with limits far below 2^53")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = access.next_key::<String>()? {
            members.push((name, access.next_value_seed(self)?));
        }
        members.sort_by(|(one, _), (other, _): &(String, Json)| one.cmp(other));
        if members.windows(2).any(|two| matches!(two, [(one, _), (next, _)] if one == next)) {
            return Err(A::Error::custom("a member that comes twice"));
        }
        members.shrink_to_fit();
        Ok(Json::Object(Members(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_comes_twice_is_refused() {
        assert!(parse(br#"{"a": {"b": 1, "c": [true, null, "x", 1.5, -1]}}"#).is_some());
        for text in
            [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"a":{"b":1,"b":1}}]"#, "{} {}"]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse("[".repeat(200).as_bytes()), None);
    }

    #[test]
    fn a_text_is_as_deep_as_its_lists_are() {
        let nested = |levels: usize| "[{\"a\":".repeat(levels / 2);
        assert!(!is_deep(nested(JSON_DEPTH_MAX).as_bytes()));
        assert!(is_deep(format!("{}[", nested(JSON_DEPTH_MAX)).as_bytes()));
        let text = format!(r#"["\"{}"]"#, "[".repeat(JSON_DEPTH_MAX + 1));
        assert!(!is_deep(text.as_bytes()), "brackets in a text are none");
        assert!(!is_deep("[1],".repeat(JSON_DEPTH_MAX + 1).as_bytes()));
    }

    #[test]
    fn a_value_has_a_last_one_in_it() {
        let list = |values: usize| format!("[{}1]", r#"{"a":1},"#.repeat(values / 2 - 1));
        let most = usize::try_from(JSON_VALUES_MAX).unwrap();
        assert!(parse(list(most).as_bytes()).is_some());
        assert!(parse(list(most + 2).as_bytes()).is_none());
    }

    #[test]
    fn members_are_found_by_their_names() {
        let Some(Json::Object(mut members)) = parse(br#"{"b": 1, "a": 2, "c": 3}"#) else {
            panic!("no object");
        };
        assert_eq!(members.get("a"), Some(&Json::Number(2.0)));
        assert_eq!(members.remove("b"), Some(Json::Number(1.0)));
        assert_eq!(members.get("b"), None);
        assert!(
            members.iter().map(|(name, _)| name.as_str()).eq(["a", "c"]) && !members.is_empty()
        );
    }
}
