//! Numbers of payment cards: issuer, length and check digit (ISO/IEC 7812-1), as one run of digits or
//! in the groups that are printed on cards.

use crate::look::{Look, is_border};

/// Whether a card number begins at the place of the look. It ends where the look stands then.
pub(crate) fn check(look: &mut Look<'_>) -> bool {
    let start = look.at();
    if !is_edge(look.before(start, 6)) {
        return false;
    }
    let mut number = Digits::default();
    number.read(look);
    let mut end = number.is_card().then(|| look.at());
    let separator = SEPARATORS.into_iter().find(|separator| look.takes(separator));
    if let (4, Some(separator)) = (number.count, separator) {
        while number.groups < GROUPS_MAX && number.read(look) {
            // A date or a check number may follow in a group of its own.
            end = if number.is_card() { Some(look.at()) } else { end };
            if !look.takes(separator) {
                break;
            }
        }
    }
    end.is_some_and(|end| {
        look.back_to(end);
        ends(look)
    })
}

/// The digits, and how they are grouped.
#[derive(Default)]
struct Digits {
    values: [u8; DIGITS_MAX],
    count: usize,
    lengths: [usize; GROUPS_MAX],
    groups: usize,
}

impl Digits {
    fn read(&mut self, look: &mut Look<'_>) -> bool {
        let before = self.count;
        while let Some(digit @ b'0'..=b'9') = look.peek() {
            let Some(place) = self.values.get_mut(self.count) else { break };
            *place = digit - b'0';
            self.count += 1;
            look.skip(1);
        }
        if self.count > before
            && let Some(length) = self.lengths.get_mut(self.groups)
        {
            *length = self.count - before;
            self.groups += 1;
        }
        self.count > before
    }

    fn all(&self) -> &[u8] {
        self.values.get(..self.count).unwrap_or_default()
    }

    fn is_card(&self) -> bool {
        let lengths = self.lengths.get(..self.groups).unwrap_or_default();
        let is_grouped_well =
            matches!(lengths, [_] | [4, 4, 4, 4 | 1] | [4, 4, 4, 4, 3] | [4, 6, 4 | 5] | [4, 4, 5]);
        is_grouped_well && is_issued(self.all()) && luhn(self.all())
    }
}

/// Whether an issuer gives numbers that begin so, in this length.
fn is_issued(digits: &[u8]) -> bool {
    let begin = |count: usize| {
        digits.iter().take(count).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit))
    };
    let length = digits.len();
    match (begin(2), begin(3), begin(4)) {
        // Maestro shares its beginnings with everything: only those that its banks use.
        (_, _, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763) => {
            (12..=19).contains(&length)
        }
        // Visa.
        (40..=49, ..) => matches!(length, 13 | 16 | 19),
        // Mastercard.
        (51..=55, ..) | (_, _, 2221..=2720) => length == 16,
        // American Express.
        (34 | 37, ..) => length == 15,
        // Diners Club.
        (_, 300..=305, _) | (_, _, 3095) | (38 | 39, ..) => matches!(length, 14 | 16),
        (36, ..) => (14..=19).contains(&length),
        // Discover, UnionPay, JCB, Mir.
        (_, _, 6011 | 3528..=3589 | 2200..=2204) | (_, 644..=649, _) | (62 | 65, ..) => {
            (16..=19).contains(&length)
        }
        _ => false,
    }
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Not in a word, a longer number, a fraction, a phone number or a UUID.
fn is_edge(before: &[u8]) -> bool {
    let is_part = match before {
        [.., b'+'] => true,
        [rest @ .., b'.'] => !rest.last().is_some_and(u8::is_ascii_alphabetic),
        [rest @ .., b'-'] => {
            let is_group = |four: &[u8]| four.iter().all(u8::is_ascii_hexdigit);
            rest.last().is_some_and(u8::is_ascii_digit)
                || rest.last_chunk::<4>().is_some_and(|four| is_group(four))
        }
        _ => false,
    };
    !is_part && is_border(before)
}

/// The same, behind it.
fn ends(look: &mut Look<'_>) -> bool {
    match look.peek() {
        // A column of whole numbers with gaps is written with a fraction.
        Some(b'.') if look.peek_at(1) == Some(b'0') => {
            let end = look.at();
            look.skip(1);
            look.run(FRACTION_MAX, |byte| byte == b'0');
            let is_whole = look.peek().is_none_or(|after| !after.is_ascii_alphanumeric());
            look.back_to(end);
            is_whole
        }
        Some(b'-' | b'.') => look.peek_at(1).is_none_or(|after| !after.is_ascii_alphanumeric()),
        Some(next) => !next.is_ascii_alphanumeric() && next != b'_',
        None => true,
    }
}

/// One of them is used throughout.
const SEPARATORS: [&[u8]; 3] = [b" ", b"-", b"\xc2\xa0"];
/// One more than the longest number, which is how a longer one is known.
const DIGITS_MAX: usize = 20;
const GROUPS_MAX: usize = 5;
const FRACTION_MAX: usize = 8;
