//! The leaves of a message as arguments for rules.

use ringwall_protobuf::{Leaf, Value};

/// A name and a value.
pub(crate) type Argument = (String, Vec<u8>);

/// Names and values, up to a limit.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    list: Vec<Argument>,
    bytes: usize,
    numbers: usize,
    is_over: bool,
}

impl Shown {
    /// Keeps a leaf. Texts all, bytes where they are text, and some numbers: in a number there is
    /// nothing to be found, and vectors have thousands.
    pub(crate) fn add(&mut self, leaf: &Leaf<'_>) {
        match leaf.value {
            Value::Text(_) => {}
            Value::Bytes(bytes) if is_text(bytes) => {}
            Value::Bytes(_) => return,
            Value::Bool(_)
            | Value::Double(_)
            | Value::Float(_)
            | Value::Signed(_)
            | Value::Unsigned(_) => {
                self.numbers = self.numbers.saturating_add(1);
                if self.numbers > NUMBERS_MAX {
                    return;
                }
            }
        }
        let value = leaf.value.text();
        self.bytes = self.bytes.saturating_add(leaf.path.len()).saturating_add(value.len());
        if self.bytes > BYTES_MAX || self.list.len() >= LEAVES_MAX {
            self.is_over = true;
            return;
        }
        self.list.push((leaf.path.to_owned(), value.into_owned()));
    }

    /// Whether there is more than is kept.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(crate) fn into_list(self) -> Vec<Argument> {
        self.list
    }
}

/// Rules take a NUL for an attack; what has one is a picture or the like.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

/// More than any rule set takes (`SecArgumentsLimit`).
const LEAVES_MAX: usize = 10_000;
/// Names repeat what they stand in: small messages can have large ones.
const BYTES_MAX: usize = 16 * 1024 * 1024;
const NUMBERS_MAX: usize = 200;
