//! Base64url as RFC 7515 wants it: no padding, no whitespace, no stray bits at the end.
//!
//! Two texts that decode to the same bytes are two tokens with one signature, which breaks replay
//! lists and caches. So exactly one text is accepted for any bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Writes bytes without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads what [`encode`] writes, and nothing else.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    // The engine refuses padding, foreign characters and non-zero trailing bits.
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_decodes() {
        assert_eq!(decode("Zm9v"), Some(b"foo".to_vec()));
        assert_eq!(decode("Zg"), Some(b"f".to_vec()));
        assert_eq!(decode(""), Some(Vec::new()));
        for text in ["Zg==", "Zh", "Zm9v\n", " Zm9v", "Zm 9v", "Z", "Zm+v", "Zm/v", "Zm9é"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
