//! The limits of a listener and its connections. Each has a name and a default.

use std::time::Duration;

use crate::FrameLimits;

/// How many threads there are, and what one peer may cost.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads; each has its own runtime and its own socket for each door. Zero: one a core.
    pub workers: usize,
    /// Open connections in all. What comes after is closed at once.
    pub connections_max: usize,
    /// Open connections of one address (IPv6: of one /64, which is one customer).
    pub connections_per_address_max: usize,
    /// From accept to the end of the TLS handshake.
    pub handshake_time: Duration,
    /// From the first byte of a head to its last.
    pub head_time: Duration,
    /// How long a connection may be open without a request.
    pub idle_time: Duration,
    /// How long a request body may stand still.
    pub body_idle_time: Duration,
    /// How long a peer may take nothing of what we write.
    pub write_idle_time: Duration,
    /// HTTP/1: least bytes a second of a body that is awaited, and of an answer that its client
    /// is slow to take. A client may fall behind for `pace_grace`, then it is cut off.
    pub pace_min: u64,
    /// How long a client may be slower than `pace_min`.
    pub pace_grace: Duration,
    /// After this a connection ends at its next answer (HTTP/1) or gets a GOAWAY (HTTP/2).
    pub connection_age: Duration,
    /// After this many requests, the same.
    pub requests_per_connection_max: u64,
    /// HTTP/1 heads and trailers.
    pub head: HeadLimits,
    /// HTTP/2: streams open at once.
    pub streams_max: u32,
    /// HTTP/2: streams that the peer reset before we accepted them (CVE-2023-44487).
    pub pending_resets_max: usize,
    /// HTTP/2: streams that the peer made us reset (CVE-2025-8671).
    pub local_resets_max: usize,
    /// Bytes that are still read of a request body nobody wants.
    pub unread_bytes_max: usize,
    /// How long they are read. Then the stream (HTTP/2) or connection ends, which can cost a slow
    /// client its answer.
    pub unread_time: Duration,
    /// HTTP/2: decoded size of a header list.
    pub header_list_bytes_max: u32,
    /// HTTP/2: frames that ask for work and bring none.
    pub frames: FrameLimits,
    /// HTTP/2: bytes of a request body that may wait on one stream.
    pub stream_window_bytes: u32,
    /// HTTP/2: bytes of request bodies that may wait on one connection.
    pub connection_window_bytes: u32,
    /// HTTP/2: bytes of an answer that may wait on one stream.
    pub stream_send_bytes_max: usize,
    /// HTTP/2: how long a stream whose answer has begun, or a gRPC call, may stand still. Both ends
    /// are asked for signs of life all the while.
    pub stream_idle_time: Duration,
}

/// Limits of an HTTP/1 head and of a trailer section.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes of a head, its first line included.
    pub head_bytes_max: usize,
    /// Header fields.
    pub fields_max: usize,
    /// Bytes of a request target.
    pub uri_bytes_max: usize,
    /// Bytes of a trailer section.
    pub trailer_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workers: 0,
            connections_max: 20_000,
            connections_per_address_max: 1_024,
            handshake_time: Duration::from_secs(10),
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            body_idle_time: Duration::from_secs(30),
            write_idle_time: Duration::from_mins(1),
            pace_min: 240,
            pace_grace: Duration::from_secs(30),
            connection_age: Duration::from_hours(1),
            requests_per_connection_max: 100_000,
            head: HeadLimits::default(),
            streams_max: 128,
            pending_resets_max: 20,
            local_resets_max: 256,
            unread_bytes_max: 1_024 * 1_024,
            unread_time: Duration::from_secs(1),
            header_list_bytes_max: 32 * 1_024,
            frames: FrameLimits::default(),
            stream_window_bytes: 256 * 1_024,
            connection_window_bytes: 1_024 * 1_024,
            stream_send_bytes_max: 128 * 1_024,
            stream_idle_time: Duration::from_hours(1),
        }
    }
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            head_bytes_max: 32 * 1_024,
            fields_max: 100,
            uri_bytes_max: 8 * 1_024,
            trailer_bytes_max: 8 * 1_024,
        }
    }
}
