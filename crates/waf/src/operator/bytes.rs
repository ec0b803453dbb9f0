//! `@validateByteRange`, `@validateUrlEncoding`.

use std::sync::Arc;

use crate::cursor::{Cursor, split_once, trim};
use crate::parse::actions::number;
use crate::parse::error::Cause;

/// A set of bytes.
#[derive(Debug)]
pub(crate) struct ByteSet {
    bits: [u64; 4],
}

impl ByteSet {
    /// The bytes that are not in it.
    pub(crate) fn others(&self) -> [u64; 4] {
        self.bits.map(|word| !word)
    }

    pub(super) fn holds_all(&self, value: &[u8]) -> bool {
        value.iter().all(|byte| {
            let word = self.bits.get(usize::from(byte >> 6)).copied().unwrap_or(0);
            word >> (byte & 63) & 1 == 1
        })
    }
}

/// `9,10,32-126`.
pub(crate) fn byte_range(text: &[u8]) -> Result<Arc<ByteSet>, Cause> {
    let bad = || Cause::bad_value("ranges of bytes, as `9,10,32-126`", text);
    let byte = |text| number(text).and_then(|number| u8::try_from(number).ok()).ok_or_else(bad);
    let mut bits = [0_u64; 4];
    for range in text.split(|byte| *byte == b',') {
        let (first, last) = match split_once(trim(range), b'-') {
            Some((first, last)) => (byte(first)?, byte(last)?),
            None => (byte(range)?, byte(range)?),
        };
        for one in first..=last {
            if let Some(word) = bits.get_mut(usize::from(one >> 6)) {
                *word |= 1 << (one & 63);
            }
        }
    }
    Ok(Arc::new(ByteSet { bits }))
}

/// Whether a `%` has no two hexadecimal digits behind it.
pub(super) fn has_broken_escape(value: &[u8]) -> bool {
    memchr::memchr_iter(b'%', value)
        .any(|at| Cursor::new(value.get(at + 1..).unwrap_or_default()).peek_hex(0, 2).is_none())
}
