//! JSON numbers, compared exactly wherever 38 digits are enough.
//!
//! JSON Schema speaks of mathematical numbers: `1.0` is an integer, and `0.3` is a multiple of
//! `0.1`. Binary floating point gets the second one wrong.

use std::cmp::Ordering;

/// A number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// `mantissa` / 10^`scale`, without trailing zeros after the point.
    Decimal { mantissa: i128, scale: u32 },
    /// Too long or too large for the other.
    Float(f64),
}

/// As many digits fit 64 bits.
const SHORT_BYTES: usize = 18;

impl Number {
    /// Reads the text of a JSON number; `None` when it is none or is infinite.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::short(text).or_else(|| Self::decimal(text)).or_else(|| {
            let float: f64 = text.parse().ok()?;
            float.is_finite().then_some(Self::Float(float))
        })
    }

    /// The usual number: a few digits, perhaps a point, no exponent.
    fn short(text: &str) -> Option<Self> {
        if text.len() > SHORT_BYTES {
            return None;
        }
        let (digits, is_negative) = match text.strip_prefix('-') {
            Some(digits) => (digits, true),
            None => (text, false),
        };
        if digits.is_empty() {
            return None;
        }
        let mut mantissa = 0_i64;
        let mut scale = None;
        for byte in digits.bytes() {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa * 10 + i64::from(byte - b'0');
                    scale = scale.map(|scale: u32| scale + 1);
                }
                b'.' if scale.is_none() => scale = Some(0),
                _ => return None,
            }
        }
        let mut scale = scale.unwrap_or(0);
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        let mantissa = i128::from(if is_negative { -mantissa } else { mantissa });
        Some(Self::Decimal { mantissa, scale })
    }

    fn decimal(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
        if mantissa == 0 {
            // A zero has as many trailing zeros as its exponent says.
            return Some(Self::Decimal { mantissa, scale: 0 });
        }
        let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        if scale < 0 {
            mantissa = mantissa.checked_mul(power(scale.unsigned_abs())?)?;
            scale = 0;
        }
        Some(Self::Decimal { mantissa, scale: u32::try_from(scale).ok()? })
    }

    /// Whether the value has no fraction, however it is written.
    pub(crate) fn is_integer(self) -> bool {
        match self {
            Self::Decimal { scale, .. } => scale == 0,
            Self::Float(float) => float.fract() == 0.0,
        }
    }

    /// The value as an integer where it is one of at most 128 bits.
    pub(crate) fn as_integer(self) -> Option<i128> {
        match self {
            Self::Decimal { mantissa, scale: 0 } => Some(mantissa),
            Self::Decimal { .. } | Self::Float(_) => None,
        }
    }

    /// Whether this is a multiple of `of`; of zero, nothing is.
    pub(crate) fn is_multiple(self, of: Self) -> bool {
        if let Some((left, right)) = aligned(self, of) {
            return right != 0 && left % right == 0;
        }
        let quotient = self.as_float() / of.as_float();
        quotient.is_finite() && quotient.fract() == 0.0
    }

    pub(crate) fn order(self, other: Self) -> Ordering {
        match aligned(self, other) {
            Some((left, right)) => left.cmp(&right),
            None => self.as_float().total_cmp(&other.as_float()),
        }
    }

    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "only for numbers that cannot be compared exactly; std has no lossless way"
    )]
    fn as_float(self) -> f64 {
        match self {
            Self::Decimal { mantissa, scale } => {
                let power = i32::try_from(scale).map_or(f64::INFINITY, |scale| 10f64.powi(scale));
                mantissa as f64 / power
            }
            Self::Float(float) => float,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.order(*other).is_eq()
    }
}

/// Both mantissas at one scale, where they fit.
fn aligned(left: Number, right: Number) -> Option<(i128, i128)> {
    let (Number::Decimal { mantissa: a, scale: m }, Number::Decimal { mantissa: b, scale: n }) =
        (left, right)
    else {
        return None;
    };
    let scale = m.max(n);
    Some((
        a.checked_mul(power(scale.checked_sub(m)?)?)?,
        b.checked_mul(power(scale.checked_sub(n)?)?)?,
    ))
}

fn power(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}
