//! Keys of a service that speaks gRPC.

use super::key;
use crate::shape::{Key, Shape};

/// A file, or a file and what is asked of messages.
pub(crate) const GRPC: Shape = Shape::Either(&[Shape::Text, Shape::Table(RULES)]);

const RULES: &[Key] = &[
    key("file", Shape::Text, "File descriptor set, as `protoc` and `buf` write it."),
    key("unknown", Shape::Choice(&["refuse", "pass"]), "Fields that it does not know."),
    key("message", Shape::Text, "Largest message, unpacked: `256 KiB`."),
    key(
        "messages",
        Shape::Integer(1, 1_000_000_000),
        "Messages that a client may send in a stream.",
    ),
];
