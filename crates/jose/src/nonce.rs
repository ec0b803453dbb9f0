//! Nonces for proofs (RFC 9449 section 8): they say that a proof was made just now, and nobody
//! keeps them. Each is a time and its HMAC.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use ringwall_base::Timestamp;

use crate::base64url;

/// Makes nonces, and knows its own.
pub struct Nonces {
    key: hmac::Key,
}

impl Nonces {
    /// With 32 random bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The nonce of this moment: the same for all clients, another each half minute.
    pub fn current(&self, now: Timestamp) -> String {
        let turn = now.secs().checked_div(TURN.as_secs()).unwrap_or_default().to_be_bytes();
        let tag = hmac::sign(&self.key, &turn);
        let half = tag.as_ref().get(..16).unwrap_or_default();
        base64url::encode([turn.as_slice(), half].concat())
    }

    /// Whether a nonce is of this moment or of the time just before it.
    pub fn accepts(&self, nonce: &str, now: Timestamp) -> bool {
        (0..TURNS_MAX).any(|turns| {
            let then = now.minus(TURN.saturating_mul(turns));
            self.current(then) == nonce
        })
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces(…)")
    }
}

const TURN: Duration = Duration::from_secs(30);
/// A nonce is good for one and a half to two minutes.
const TURNS_MAX: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_a_while_and_to_its_maker_only() {
        let nonces = Nonces::new(&[7; 32]);
        let start = Timestamp::from_secs(1_800_000_000);
        let nonce = nonces.current(start);
        assert!(nonces.accepts(&nonce, start));
        assert!(nonces.accepts(&nonce, start.plus(Duration::from_secs(119))));
        assert!(!nonces.accepts(&nonce, start.plus(Duration::from_mins(2))));
        assert!(!nonces.accepts(&nonce, start.minus(Duration::from_secs(1))), "not before");
        assert!(!Nonces::new(&[8; 32]).accepts(&nonce, start), "another tenant's or server's");
        assert!(!nonces.accepts("", start) && !nonces.accepts(&format!("{nonce}A"), start));
        assert_ne!(nonce, nonces.current(start.plus(TURN)));
    }
}
