//! The leaves of a message: what a rule looks at.

use std::borrow::Cow;

/// One value of a message that holds no other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leaf<'b> {
    /// Where it stands, such as `order.items.0.name`. A key of a map is a leaf of its own, at the
    /// path of the map; in the path of its value it is shortened.
    pub path: &'b str,
    /// What stands there.
    pub value: Value<'b>,
}

/// Is shown leaves.
pub type Show<'f> = dyn FnMut(Leaf<'_>) + 'f;

/// A value as its type says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'b> {
    /// `bool`.
    Bool(bool),
    /// `bytes`, and what an `Any` holds that nobody knows.
    Bytes(&'b [u8]),
    /// `double`.
    Double(f64),
    /// `float`.
    Float(f32),
    /// Numbers with a sign, and enums.
    Signed(i64),
    /// `string`: UTF-8, except where the descriptor leaves that open.
    Text(&'b [u8]),
    /// Numbers without a sign.
    Unsigned(u64),
}

impl<'b> Value<'b> {
    /// The value as text: strings and bytes as they are, numbers in decimal.
    pub fn text(self) -> Cow<'b, [u8]> {
        let number = match self {
            Self::Bytes(bytes) | Self::Text(bytes) => return Cow::Borrowed(bytes),
            Self::Bool(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
        };
        Cow::Owned(number.into_bytes())
    }
}
