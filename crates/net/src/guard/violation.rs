//! Everything that a message can be refused for before it is one.

use http::StatusCode;

use crate::Flood;

/// Why a message has no single reading, or passes a limit.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Violation {
    /// Absolute form whose authority is not the `Host`.
    Authority,
    /// A line that ends in LF alone: half of all parsers take it, half do not.
    BareLf,
    /// Bytes after an `Upgrade` request and before its 101: a request to one, a stream to another.
    BytesAfterUpgrade,
    /// A chunk size that is not hexadecimal, or too long to be a size.
    ChunkSize,
    /// A chunk that does not end where its size says, or a malformed extension.
    ChunkSyntax,
    /// `Connection` names a header that must not be dropped.
    Connection,
    /// CONNECT: we are no forward proxy.
    Connect,
    /// NUL or another control byte.
    ControlByte,
    /// A dot segment, also after decoding, in the path.
    DotSegment,
    /// A field name that is no token, or a line without a colon.
    FieldName,
    /// A field value that begins or ends with white space, in HTTP/2.
    FieldValue,
    /// Frames that ask for work and bring none. The connection is closed.
    Flood(Flood),
    /// More bytes of head than allowed.
    HeadTooLarge,
    /// No `Host`, an empty or a malformed one.
    Host,
    /// More than one `Host`.
    Hosts,
    /// `Content-Length` that is no plain number, or a list of them.
    Length,
    /// `Content-Length` and `Transfer-Encoding`.
    LengthAndEncoding,
    /// More than one `Content-Length`, equal or not.
    Lengths,
    /// A field line that continues the one before.
    ObsFold,
    /// The head did not come in time.
    Slow,
    /// White space between field name and colon.
    SpaceBeforeColon,
    /// A client that takes nothing of what it asked for. The stream or the connection is closed.
    Stalled,
    /// A first line that is not exactly as RFC 9112 section 3 or 4 says.
    StartLine,
    /// A malformed message or frame on an HTTP/2 stream, which was reset.
    Stream,
    /// More header fields than allowed.
    TooManyFields,
    /// A field in the trailer section that frames, routes or authenticates.
    Trailer,
    /// `Transfer-Encoding` that is not exactly one `chunked`, or in HTTP/1.0.
    TransferEncoding,
    /// Bytes from an upstream that nobody asked for.
    Unsolicited,
    /// A request target longer than allowed.
    UriTooLong,
}

impl Violation {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        if self == Self::UriTooLong {
            StatusCode::URI_TOO_LONG
        } else if self.is_limit() {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        } else if matches!(self, Self::Slow | Self::Stalled) {
            StatusCode::REQUEST_TIMEOUT
        } else if matches!(self, Self::Flood(_)) {
            StatusCode::TOO_MANY_REQUESTS
        } else {
            StatusCode::BAD_REQUEST
        }
    }

    /// The public code.
    pub fn code(self) -> &'static str {
        if matches!(self, Self::Flood(_)) {
            "RW3004"
        } else if self.is_limit() {
            "RW3016"
        } else {
            "RW3000"
        }
    }

    /// Whether the message is well-formed as far as it was read, only too large.
    pub fn is_limit(self) -> bool {
        matches!(self, Self::UriTooLong | Self::HeadTooLarge | Self::TooManyFields)
    }

    /// The cause, for the operator only.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Authority => "absolute form and host differ",
            Self::BareLf => "line ends in a bare line feed",
            Self::BytesAfterUpgrade => "bytes follow an upgrade before it was accepted",
            Self::ChunkSize => "chunk size is malformed or too large",
            Self::ChunkSyntax => "chunk is malformed",
            Self::Connection => "connection header names a protected header",
            Self::Connect => "method is connect",
            Self::ControlByte => "control byte in the head",
            Self::DotSegment => "dot segment in the path",
            Self::FieldName => "field name is malformed",
            Self::FieldValue => "field value has white space around it",
            Self::Flood(flood) => flood.reason(),
            Self::HeadTooLarge => "head is too large",
            Self::Host => "host is missing or malformed",
            Self::Hosts => "more than one host",
            Self::Length => "content length is malformed",
            Self::LengthAndEncoding => "content length beside transfer encoding",
            Self::Lengths => "more than one content length",
            Self::ObsFold => "folded field line",
            Self::Slow => "head did not come in time",
            Self::SpaceBeforeColon => "space before the colon",
            Self::Stalled => "client takes nothing of its answer",
            Self::StartLine => "first line is malformed",
            Self::Stream => "malformed HTTP/2 stream",
            Self::TooManyFields => "too many header fields",
            Self::Trailer => "field is not allowed in a trailer",
            Self::TransferEncoding => "transfer encoding is not exactly chunked",
            Self::Unsolicited => "bytes that nobody asked for",
            Self::UriTooLong => "request target is too long",
        }
    }
}
