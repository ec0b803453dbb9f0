//! What is asked of messages of gRPC.

/// The descriptors of a service that speaks gRPC, and how its messages are held to them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Grpc {
    /// A file descriptor set, relative to the manifest.
    pub file: String,
    /// Whether fields that the descriptors do not know pass.
    pub passes_unknown: bool,
    /// Largest message, unpacked. `None`: as large as a body may be.
    pub message_bytes_max: Option<u64>,
    /// How many messages a client may send in one stream. `None`: as many as a body may hold.
    pub messages_max: Option<u32>,
}
