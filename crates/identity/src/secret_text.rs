//! What secrets of ours look like: a prefix that says which kind, 43 letters of base62, `_`, and their
//! checksum: secret scanners find them, and junk costs no look-up.

/// One of these random bytes.
pub(crate) fn of(prefix: &str, random: &[u8; 64]) -> String {
    // 248 is the last multiple of 62 in a byte: every letter is as likely as any other, and 43 of
    // them are 256 bits. That fewer than 43 of 64 bytes are below it does not happen.
    let letters = random.iter().filter(|byte| **byte < 248).map(|byte| usize::from(*byte) % 62);
    let letters = letters.filter_map(|at| ALPHABET.get(at)).copied().map(char::from);
    let body: String = letters.take(LETTERS).collect();
    summed(&format!("{prefix}{body}"))
}

/// Whether a text is one of this kind by its looks.
pub(crate) fn is_one(prefix: &str, text: &str) -> bool {
    let Some(start) = unsummed(text) else { return false };
    let Some(body) = start.strip_prefix(prefix) else { return false };
    body.len() == LETTERS && body.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A text with its checksum.
pub(crate) fn summed(start: &str) -> String {
    format!("{start}_{}", checksum(start))
}

/// The text before its checksum, if that fits.
pub(crate) fn unsummed(text: &str) -> Option<&str> {
    let (start, sum) = text.rsplit_once('_')?;
    (sum == checksum(start)).then_some(start)
}

/// CRC-32 (ISO-HDLC) in six letters, as others' scanners expect it of such tokens.
fn checksum(text: &str) -> String {
    let crc = text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _bit| {
            let carry = if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            crc >> 1 ^ carry
        })
    });
    let mut rest = usize::try_from(!crc).unwrap_or_default();
    let mut letters = [b'0'; SUM_LETTERS];
    for letter in letters.iter_mut().rev() {
        *letter = ALPHABET.get(rest % 62).copied().unwrap_or_default();
        rest /= 62;
    }
    letters.map(char::from).iter().collect()
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LETTERS: usize = 43;
const SUM_LETTERS: usize = 6;
const POLYNOMIAL: u32 = 0xEDB8_8320;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_one_of_everybody() {
        // The check value of CRC-32/ISO-HDLC is 0xCBF43926: 3,421,780,262.
        let digits = checksum("123456789");
        let value = digits.bytes().fold(0_u64, |sum, letter| {
            let at = ALPHABET.iter().position(|known| *known == letter).unwrap();
            sum * 62 + u64::try_from(at).unwrap()
        });
        assert_eq!(value, 0xCBF4_3926);
    }

    #[test]
    fn j21_only_the_whole_text_is_a_token() {
        let token = of("rwa_", &std::array::from_fn(|at| u8::try_from(at * 3 % 251).unwrap()));
        assert_eq!(token.len(), 4 + 43 + 1 + 6);
        assert!(is_one("rwa_", &token), "{token}");
        for end in 0..token.len() {
            assert!(!is_one("rwa_", token.get(..end).unwrap()), "cut at {end}");
        }
        for other in [
            format!("{token}0"),
            format!("{token} "),
            format!("{token}_"),
            format!("0{token}"),
            format!("{token}{token}"),
            token.to_lowercase(),
            token.to_uppercase(),
            token.replace("rwa_", "rwr_"),
            token.replace("rwa_", "RWA_"),
            token.replacen('3', "4", 1),
            String::new(),
            "rwa__".to_owned(),
        ] {
            assert!(!is_one("rwa_", &other), "{other}");
        }
    }
}
