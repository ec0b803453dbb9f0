//! `@verifyCC`, `@verifyCPF`, `@verifySSN`: numbers whose digits agree with each other.

use crate::operator::{Cut, Rx};

/// What kind of number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verify {
    Cpf,
    CreditCard,
    Ssn,
}

impl Verify {
    /// The first match of the pattern that is such a number. Every offset is tried, since a longer
    /// match from an earlier one may hide it.
    pub(super) fn find<'v>(
        self,
        rx: &Rx,
        value: &'v [u8],
        steps: &mut usize,
    ) -> Result<Option<&'v [u8]>, Cut> {
        let mut from = 0;
        while from <= value.len() {
            let Some(found) = rx.find_at(value, from, steps)? else { break };
            from = found.start + 1;
            let text = value.get(found).unwrap_or_default();
            if !text.is_empty() && self.is_valid(text) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    fn is_valid(self, text: &[u8]) -> bool {
        let digits: Vec<u32> = text
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .map(|byte| u32::from(byte - b'0'))
            .collect();
        match self {
            Self::Cpf => is_cpf(&digits),
            Self::CreditCard => is_luhn(&digits),
            Self::Ssn => is_ssn(&digits),
        }
    }
}

fn is_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// The Brazilian number: two check digits over nine.
fn is_cpf(digits: &[u32]) -> bool {
    const EXAMPLE: [u32; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
    let is_uniform = digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    let check = |count: usize| {
        let weights = (2..).take(count).collect::<Vec<u32>>().into_iter().rev();
        let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
        if sum % 11 < 2 { 0 } else { 11 - sum % 11 }
    };
    digits.len() == 11
        && !is_uniform
        && *digits != EXAMPLE
        && digits.get(9) == Some(&check(9))
        && digits.get(10) == Some(&check(10))
}

/// The United States' number, by what was never given out.
fn is_ssn(digits: &[u32]) -> bool {
    let number = |range: std::ops::Range<usize>| {
        digits.get(range).unwrap_or_default().iter().fold(0, |number, digit| number * 10 + digit)
    };
    let ascends = digits.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    let is_uniform = digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    let (area, group, serial) = (number(0..3), number(3..5), number(5..9));
    digits.len() == 9
        && !ascends
        && !is_uniform
        && area != 0
        && area != 666
        && area < 740
        && group != 0
        && serial != 0
}
