//! Public keys that parse but protect nothing.

/// Why a key is refused although it is well formed.
pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Option<&'static str> {
    // `n` has no leading zero octet, so its length is that of the modulus.
    let top = n.first().copied().unwrap_or(0);
    if n.len() < 256 || (n.len() == 256 && top < 0x80) {
        return Some("an RSA modulus under 2048 bits");
    }
    if n.len() > 1024 {
        return Some("an RSA modulus over 8192 bits");
    }
    if n.last().is_none_or(|last| last & 1 == 0) {
        return Some("an even RSA modulus");
    }
    // e = 1 signs everything, e = 3 has a history of forgeries with bad padding checks; every
    // generator in use takes 65537 (FIPS 186-5 appendix A.1.1: 2^16 < e < 2^256).
    if e.len() < 3 || e.len() > 32 || e.last().is_none_or(|last| last & 1 == 0) {
        return Some("an RSA exponent under 65537");
    }
    roca(n).then_some("an RSA key with the ROCA fingerprint")
}

/// CVE-2017-15361: these moduli are powers of 65537 modulo each small prime.
fn roca(n: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let residue = n.iter().fold(0_u32, |acc, byte| {
            (acc.wrapping_mul(256).wrapping_add(u32::from(*byte))).checked_rem(*prime).unwrap_or(0)
        });
        let mut power = 1_u32;
        (0..*prime).any(|_| {
            let hit = power == residue;
            power = power.wrapping_mul(65_537).checked_rem(*prime).unwrap_or(0);
            hit
        })
    })
}

/// An Ed25519 public key of small order verifies one signature for every message, and a `y` that
/// is not reduced is a second spelling of another key (RFC 8032 section 5.1.3).
pub(crate) fn ed25519(key: &[u8; 32]) -> Option<&'static str> {
    let mut y = *key;
    // The top bit is the sign of x, not part of y.
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    // 2^255 - 19 and above: every middle byte is ff, and the lowest is at least ed.
    let [low, middle @ .., high] = &y;
    if *high == 0x7f && *low >= 0xed && middle.iter().all(|byte| *byte == 0xff) {
        return Some("an Ed25519 key that is not canonical");
    }
    SMALL_ORDER_Y.contains(&y).then_some("an Ed25519 key of small order")
}

const ROCA_PRIMES: [u32; 17] =
    [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// The canonical y-coordinates of the eight points of small order.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    // Order 4: y = 0.
    [0; 32],
    // Order 1: y = 1.
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    // Order 2: y = -1.
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    // Order 8.
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];
