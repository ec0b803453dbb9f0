//! Identifiers that sort by time, and the id of a request.

use std::fmt;

use crate::{Entropy, Timestamp};

/// 48 bits of milliseconds, 80 bits of randomness (the ULID specification).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ulid(u128);

impl Ulid {
    /// How much of an id is random.
    pub const RANDOM_BYTES: usize = 10;

    /// Makes a new id.
    ///
    /// # Errors
    /// When the entropy source fails.
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, std::io::Error> {
        let mut random = [0; Self::RANDOM_BYTES];
        entropy.fill(&mut random)?;
        Ok(Self::new(now, random))
    }

    /// From a time, and randomness that was drawn for it alone.
    pub fn new(now: Timestamp, random: [u8; Self::RANDOM_BYTES]) -> Self {
        let mut bytes = [0; 16];
        let (_, low) = bytes.split_at_mut(16 - Self::RANDOM_BYTES);
        low.copy_from_slice(&random);
        let millis = u128::from(now.micros() / 1_000) & 0xffff_ffff_ffff;
        Self(millis << 80 | u128::from_be_bytes(bytes))
    }

    /// From its 128 bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its 128 bits.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// 26 characters of Crockford's base 32, which sort as the time does.
    pub fn text(self) -> [u8; 26] {
        base32(self.0)
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// The id that a client sees in a refusal and an operator gives to `ringwall why`: `r-` and ten
/// characters of base 32 (50 random bits: enough to be unique within the log's retention).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RequestId(u64);

impl RequestId {
    /// From random bits; the lowest 50 are used.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & ((1 << 50) - 1))
    }

    /// Reads what [`fmt::Display`] prints. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("r-").filter(|digits| digits.len() == 10)?;
        digits
            .bytes()
            .try_fold(0_u64, |bits, byte| {
                let value = ALPHABET.iter().position(|known| *known == byte)?;
                Some(bits << 5 | u64::try_from(value).ok()?)
            })
            .map(Self)
    }

    /// What is printed.
    pub fn text(self) -> [u8; 12] {
        let mut text = *b"r-0000000000";
        if let Some((_, digits)) = text.split_first_chunk_mut::<2>() {
            digits.copy_from_slice(&base32::<10>(u128::from(self.0)));
        }
        text
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// The lowest `5 * N` bits.
fn base32<const N: usize>(bits: u128) -> [u8; N] {
    let mut text = [b'0'; N];
    let mut rest = bits;
    for place in text.iter_mut().rev() {
        let value = usize::try_from(rest & 31).unwrap_or(0);
        *place = ALPHABET.get(value).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    text
}

/// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_reads_back_as_it_prints() {
        let id = RequestId::from_bits(0x3_1415_9265_3589);
        assert_eq!(RequestId::parse(&id.to_string()), Some(id));
        assert_eq!(id.to_string().len(), 12);
    }

    #[test]
    fn anything_else_is_no_request_id() {
        for text in [
            "",
            "r-",
            "r-123456789",
            "r-12345678901",
            "x-1234567890",
            "r-123456789u",
            "r-12345678é",
        ] {
            assert_eq!(RequestId::parse(text), None, "{text}");
        }
    }
}
