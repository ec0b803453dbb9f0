//! Script injection.

pub(crate) fn detect(_value: &[u8]) -> bool {
    false
}
