//! The wire format: tags, numbers, lengths (protobuf.dev, "Encoding").

use crate::violation::{Fault, Kind};

/// The largest number of a field: 29 bits.
pub(crate) const NUMBER_MAX: u32 = (1 << 29) - 1;

/// How a value stands on the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wire {
    Varint,
    Fixed64,
    Length,
    GroupStart,
    GroupEnd,
    Fixed32,
}

/// Reads bytes from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The number of the next field, and how it stands there.
    pub(crate) fn tag(&mut self) -> Result<(u32, Wire), Fault> {
        let before = self.rest.len();
        let tag = self.varint()?;
        let used = before.saturating_sub(self.rest.len());
        let tag = u32::try_from(tag).map_err(|_large| Fault(Kind::Malformed, "field number"))?;
        // Readers take five bytes, ten, or as many as are needed: the shortest form has one reading.
        if used != shortest(tag) {
            return Err(Fault(Kind::Ambiguous, "a tag that is longer than it must be"));
        }
        let number = tag >> 3;
        if number == 0 {
            return Err(Fault(Kind::Malformed, "field number 0"));
        }
        let wire = match tag & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Length,
            3 => Wire::GroupStart,
            4 => Wire::GroupEnd,
            5 => Wire::Fixed32,
            _ => return Err(Fault(Kind::Malformed, "a wire type that does not exist")),
        };
        Ok((number, wire))
    }

    /// A number of at most ten bytes, whose value fits 64 bits.
    pub(crate) fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0_u64;
        for place in 0..VARINT_BYTES_MAX {
            let Some((byte, rest)) = self.rest.split_first() else {
                return Err(Fault(Kind::Malformed, "a number breaks off"));
            };
            self.rest = rest;
            let bits = u64::from(byte & 0x7f);
            if place == VARINT_BYTES_MAX - 1 && bits > 1 {
                return Err(Fault(Kind::Ambiguous, "a number of more than 64 bits"));
            }
            value |= bits << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault(Kind::Malformed, "a number of more than ten bytes"))
    }

    pub(crate) fn fixed32(&mut self) -> Result<[u8; 4], Fault> {
        self.fixed()
    }

    pub(crate) fn fixed64(&mut self) -> Result<[u8; 8], Fault> {
        self.fixed()
    }

    /// Bytes with their length before them.
    pub(crate) fn length(&mut self) -> Result<&'b [u8], Fault> {
        let length = self.varint()?;
        let bytes =
            usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = bytes.ok_or(Fault(Kind::Malformed, "a length beyond the end"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (bytes, rest) =
            self.rest.split_first_chunk().ok_or(Fault(Kind::Malformed, "a number breaks off"))?;
        self.rest = rest;
        Ok(*bytes)
    }
}

const fn shortest(tag: u32) -> usize {
    match tag {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        0x20_0000..=0xfff_ffff => 4,
        _ => 5,
    }
}

/// 64 bits in sevens.
const VARINT_BYTES_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], want: Option<u64>) {
        assert_eq!(Reader::new(bytes).varint().ok(), want, "{bytes:x?}");
    }

    #[test]
    fn numbers_have_ten_bytes_and_64_bits_at_most() {
        check(&[0x96, 0x01], Some(150));
        check(&[0x80, 0x80, 0x00], Some(0));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Some(u64::MAX));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], None);
        check(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], None);
        check(&[0x80], None);
        check(&[], None);
    }

    #[test]
    fn a_tag_has_a_number_a_type_and_one_form() {
        let tag = |bytes: &[u8]| Reader::new(bytes).tag().ok();
        assert_eq!(tag(&[0x08]), Some((1, Wire::Varint)));
        assert_eq!(tag(&[0xfd, 0xff, 0xff, 0xff, 0x0f]), Some((NUMBER_MAX, Wire::Fixed32)));
        assert_eq!(tag(&[0x88, 0x00]), None, "longer than it must be");
        assert_eq!(tag(&[0xf8, 0xff, 0xff, 0xff, 0x1f]), None, "30 bits");
        assert_eq!(tag(&[0x00]), None, "number 0");
        assert_eq!(tag(&[0x0e]), None, "type 6");
        assert_eq!(tag(&[0x0f]), None, "type 7");
    }

    #[test]
    fn a_length_stays_within_its_bytes() {
        assert_eq!(Reader::new(&[2, 7, 8]).length().ok(), Some(&[7, 8][..]));
        assert!(Reader::new(&[3, 7, 8]).length().is_err());
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert!(Reader::new(&huge).length().is_err());
    }
}
