//! Which bytes a transformation can do anything about: a value without them stays as it is.
//!
//! INVARIANT (sound): a transformation none of whose [`Acts`] are in a value leaves it alone.

use crate::transform::Transformation;

/// A set of reasons why a value may change.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Acts(u32);

impl Acts {
    /// Capital letters, where all that happens to them is that they become small ones.
    pub(crate) const CASE: Self = Self(1);
    const AMPERSAND: Self = Self(1 << 1);
    const BACKSLASH: Self = Self(1 << 2);
    const COMMAND: Self = Self(1 << 3);
    const HIGH: Self = Self(1 << 4);
    const NUL: Self = Self(1 << 5);
    const PATH: Self = Self(1 << 6);
    const PERCENT: Self = Self(1 << 7);
    const SIGN: Self = Self(1 << 8);
    const STAR: Self = Self(1 << 9);
    const WHITE: Self = Self(1 << 10);
    const X: Self = Self(1 << 11);
    /// A dot changes nothing but beside a slash; see [`Acts::of_value`].
    const DOT: Self = Self(1 << 12);
    /// Whatever the value is.
    const ANY: Self = Self(1 << 31);

    /// What a value of these bytes gives reason for; to be joined for all of its bytes.
    pub(crate) fn of_byte(byte: u8) -> Self {
        let reasons = [
            (Self::AMPERSAND, byte == b'&'),
            (Self::BACKSLASH, byte == b'\\'),
            (Self::CASE, byte.is_ascii_uppercase()),
            (Self::COMMAND, b"\\\"'^ ,;\t\r\n".contains(&byte)),
            (Self::HIGH, byte >= 0x80),
            (Self::NUL, byte == 0),
            (Self::DOT, byte == b'.'),
            (Self::PATH, byte == b'/'),
            (Self::PERCENT, matches!(byte, b'%' | b'+')),
            (Self::SIGN, matches!(byte, b'-' | b'*' | b'#')),
            (Self::STAR, byte == b'*'),
            (Self::WHITE, matches!(byte, b' ' | b'\t'..=b'\r' | 0xa0)),
            (Self::X, matches!(byte, b'x' | b'X')),
        ];
        let given = reasons.into_iter().filter(|(_, is_given)| *is_given);
        given.fold(Self::of_none(), |acts, (reason, _)| acts.and(reason))
    }

    /// What a value gives reason for whose bytes give reason for `self`. Without a slash it is one
    /// segment of a path, and only `.` alone is none; behind a backslash a dot may be one too.
    pub(crate) fn of_value(self, value: &[u8]) -> Self {
        let is_segment = self.common(Self::PATH.and(Self::BACKSLASH)).is_empty();
        if is_segment && value != b"." { self.without(Self::DOT) } else { self }
    }

    /// What an empty value gives reason for.
    pub(crate) fn of_none() -> Self {
        Self::ANY
    }

    /// What a transformation looks for.
    pub(crate) fn of(step: Transformation) -> Self {
        match step {
            Transformation::CmdLine => Self::COMMAND.and(Self::CASE),
            Transformation::CompressWhitespace
            | Transformation::RemoveWhitespace
            | Transformation::Trim
            | Transformation::TrimLeft
            | Transformation::TrimRight => Self::WHITE,
            Transformation::CssDecode
            | Transformation::EscapeSeqDecode
            | Transformation::JsDecode => Self::BACKSLASH,
            Transformation::HtmlEntityDecode => Self::AMPERSAND,
            Transformation::Lowercase => Self::CASE,
            Transformation::NormalisePath => Self::PATH.and(Self::DOT),
            Transformation::NormalisePathWin => Self::PATH.and(Self::DOT).and(Self::BACKSLASH),
            Transformation::ParityZero7Bit | Transformation::Utf8ToUnicode => Self::HIGH,
            Transformation::RemoveCommentsChar => Self::SIGN,
            Transformation::RemoveNulls | Transformation::ReplaceNulls => Self::NUL,
            Transformation::ReplaceComments => Self::STAR,
            Transformation::SqlHexDecode => Self::X,
            Transformation::UrlDecode | Transformation::UrlDecodeUni => Self::PERCENT,
            Transformation::Base64Decode
            | Transformation::Base64DecodeExt
            | Transformation::Base64Encode
            | Transformation::HexDecode
            | Transformation::HexEncode
            | Transformation::Length
            | Transformation::Md5
            | Transformation::ParityEven7Bit
            | Transformation::ParityOdd7Bit
            | Transformation::RemoveComments
            | Transformation::Sha1
            | Transformation::Uppercase
            | Transformation::UrlEncode => Self::ANY,
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Both sets.
    pub(crate) fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arena::Arena;

    fn acts(value: &[u8]) -> Acts {
        let acts = value.iter().fold(Acts::of_none(), |acts, byte| acts.and(Acts::of_byte(*byte)));
        acts.of_value(value)
    }

    fn check(value: &[u8]) {
        for step in Transformation::all() {
            let arena = Arena::new();
            let got = step.apply(value, &arena, None);
            let common = acts(value).common(Acts::of(step));
            assert!(!common.is_empty() || got.is_none(), "{step:?} changes {value:?} to {got:?}");
            if common == Acts::CASE {
                let is_lower = got == Some(value.to_ascii_lowercase().as_slice());
                assert!(is_lower, "{step:?} changes {value:?} to {got:?}");
            }
        }
    }

    #[test]
    fn a_transformation_leaves_what_it_does_not_look_for() {
        (0..=255).for_each(|byte| {
            check(&[byte]);
            check(&[b'A', byte, byte, b'q']);
            check(&[byte, b'.']);
            check(&[b'.', b'.', byte]);
        });
        check(b"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn so_it_is_for_any_value(
            value in proptest::collection::vec(any::<u8>(), 0..12),
            signs in "[A-Za-z0x%&;/.*#! -]{0,12}",
        ) {
            check(&value);
            check(signs.as_bytes());
        }
    }
}
