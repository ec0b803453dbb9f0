//! The chunked coding, RFC 9112 section 7.1, byte by byte outside of the data.

use super::Violation;

/// Where in a chunked body the next byte stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Chunk {
    /// In the size; so many digits were read.
    Size { value: u64, digits: u8 },
    /// In an extension of so many bytes.
    Extension { value: u64, length: u16 },
    /// After the CR of the size line.
    SizeLf { value: u64 },
    /// In the data.
    Data { left: u64 },
    /// After the data.
    DataCr,
    /// After the CR that follows the data.
    DataLf,
    /// The last chunk was read: the trailer section follows.
    Last,
}

impl Chunk {
    pub(super) const START: Self = Self::Size { value: 0, digits: 0 };

    /// Takes bytes of one kind and says how many.
    pub(super) fn step(&mut self, data: &[u8]) -> Result<usize, Violation> {
        if let Self::Data { left } = self {
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX).min(*left);
            *left = left.saturating_sub(length);
            if *left == 0 {
                *self = Self::DataCr;
            }
            return Ok(usize::try_from(length).unwrap_or(data.len()));
        }
        let Some(byte) = data.first() else {
            return Ok(0);
        };
        *self = self.next(*byte)?;
        Ok(1)
    }

    fn next(self, byte: u8) -> Result<Self, Violation> {
        match (self, byte) {
            (Self::Size { digits: 1.., value } | Self::Extension { value, .. }, b'\r') => {
                Ok(Self::SizeLf { value })
            }
            (Self::Size { digits: 1.., value }, b';') => Ok(Self::Extension { value, length: 0 }),
            (Self::Size { value, digits }, byte) => digit(value, digits, byte),
            (Self::Extension { value, length }, b'\t' | b' '..=b'~') if length < EXTENSION_MAX => {
                Ok(Self::Extension { value, length: length.saturating_add(1) })
            }
            (Self::SizeLf { value: 0 }, b'\n') => Ok(Self::Last),
            (Self::SizeLf { value }, b'\n') => Ok(Self::Data { left: value }),
            (Self::DataCr, b'\r') => Ok(Self::DataLf),
            (Self::DataLf, b'\n') => Ok(Self::START),
            (Self::Extension { .. }, b'\n') => Err(Violation::BareLf),
            (
                Self::Extension { .. }
                | Self::SizeLf { .. }
                | Self::Data { .. }
                | Self::DataCr
                | Self::DataLf
                | Self::Last,
                _,
            ) => Err(Violation::ChunkSyntax),
        }
    }
}

fn digit(value: u64, digits: u8, byte: u8) -> Result<Chunk, Violation> {
    let digit = char::from(byte).to_digit(16).ok_or(if byte == b'\n' {
        Violation::BareLf
    } else {
        Violation::ChunkSize
    })?;
    // 15 digits are 2^60 bytes. More may overflow in somebody's arithmetic.
    if digits >= 15 {
        return Err(Violation::ChunkSize);
    }
    Ok(Chunk::Size { value: value << 4 | u64::from(digit), digits: digits.saturating_add(1) })
}

/// Nobody uses extensions; a flood of them is an attack (CVE-2023-39326).
const EXTENSION_MAX: u16 = 256;
