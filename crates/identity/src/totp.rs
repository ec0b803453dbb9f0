//! Codes of an authenticator app (RFC 6238): HMAC-SHA-1, thirty seconds, six digits.
//!
//! Thirty lines on the crypto library that is here already; `totp-rs` would bring a second HMAC and
//! a second SHA-1, and has no replay guard either. Nothing but these parameters works in every app.

use aws_lc_rs::hmac;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_base::Timestamp;

/// The thirty seconds whose code this is: this one, the one before (the person was typing), or the
/// next (their clock is fast). `None` when it is of none of the three.
pub(crate) fn step_of_code(secret: &[u8], code: &str, now: Timestamp) -> Option<u64> {
    let current = now.secs() / STEP_SECS;
    // All three are looked at: how long it takes tells nothing.
    let near = [current.saturating_sub(1), current, current.saturating_add(1)];
    near.into_iter().filter(|step| matches(&code_at(secret, *step), code)).max()
}

/// The code of one step.
pub(crate) fn code_at(secret: &[u8], step: u64) -> String {
    format!("{:06}", truncated(secret, step) % 1_000_000)
}

/// RFC 4226 section 5.3: four bytes of the MAC, from where its last four bits say.
fn truncated(secret: &[u8], step: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(tag.as_ref().last().copied().unwrap_or_default() & 0xf);
    let four = tag.as_ref().iter().skip(offset).take(4);
    four.fold(0_u32, |value, byte| (value << 8) | u32::from(*byte)) & 0x7fff_ffff
}

fn matches(ours: &str, theirs: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(ours.as_bytes(), theirs.as_bytes()).is_ok()
}

/// What an authenticator app reads from a QR code or a link.
pub(crate) fn uri(host: &str, name: &str, secret: &str) -> String {
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let (host, name) = (escaped(host), escaped(name));
    format!("otpauth://totp/{host}:{name}?secret={secret}&issuer={host}")
}

/// RFC 4648 section 6, without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        held = ((held << 8) | u32::from(*byte)) & 0xffff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(held >> bits));
        }
    }
    if bits > 0 {
        text.push(letter(held << (5 - bits)));
    }
    text
}

fn letter(value: u32) -> char {
    let value = usize::try_from(value & 31).unwrap_or_default();
    ALPHABET.get(value).copied().map_or('A', char::from)
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_SECS: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, SHA-1.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (secs, digits) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000_u64, 65_353_130),
        ] {
            assert_eq!(truncated(SECRET, secs / 30) % 100_000_000, digits);
        }
        assert_eq!(code_at(SECRET, 1_111_111_109 / 30), "081804");
    }

    #[test]
    fn a_code_counts_for_three_steps_and_no_more() {
        let code = code_at(SECRET, 1_000);
        for (step, found) in [
            (998, None),
            (999, Some(1_000)),
            (1_000, Some(1_000)),
            (1_001, Some(1_000)),
            (1_002, None),
        ] {
            assert_eq!(step_of_code(SECRET, &code, Timestamp::from_secs(step * 30)), found);
            assert_eq!(step_of_code(SECRET, &code, Timestamp::from_secs(step * 30 + 29)), found);
        }
        let now = Timestamp::from_secs(30_000);
        for other in ["", "0", "+81804", " 081804", "08180４", "08180", &format!("{code}0")] {
            assert_eq!(step_of_code(SECRET, other, now), None, "{other:?}");
        }
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
