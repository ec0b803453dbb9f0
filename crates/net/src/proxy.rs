//! The PROXY protocol, versions 1 and 2: who a load balancer speaks for.
//!
//! `haproxy.org/download/3.0/doc/proxy-protocol.txt`. Whoever may send it can claim any address, so
//! only listed networks may, and they must: without the header their own address would stand in
//! every record. [`Header`] is the machine, bytes in and an address out; `read` feeds it from a
//! socket and takes not one byte more than the header has, because TLS or HTTP comes right behind.

mod version1;
mod version2;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Follows one header.
#[derive(Debug, Default)]
pub struct Header {
    seen: Vec<u8>,
}

/// How far a header came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// All bytes belong to it, and it goes on.
    More,
    /// So many of these bytes ended it.
    Done(usize, Speaker),
}

/// Whom the connection is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Speaker {
    /// The peer itself: a health check (`LOCAL`), or it does not know (`UNKNOWN`).
    Itself,
    /// A client at that address.
    Client(SocketAddr),
    /// A client that came over a Unix socket, which has no address.
    Unix,
}

/// A header's length and speaker; `None` while it can still become one.
type Found = Result<Option<(usize, Speaker)>, ProxyError>;

/// Why a header is refused. The connection is closed without a word: there is nobody to tell yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProxyError {
    /// The first bytes are no PROXY header.
    #[error("a peer that must send a PROXY header did not")]
    Missing,
    /// The header breaks the specification.
    #[error("malformed PROXY header")]
    Malformed,
    /// It is longer than [`HEADER_BYTES_MAX`].
    #[error("PROXY header too long")]
    TooLong,
    /// Its checksum does not fit.
    #[error("the checksum of a PROXY header is wrong")]
    Checksum,
}

/// A header that was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Header(#[from] ProxyError),
    #[error("the connection ended in its PROXY header")]
    Io(#[from] io::Error),
}

impl Header {
    /// Looks at the next bytes of the connection.
    ///
    /// # Errors
    /// As soon as no further byte could make it a header.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Progress, ProxyError> {
        let before = self.seen.len();
        // One byte more than the limit shows that it is passed.
        let room = HEADER_BYTES_MAX.saturating_add(1).saturating_sub(before);
        self.seen.extend(bytes.iter().take(room));
        let seen = self.seen.as_slice();
        let common = seen.iter().zip(version2::SIGNATURE).take_while(|(a, b)| a == b).count();
        let found = if common == seen.len().min(version2::SIGNATURE.len()) {
            version2::parse(seen)?
        } else {
            version1::parse(seen)?
        };
        Ok(match found {
            Some((length, speaker)) => Progress::Done(length.saturating_sub(before), speaker),
            None => Progress::More,
        })
    }
}

/// Reads the header of a connection and leaves what comes behind it. Put a time limit around it.
pub(crate) async fn read(stream: &mut TcpStream) -> Result<Speaker, ReadError> {
    let mut header = Header::default();
    let mut buffer = [0_u8; PEEK_BYTES];
    loop {
        let count = stream.peek(&mut buffer).await?;
        let peeked = buffer.get(..count).unwrap_or_default();
        if peeked.is_empty() {
            return Err(ReadError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        let progress = header.feed(peeked)?;
        let taken = match progress {
            Progress::More => count,
            Progress::Done(taken, _) => taken,
        };
        if let Some(own) = buffer.get_mut(..taken) {
            stream.read_exact(own).await?;
        }
        if let Progress::Done(_, speaker) = progress {
            return Ok(speaker);
        }
    }
}

/// How a whole header came out.
type Outcome = Option<Result<(usize, Speaker), ProxyError>>;

/// For the fuzzer: however the bytes are cut, the outcome is the same, and nothing panics.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let whole = outcome(&mut data.chunks(data.len().max(1)));
    let single = outcome(&mut data.chunks(1));
    assert_eq!(whole, single, "the outcome depends on how the bytes were cut");
    if let Some(Ok((length, _))) = whole {
        assert!(length <= HEADER_BYTES_MAX && length <= data.len(), "{length}");
    }
}

/// How long the header was and whom it names; `None` while it goes on.
fn outcome(pieces: &mut dyn Iterator<Item = &[u8]>) -> Outcome {
    let (mut header, mut before) = (Header::default(), 0_usize);
    for piece in pieces {
        match header.feed(piece) {
            Ok(Progress::More) => before = before.saturating_add(piece.len()),
            Ok(Progress::Done(taken, speaker)) => {
                return Some(Ok((before.saturating_add(taken), speaker)));
            }
            Err(error) => return Some(Err(error)),
        }
    }
    None
}

/// The specification asks receivers for 536 bytes at least. Load balancers of clouds add TLVs with
/// names of certificates and endpoints; what is longer than this is no longer a header.
pub const HEADER_BYTES_MAX: usize = 4 * 1_024;

/// What is looked at in one call: a header without large TLVs fits.
const PEEK_BYTES: usize = 536;
