//! `format`: the ones that are checked. Others say how a value is meant and check nothing.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::node::Data;
use crate::proof::Kind;

/// A format that is checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    Base64Url,
    Byte,
    Date,
    DateTime,
    Email,
    Int32,
    Int64,
    Ipv4,
    Ipv6,
    Time,
    Uri,
    Uuid,
}

impl Format {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "base64url" => Self::Base64Url,
            "byte" => Self::Byte,
            "date" => Self::Date,
            "date-time" => Self::DateTime,
            "email" => Self::Email,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "time" => Self::Time,
            "uri" => Self::Uri,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Base64Url => "base64url",
            Self::Byte => "byte",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Email => "email",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Time => "time",
            Self::Uri => "uri",
            Self::Uuid => "uuid",
        }
    }

    /// What it proves about a text, if it leaves no room for anything else.
    pub(crate) const fn harmless(self) -> Option<Kind> {
        match self {
            Self::Date | Self::DateTime | Self::Time => Some(Kind::Date),
            Self::Ipv4 | Self::Ipv6 => Some(Kind::Ip),
            Self::Uuid => Some(Kind::Uuid),
            // Anything can be written in base64, and an address or URI has room for much.
            Self::Base64Url | Self::Byte | Self::Email | Self::Int32 | Self::Int64 | Self::Uri => {
                None
            }
        }
    }

    /// Whether a value has the format. A format says nothing about values of other types.
    pub(crate) fn accepts(self, data: &Data) -> bool {
        match (self, data) {
            (Self::Int32, Data::Number(number)) => {
                number.as_integer().is_some_and(|integer| i32::try_from(integer).is_ok())
            }
            (Self::Int64, Data::Number(number)) => {
                number.as_integer().is_some_and(|integer| i64::try_from(integer).is_ok())
            }
            (Self::Int32 | Self::Int64, _) => true,
            (_, Data::Text(text)) => self.accepts_text(text),
            _ => true,
        }
    }

    fn accepts_text(self, text: &str) -> bool {
        match self {
            Self::Base64Url => is_base64url(text),
            Self::Byte => is_base64(text),
            Self::Date => is_date(text),
            Self::DateTime => is_date_time(text),
            Self::Email => is_email(text),
            Self::Int32 | Self::Int64 => true,
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Time => is_time(text),
            Self::Uri => is_uri(text),
            Self::Uuid => is_uuid(text),
        }
    }
}

/// RFC 4648 section 4, padded.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len().saturating_sub(body.len());
    text.len().is_multiple_of(4)
        && padding <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// RFC 4648 section 5, with or without padding.
fn is_base64url(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len().saturating_sub(body.len());
    (padding == 0 || (padding <= 2 && text.len().is_multiple_of(4)))
        && body.len() % 4 != 1
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// RFC 3339 `full-date`, a day that exists.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (digits(parts.next(), 4), digits(parts.next(), 2), digits(parts.next(), 2), parts.next())
    else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

fn is_date_time(text: &str) -> bool {
    // RFC 3339 section 5.6: `T` may be lower case, and some write a space.
    text.split_once(['T', 't']).is_some_and(|(date, time)| is_date(date) && is_time(time))
}

/// RFC 3339 `full-time`: an offset is required, and a leap second is at 23:59 UTC.
fn is_time(text: &str) -> bool {
    let Some(at) = text.find(['Z', 'z', '+', '-']) else { return false };
    let Some((clock, zone)) = text.split_at_checked(at) else { return false };
    let offset = match zone {
        "Z" | "z" => Some(0),
        zone => offset(zone),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':');
    let (Some(hour), Some(minute), Some(second), None) =
        (digits(parts.next(), 2), digits(parts.next(), 2), digits(parts.next(), 2), parts.next())
    else {
        return false;
    };
    let Some(offset) = offset else { return false };
    let minutes = i64::from(hour) * 60 + i64::from(minute) - offset;
    let leap = second == 60 && minutes.rem_euclid(24 * 60) == 23 * 60 + 59;
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    hour < 24 && minute < 60 && (second < 60 || leap) && digits
}

/// Minutes of `+05:30`.
fn offset(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(Some(hours), 2)?, digits(Some(minutes), 2)?);
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 60 + i64::from(minutes)))
}

fn digits(text: Option<&str>, length: usize) -> Option<u32> {
    let text = text.filter(|text| text.len() == length)?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Narrower than RFC 5321, wider than what people type: no quotes, no literals.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .chars()
            .all(|letter| letter.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(letter));
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    };
    local_ok && domain.len() <= 253 && domain.split('.').all(label_ok)
}

/// RFC 3986: a scheme, and only the letters that a URI may have.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.bytes();
    let scheme_ok = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let mut bytes = rest.bytes();
    let mut rest_ok = true;
    while let Some(byte) = bytes.next() {
        rest_ok &= match byte {
            b'%' => {
                let mut hex = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                hex() && hex()
            }
            byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte),
        };
    }
    scheme_ok && rest_ok
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
