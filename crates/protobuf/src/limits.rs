//! How much is read.

/// Limits of one message. What is over one of them is refused, not cut short.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Messages inside one another, groups and `Any` too.
    pub depth_max: usize,
    /// Fields of all messages together, as they stand on the wire.
    pub fields_max: usize,
    /// Numbers in all packed fields together.
    pub elements_max: usize,
    /// Fields and packed numbers that a stream may have for each byte that came, above what one
    /// message may have.
    pub stream_per_byte_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Where the readers of C++, Java, Go and Python stop.
            depth_max: 100,
            fields_max: 100_000,
            elements_max: 1_000_000,
            // Each takes a byte, so only what was compressed can have more than one. Columns of
            // numbers compress ten times at best; a body of 1 MiB has some 11 million then.
            stream_per_byte_max: 10,
        }
    }
}

/// Limits of a descriptor set. The operator wrote it, yet a wrong file must not fill the memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SchemaLimits {
    /// Bytes of the file.
    pub bytes_max: usize,
    /// Messages and enums, all files together.
    pub types_max: usize,
    /// Fields, enum values and methods, all files together.
    pub members_max: usize,
    /// Messages declared inside one another.
    pub depth_max: usize,
}

impl Default for SchemaLimits {
    fn default() -> Self {
        // All public interfaces of Google in one set are some ten thousand messages.
        Self { bytes_max: 32 << 20, types_max: 50_000, members_max: 1_000_000, depth_max: 32 }
    }
}
