//! The trace that a request belongs to (W3C Trace Context).

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

/// A trace, as a service told us of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Trace {
    /// Never zero.
    pub(crate) id: u128,
    /// Whether whoever began it wants it kept.
    pub(crate) is_sampled: bool,
}

impl Trace {
    /// Reads `traceparent`. `None`, and so a new trace, when there is none or not exactly one that
    /// is well-formed: it may be wrong, but no request fails by it.
    pub(crate) fn read(fields: &HeaderMap) -> Option<Self> {
        let mut values = fields.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        parse(value)
    }

    /// The field for the next hop, which this span is the parent of.
    pub(crate) fn parent(self, span: u64) -> [u8; LENGTH] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let (id, rest) = text.split_at_mut(36);
        let (span_at, flags) = rest.split_at_mut(17);
        hex(self.id, id.get_mut(3..35).unwrap_or_default());
        // An all-zero id is invalid; one in 2^64 is mended.
        hex(span.max(1).into(), span_at.get_mut(..16).unwrap_or_default());
        hex(u128::from(self.is_sampled), flags);
        text
    }

    /// The id, as records say it.
    pub(crate) fn text(self) -> [u8; 32] {
        let mut text = [0; 32];
        hex(self.id, &mut text);
        text
    }
}

/// Writes the lowest digits.
fn hex(number: u128, places: &mut [u8]) {
    let mut rest = number;
    for place in places.iter_mut().rev() {
        let digit = u8::try_from(rest & 15).unwrap_or(0);
        *place = if digit < 10 { b'0' } else { b'a' - 10 }.wrapping_add(digit);
        rest >>= 4;
    }
}

fn parse(value: &HeaderValue) -> Option<Trace> {
    let text = value.to_str().ok().filter(|text| text.len() == LENGTH)?;
    let mut parts = text.split('-');
    let version = number(parts.next()?, 2)?;
    let (id, span) = (number(parts.next()?, 32)?, number(parts.next()?, 16)?);
    let flags = number(parts.next()?, 2)?;
    let is_valid = version != 0xff && id != 0 && span != 0 && parts.next().is_none();
    is_valid.then_some(Trace { id, is_sampled: flags & 1 == 1 })
}

/// Lower case only: `from_str_radix` would take upper case and a sign, too.
fn number(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != digits || !is_hex {
        return None;
    }
    // Fits: 32 digits at most.
    u128::from_str_radix(text, 16).ok()
}

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Means nothing without the trace that it came with.
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Of version 00. A later version that says more is a new trace for us.
const LENGTH: usize = 55;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u128, bool)>) {
        let found = parse(&HeaderValue::from_str(text).unwrap());
        assert_eq!(found.map(|trace| (trace.id, trace.is_sampled)), expected, "{text}");
    }

    #[test]
    fn only_a_well_formed_parent_is_continued() {
        let id = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Some((id, true)));
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", Some((id, false)));
        check("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Some((id, true)));
        check("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None);
        check("00-00000000000000000000000000000000-b7ad6b7169203331-01", None);
        check("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", None);
        check("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None);
        check("00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", None);
        check("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", None);
        check("00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01", None);
        check("", None);
    }

    #[test]
    fn two_parents_are_none() {
        let one = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut fields = HeaderMap::new();
        fields.append(TRACEPARENT, HeaderValue::from_static(one));
        let trace = Trace::read(&fields).unwrap();
        let parent = String::from_utf8(trace.parent(0).to_vec()).unwrap();
        assert_eq!(parent, one.replace("b7ad6b7169203331", "0000000000000001"));
        assert_eq!(trace.text(), *b"0af7651916cd43dd8448eb211c80319c");
        let trace = Trace { id: u128::MAX, is_sampled: false };
        let parent = String::from_utf8(trace.parent(u64::MAX).to_vec()).unwrap();
        assert_eq!(parent, format!("00-{}-{}-00", "f".repeat(32), "f".repeat(16)));
        fields.append(TRACEPARENT, HeaderValue::from_static(one));
        assert_eq!(Trace::read(&fields), None);
    }
}
