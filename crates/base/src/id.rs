//! Identifiers that sort by time, and the id of a request.

use std::fmt;

use crate::{Entropy, Timestamp};

/// 48 bits of milliseconds, 80 bits of randomness (the ULID specification).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ulid(u128);

impl Ulid {
    /// Makes a new id.
    ///
    /// # Errors
    /// When the entropy source fails.
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, std::io::Error> {
        let mut random = [0_u8; 16];
        let (_, low) = random.split_at_mut(6);
        entropy.fill(low)?;
        let millis = u128::from(now.micros() / 1_000) & 0xffff_ffff_ffff;
        Ok(Self(millis << 80 | u128::from_be_bytes(random)))
    }

    /// From its 128 bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its 128 bits.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

/// 26 characters of Crockford's base 32, which sort as the time does.
impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for index in (0..26).rev() {
            write!(f, "{}", base32(self.0 >> (index * 5)))?;
        }
        Ok(())
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
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("r-")?;
        for index in (0..10).rev() {
            write!(f, "{}", base32(u128::from(self.0 >> (index * 5))))?;
        }
        Ok(())
    }
}

fn base32(bits: u128) -> char {
    usize::try_from(bits & 31)
        .ok()
        .and_then(|index| ALPHABET.get(index))
        .map_or('0', |b| char::from(*b))
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
