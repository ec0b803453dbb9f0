//! Numbers of bank accounts (ISO 13616): the length of the country, and the remainder of 97.

use crate::look::Look;

/// Whether an IBAN begins at the place of the look. It ends where the look stands then.
pub(crate) fn check(look: &mut Look<'_>) -> bool {
    if !look.begins_word(look.at()) {
        return false;
    }
    let (Some(first), Some(second)) = (look.peek(), look.peek_at(1)) else { return false };
    let country = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
    let Ok(at) = COUNTRIES.binary_search_by(|(code, _)| (*code).cmp(&country)) else {
        return false;
    };
    let length = COUNTRIES.get(at).map_or(0, |(_, length)| usize::from(*length));
    let mut text = [0_u8; LENGTH_MAX];
    for at in 0..length {
        // On paper in groups of four.
        if at > 0 && at.is_multiple_of(4) {
            look.takes_one(&[b" ", b"\xc2\xa0"]);
        }
        let Some(byte) = look.peek().filter(u8::is_ascii_alphanumeric) else { return false };
        if matches!(at, 2 | 3) && !byte.is_ascii_digit() {
            return false;
        }
        if let Some(place) = text.get_mut(at) {
            *place = byte.to_ascii_uppercase();
        }
        look.skip(1);
    }
    look.is_end_of_word() && remainder(text.get(..length).unwrap_or_default()) == 1
}

/// ISO 7064, MOD 97-10: the first four characters go to the end, letters count from ten.
fn remainder(text: &[u8]) -> u32 {
    let (head, body) = text.split_at(text.len().min(4));
    body.iter().chain(head).fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
    })
}

const LENGTH_MAX: usize = 33;

type Country = ([u8; 2], u8);

/// The IBAN registry of SWIFT: country and length, sorted.
const COUNTRIES: [Country; 89] = [
    (*b"AD", 24),
    (*b"AE", 23),
    (*b"AL", 28),
    (*b"AT", 20),
    (*b"AZ", 28),
    (*b"BA", 20),
    (*b"BE", 16),
    (*b"BG", 22),
    (*b"BH", 22),
    (*b"BI", 27),
    (*b"BR", 29),
    (*b"BY", 28),
    (*b"CH", 21),
    (*b"CR", 22),
    (*b"CY", 28),
    (*b"CZ", 24),
    (*b"DE", 22),
    (*b"DJ", 27),
    (*b"DK", 18),
    (*b"DO", 28),
    (*b"EE", 20),
    (*b"EG", 29),
    (*b"ES", 24),
    (*b"FI", 18),
    (*b"FK", 18),
    (*b"FO", 18),
    (*b"FR", 27),
    (*b"GB", 22),
    (*b"GE", 22),
    (*b"GI", 23),
    (*b"GL", 18),
    (*b"GR", 27),
    (*b"GT", 28),
    (*b"HN", 28),
    (*b"HR", 21),
    (*b"HU", 28),
    (*b"IE", 22),
    (*b"IL", 23),
    (*b"IQ", 23),
    (*b"IS", 26),
    (*b"IT", 27),
    (*b"JO", 30),
    (*b"KW", 30),
    (*b"KZ", 20),
    (*b"LB", 28),
    (*b"LC", 32),
    (*b"LI", 21),
    (*b"LT", 20),
    (*b"LU", 20),
    (*b"LV", 21),
    (*b"LY", 25),
    (*b"MC", 27),
    (*b"MD", 24),
    (*b"ME", 22),
    (*b"MK", 19),
    (*b"MN", 20),
    (*b"MR", 27),
    (*b"MT", 31),
    (*b"MU", 30),
    (*b"NI", 28),
    (*b"NL", 18),
    (*b"NO", 15),
    (*b"OM", 23),
    (*b"PK", 24),
    (*b"PL", 28),
    (*b"PS", 29),
    (*b"PT", 25),
    (*b"QA", 29),
    (*b"RO", 24),
    (*b"RS", 22),
    (*b"RU", 33),
    (*b"SA", 24),
    (*b"SC", 31),
    (*b"SD", 18),
    (*b"SE", 24),
    (*b"SI", 19),
    (*b"SK", 24),
    (*b"SM", 27),
    (*b"SO", 23),
    (*b"ST", 25),
    (*b"SV", 28),
    (*b"TL", 23),
    (*b"TN", 24),
    (*b"TR", 26),
    (*b"UA", 29),
    (*b"VA", 22),
    (*b"VG", 24),
    (*b"XK", 20),
    (*b"YE", 30),
];
