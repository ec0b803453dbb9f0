//! CBOR as CTAP2 writes it (its section 8), and nothing else: definite lengths, shortest forms, sorted
//! keys that are numbers or texts and stand once, four levels, no tags, no floating point.
//!
//! Whatever has two readings is refused, so that what we verify is what the authenticator meant.

use crate::ceremony::WebauthnError;

/// One value, in the bytes that it was read from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value<'a> {
    Array(Vec<Self>),
    Bool(bool),
    Bytes(&'a [u8]),
    Integer(i64),
    Map(Vec<(Self, Self)>),
    Null,
    Text(&'a str),
}

/// A key and its value.
pub(crate) type Member<'a> = (Value<'a>, Value<'a>);

/// Reads the whole as one value.
pub(crate) fn read(bytes: &[u8]) -> Result<Value<'_>, WebauthnError> {
    let mut rest = bytes;
    let value = take(&mut rest)?;
    if rest.is_empty() { Ok(value) } else { Err(WebauthnError::Cbor) }
}

/// Reads one value; leaves what is behind it.
pub(crate) fn take<'a>(rest: &mut &'a [u8]) -> Result<Value<'a>, WebauthnError> {
    if rest.len() > BYTES_MAX {
        return Err(WebauthnError::Cbor);
    }
    let mut reader = Reader { rest };
    let value = reader.value(DEPTH_MAX).ok_or(WebauthnError::Cbor)?;
    *rest = reader.rest;
    Ok(value)
}

/// The value of a key.
pub(crate) fn member<'m, 'a>(members: &'m [Member<'a>], key: &Value<'_>) -> Option<&'m Value<'a>> {
    members.iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth_left: u32) -> Option<Value<'a>> {
        let (major, argument) = self.head()?;
        match major {
            0 => Some(Value::Integer(i64::try_from(argument).ok()?)),
            // -1 - n, which is the complement of n.
            1 => Some(Value::Integer(!i64::try_from(argument).ok()?)),
            2 => Some(Value::Bytes(self.take(argument)?)),
            3 => Some(Value::Text(str::from_utf8(self.take(argument)?).ok()?)),
            4 => self.array(argument, depth_left.checked_sub(1)?),
            5 => self.map(argument, depth_left.checked_sub(1)?),
            7 => match argument {
                20 => Some(Value::Bool(false)),
                21 => Some(Value::Bool(true)),
                22 => Some(Value::Null),
                _ => None,
            },
            // Tags.
            _ => None,
        }
    }

    fn array(&mut self, count: u64, depth_left: u32) -> Option<Value<'a>> {
        // Not reserved ahead: the count is a stranger's, and each item takes a byte at least.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(self.value(depth_left)?);
        }
        Some(Value::Array(items))
    }

    fn map(&mut self, count: u64, depth_left: u32) -> Option<Value<'a>> {
        let mut members = Vec::new();
        let mut last: Option<Order<'a>> = None;
        for _ in 0..count {
            let before = self.rest;
            let key = self.value(depth_left)?;
            if !matches!(key, Value::Integer(_) | Value::Text(_)) {
                return None;
            }
            let order = order(before.get(..before.len().checked_sub(self.rest.len())?)?)?;
            // Strictly rising: sorted, and none twice.
            if last.replace(order).is_some_and(|last| last >= order) {
                return None;
            }
            members.push((key, self.value(depth_left)?));
        }
        Some(Value::Map(members))
    }

    /// The major type and its argument, in the shortest form.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = self.take(1)?.first().copied()?;
        let (major, short) = (first >> 5, first & 0x1f);
        let (length, least) = match short {
            0..=23 => return Some((major, short.into())),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            // Reserved, and lengths that are not given.
            _ => return None,
        };
        let bytes = self.take(length)?;
        let argument = bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        // For major type 7 these are floating point and values that mean nothing.
        (argument >= least && major != 7).then_some((major, argument))
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(count).ok()?)?;
        self.rest = rest;
        Some(taken)
    }
}

type Order<'a> = (u8, usize, &'a [u8]);

/// CTAP2 section 8: by type, then the shorter, then byte by byte.
fn order(key: &[u8]) -> Option<Order<'_>> {
    Some((key.first()? >> 5, key.len(), key))
}

const BYTES_MAX: usize = 64 * 1024;
const DEPTH_MAX: u32 = 4;

#[cfg(test)]
mod tests;
