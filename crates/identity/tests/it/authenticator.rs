//! An authenticator app, written down a second time.

use aws_lc_rs::hmac;
use ringwall_base::Timestamp;

pub(crate) struct Authenticator {
    key: hmac::Key,
}

impl Authenticator {
    /// Reads `otpauth://totp/…?secret=…`.
    pub(crate) fn of(uri: &str) -> Self {
        let (_, rest) = uri.split_once("secret=").unwrap();
        let secret = rest.split('&').next().unwrap();
        // 160 bits: 32 letters of five bits each, in two halves that fit a number.
        let letters = secret.chars().map(|c| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap());
        let letters: Vec<usize> = letters.collect();
        assert_eq!(letters.len(), 32);
        let half = |half: &[usize]| half.iter().fold(0_u128, |all, five| all << 5 | *five as u128);
        let mut bytes = Vec::new();
        for letters in letters.chunks(16) {
            bytes.extend_from_slice(&half(letters).to_be_bytes()[6..]);
        }
        Self { key: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes) }
    }

    /// What it shows at a time.
    pub(crate) fn code(&self, at: Timestamp) -> String {
        let tag = hmac::sign(&self.key, &(at.secs() / 30).to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}
