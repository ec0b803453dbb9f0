//! Ranges: a request for parts must not cost more than one for the whole.
//!
//! Many or overlapping ranges make a server send one file a thousand times ("Apache killer",
//! CVE-2011-3192). RFC 9110 section 14.2 lets anybody ignore the field, so it is dropped: the
//! client gets the whole, once.

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};

/// Drops a `Range` that asks for too much, or that cannot be read. Whether there was one.
pub(super) fn tame(fields: &mut HeaderMap) -> bool {
    let mut values = fields.get_all(RANGE).iter();
    let is_modest = match (values.next(), values.next()) {
        (None, _) => return false,
        (Some(value), None) => value.to_str().is_ok_and(is_modest),
        (Some(_), Some(_)) => false,
    };
    if !is_modest {
        fields.remove(RANGE);
        // Without the other it says nothing.
        fields.remove(IF_RANGE);
    }
    !is_modest
}

fn is_modest(text: &str) -> bool {
    let Some((unit, list)) = text.split_once('=') else { return false };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return false;
    }
    let mut taken: Vec<(u64, u64)> = Vec::new();
    for part in list.split(',') {
        let Some(range) = range(part.trim()) else { return false };
        let overlaps = taken.iter().any(|(first, last)| range.0 <= *last && *first <= range.1);
        if overlaps || taken.len() >= RANGES_MAX {
            return false;
        }
        taken.push(range);
    }
    true
}

/// First and last byte. The last bytes of a file of unknown length stand at the end of all.
fn range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-')?;
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Some((first, last)),
        (Some(first), None) if last.is_empty() => Some((first, u64::MAX)),
        (None, Some(count)) if first.is_empty() && count > 0 => {
            Some((u64::MAX.saturating_sub(count), u64::MAX))
        }
        _ => None,
    }
}

fn number(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

/// Video players ask for one, PDF readers for a few.
const RANGES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ranges_apart_are_passed_on() {
        for text in ["bytes=0-0", "bytes=0-", "bytes=-500", "Bytes=0-1, 5-6,9-", "bytes=0-1,-1"] {
            assert!(is_modest(text), "{text}");
        }
        let sixteen: Vec<String> = (0..16).map(|at| format!("{0}-{0}", at * 2)).collect();
        assert!(is_modest(&format!("bytes={}", sixteen.join(","))));
    }

    #[test]
    fn what_could_cost_more_than_the_whole_is_dropped() {
        let seventeen: Vec<String> = (0..17).map(|at| format!("{0}-{0}", at * 2)).collect();
        let seventeen = format!("bytes={}", seventeen.join(","));
        for text in [
            seventeen.as_str(),
            "bytes=0-,0-",
            "bytes=0-9,5-6",
            "bytes=5-6,0-9",
            "bytes=-1,-2",
            "bytes=9-0",
            "bytes=-0",
            "bytes=",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=0-1,",
            "lines=0-1",
            "bytes",
        ] {
            assert!(!is_modest(text), "{text}");
        }
        let mut fields = HeaderMap::new();
        fields.append(RANGE, http::HeaderValue::from_static("bytes=0-1"));
        fields.append(RANGE, http::HeaderValue::from_static("bytes=2-3"));
        fields.insert(IF_RANGE, http::HeaderValue::from_static("\"v1\""));
        tame(&mut fields);
        assert!(fields.is_empty());
    }
}
