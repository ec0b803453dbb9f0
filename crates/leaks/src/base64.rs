//! Base64 in the alphabet of URLs, as far as a JSON Web Token needs it.

/// The bytes of a text without padding, if it has no other letters and a length that exists.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for letter in group {
            bits = bits << 6 | u32::from(value(*letter)?);
        }
        let missing = 4 - u32::try_from(group.len()).ok()?;
        let [_, all @ ..] = (bits << (6 * missing)).to_be_bytes();
        bytes.extend(all.iter().take(group.len() - 1));
    }
    Some(bytes)
}

const fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn it_reads_what_another_reader_wrote() {
        for length in 0..40_u8 {
            let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(37)).collect();
            assert_eq!(decode(URL_SAFE_NO_PAD.encode(&bytes).as_bytes()), Some(bytes));
        }
        assert_eq!(decode(b"a"), None);
        assert_eq!(decode(b"ab=="), None);
    }
}
