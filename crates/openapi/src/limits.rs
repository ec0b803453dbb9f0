//! How much of a body is read.

/// Limits of one JSON text. What is over one of them is refused, not cut short.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Arrays and objects inside one another.
    pub depth_max: usize,
    /// Members of all objects together.
    pub members_max: usize,
    /// Elements of all arrays together.
    pub items_max: usize,
    /// Bytes of one string or one name, decoded.
    pub string_bytes_max: usize,
    /// Bytes of the whole text.
    pub bytes_max: usize,
}

/// For request bodies.
impl Default for Limits {
    fn default() -> Self {
        Self {
            // Deeper than any API of people; libmodsecurity allows 512 and pays for it.
            depth_max: 64,
            members_max: 10_000,
            items_max: 100_000,
            string_bytes_max: 1024 * 1024,
            bytes_max: 16 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// For responses: our own services are larger, not more hostile, than clients.
    pub fn response() -> Self {
        Self {
            depth_max: 128,
            members_max: 1_000_000,
            items_max: 1_000_000,
            string_bytes_max: 16 * 1024 * 1024,
            bytes_max: 64 * 1024 * 1024,
        }
    }

    /// For OpenAPI documents.
    pub(crate) fn document() -> Self {
        Self {
            depth_max: 128,
            members_max: 500_000,
            items_max: 500_000,
            string_bytes_max: 1024 * 1024,
            bytes_max: 4 * 1024 * 1024,
        }
    }
}
