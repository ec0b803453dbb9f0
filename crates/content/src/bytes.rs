//! Numbers and places in bytes; nothing here panics.

/// The bytes from `at`, `length` of them.
pub(crate) fn slice(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// The bytes from `at` on; none when that is behind the end.
pub(crate) fn from(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    slice(bytes, at, 2)?.try_into().ok().map(u16::from_le_bytes)
}

pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    slice(bytes, at, 4)?.try_into().ok().map(u32::from_le_bytes)
}

pub(crate) fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    slice(bytes, at, 8)?.try_into().ok().map(u64::from_le_bytes)
}

pub(crate) fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    slice(bytes, at, 2)?.try_into().ok().map(u16::from_be_bytes)
}

pub(crate) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    slice(bytes, at, 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// A number as a place in bytes that are in memory.
pub(crate) fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A length as the number that limits are written in.
pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Whether the bytes begin with `start`, whatever the case of its letters.
pub(crate) fn begins(bytes: &[u8], start: &[u8]) -> bool {
    bytes.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Where `needle`, which begins with `<`, is found, whatever the case of its letters.
pub(crate) fn find_tag(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'<', bytes).find(|at| begins(from(bytes, *at), needle))
}
