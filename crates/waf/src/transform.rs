//! Transformations: what a value goes through before the operator sees it.
//!
//! Each gives `None` when it leaves the value as it is, so that nothing is copied for the usual
//! value. Where engines differ, ModSecurity 2 and seclang-spec decide.

mod acts;
mod base64;
mod case;
mod cmd_line;
mod comments;
mod css;
mod digest;
mod escape_seq;
mod hex;
mod html;
mod js;
mod nulls;
mod parity;
mod path;
mod sql_hex;
mod trim;
mod unicode_map;
mod url;
mod utf8;
mod whitespace;

use crate::arena::Arena;
use crate::parse::error::Cause;

pub(crate) use acts::Acts;
pub(crate) use unicode_map::UnicodeMap;

/// A transformation by its name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Transformation {
    Base64Decode,
    Base64DecodeExt,
    Base64Encode,
    CmdLine,
    CompressWhitespace,
    CssDecode,
    EscapeSeqDecode,
    HexDecode,
    HexEncode,
    HtmlEntityDecode,
    JsDecode,
    Length,
    Lowercase,
    Md5,
    NormalisePath,
    NormalisePathWin,
    ParityEven7Bit,
    ParityOdd7Bit,
    ParityZero7Bit,
    RemoveComments,
    RemoveCommentsChar,
    RemoveNulls,
    RemoveWhitespace,
    ReplaceComments,
    ReplaceNulls,
    Sha1,
    SqlHexDecode,
    Trim,
    TrimLeft,
    TrimRight,
    Uppercase,
    UrlDecode,
    UrlDecodeUni,
    UrlEncode,
    Utf8ToUnicode,
}

/// How many there are.
pub(crate) const TRANSFORMATIONS: usize = Transformation::Utf8ToUnicode as usize + 1;

impl Transformation {
    /// Finds one by its name, in any case.
    pub(crate) fn find(name: &[u8]) -> Result<Self, Cause> {
        NAMES
            .iter()
            .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
            .map(|(_, transformation)| *transformation)
            .ok_or_else(|| {
                Cause::unknown("transformation", name, NAMES.iter().map(|(known, _)| *known))
            })
    }

    /// All of them, for the fuzzer.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(_, transformation)| *transformation)
    }

    /// The new value, or `None` when it stays.
    pub(crate) fn apply<'a>(
        self,
        value: &[u8],
        arena: &'a Arena,
        map: Option<&UnicodeMap>,
    ) -> Option<&'a [u8]> {
        let changed = match self {
            Self::Base64Decode => Some(base64::decode(value, arena)),
            Self::Base64DecodeExt => Some(base64::decode_ext(value, arena)),
            Self::Base64Encode => Some(base64::encode(value, arena)),
            Self::CmdLine => cmd_line::normalise(value, arena),
            Self::CompressWhitespace => whitespace::compress(value, arena),
            Self::CssDecode => css::decode(value, arena),
            Self::EscapeSeqDecode => escape_seq::decode(value, arena),
            Self::HexDecode => Some(hex::decode(value, arena)),
            Self::HexEncode => Some(hex::encode(value, arena)),
            Self::HtmlEntityDecode => html::decode(value, arena),
            Self::JsDecode => js::decode(value, arena),
            Self::Length => Some(arena.keep(value.len().to_string().as_bytes())),
            Self::Lowercase => case::lower(value, arena),
            Self::Md5 => Some(arena.keep(&digest::md5(value))),
            Self::NormalisePath => path::normalise(value, arena),
            Self::NormalisePathWin => path::normalise_win(value, arena),
            Self::ParityEven7Bit => Some(parity::even(value, arena)),
            Self::ParityOdd7Bit => Some(parity::odd(value, arena)),
            Self::ParityZero7Bit => parity::zero(value, arena),
            Self::RemoveComments => Some(comments::remove(value, arena)),
            Self::RemoveCommentsChar => comments::remove_signs(value, arena),
            Self::RemoveNulls => nulls::remove(value, arena),
            Self::RemoveWhitespace => whitespace::remove(value, arena),
            Self::ReplaceComments => comments::replace(value, arena),
            Self::ReplaceNulls => nulls::replace(value, arena),
            Self::Sha1 => Some(arena.keep(&digest::sha1(value))),
            Self::SqlHexDecode => sql_hex::decode(value, arena),
            Self::Trim => trim::both(value, arena),
            Self::TrimLeft => trim::left(value, arena),
            Self::TrimRight => trim::right(value, arena),
            Self::Uppercase => case::upper(value, arena),
            Self::UrlDecode => url::decode(value, arena),
            Self::UrlDecodeUni => url::decode_uni(value, arena, map),
            Self::UrlEncode => Some(url::encode(value, arena)),
            Self::Utf8ToUnicode => utf8::to_unicode(value, arena),
        };
        changed.filter(|new| *new != value)
    }
}

pub(crate) use url::{decode_form, decode_path};

const NAMES: &[(&str, Transformation)] = &[
    ("base64Decode", Transformation::Base64Decode),
    ("base64DecodeExt", Transformation::Base64DecodeExt),
    ("base64Encode", Transformation::Base64Encode),
    ("cmdLine", Transformation::CmdLine),
    ("compressWhitespace", Transformation::CompressWhitespace),
    ("cssDecode", Transformation::CssDecode),
    ("escapeSeqDecode", Transformation::EscapeSeqDecode),
    ("hexDecode", Transformation::HexDecode),
    ("hexEncode", Transformation::HexEncode),
    ("htmlEntityDecode", Transformation::HtmlEntityDecode),
    ("jsDecode", Transformation::JsDecode),
    ("length", Transformation::Length),
    ("lowercase", Transformation::Lowercase),
    ("md5", Transformation::Md5),
    ("normalisePath", Transformation::NormalisePath),
    ("normalisePathWin", Transformation::NormalisePathWin),
    ("normalizePath", Transformation::NormalisePath),
    ("normalizePathWin", Transformation::NormalisePathWin),
    ("parityEven7bit", Transformation::ParityEven7Bit),
    ("parityOdd7bit", Transformation::ParityOdd7Bit),
    ("parityZero7bit", Transformation::ParityZero7Bit),
    ("removeComments", Transformation::RemoveComments),
    ("removeCommentsChar", Transformation::RemoveCommentsChar),
    ("removeNulls", Transformation::RemoveNulls),
    ("removeWhitespace", Transformation::RemoveWhitespace),
    ("replaceComments", Transformation::ReplaceComments),
    ("replaceNulls", Transformation::ReplaceNulls),
    ("sha1", Transformation::Sha1),
    ("sqlHexDecode", Transformation::SqlHexDecode),
    ("trim", Transformation::Trim),
    ("trimLeft", Transformation::TrimLeft),
    ("trimRight", Transformation::TrimRight),
    ("uppercase", Transformation::Uppercase),
    ("urlDecode", Transformation::UrlDecode),
    ("urlDecodeUni", Transformation::UrlDecodeUni),
    ("urlEncode", Transformation::UrlEncode),
    ("utf8toUnicode", Transformation::Utf8ToUnicode),
];

#[cfg(test)]
mod tests;
