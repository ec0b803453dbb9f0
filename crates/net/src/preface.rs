//! Whether a client in the clear begins with HTTP/2, with prior knowledge (RFC 9113 section 3.3).

use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::drain::leave;
use crate::{Curb, Peer, Settings};

/// Looks at the first bytes and leaves them there. `None` when there is nobody to serve.
pub(crate) async fn is_h2(stream: &TcpStream, settings: &Settings, peer: &Peer) -> Option<bool> {
    let told = tokio::select! {
        told = in_time(stream, settings.head_time) => told,
        () = leave(peer.presence()) => return None,
    };
    if told.is_err() {
        peer.curb(Curb::Silent);
    }
    told.ok().flatten()
}

/// HTTP/1 gives as much time for the first byte, and as much again for a head.
async fn in_time(stream: &TcpStream, time: Duration) -> Result<Option<bool>, Elapsed> {
    if timeout(time, stream.readable()).await?.is_err() {
        return Ok(None);
    }
    timeout(time, told(stream)).await
}

async fn told(stream: &TcpStream) -> Option<bool> {
    loop {
        let ready = stream.ready(Interest::READABLE).await.ok()?;
        let mut seen = [0; PREFACE.len()];
        let count = stream.peek(&mut seen).await.ok()?;
        match look(&seen, count) {
            Some(is_h2) => return Some(is_h2),
            // It stays what it is, and HTTP/1 will find its end.
            None if ready.is_read_closed() => return Some(false),
            None => {}
        }
        // What was looked at stays readable. This forgets it, so that the next byte wakes us.
        stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into())).ok();
    }
}

/// `None`: it could still become either.
fn look(seen: &[u8], count: usize) -> Option<bool> {
    let seen = seen.get(..count).unwrap_or_default();
    // The end of a connection is for HTTP/1 to find.
    if seen.is_empty() || !PREFACE.starts_with(seen) {
        return Some(false);
    }
    (seen.len() == PREFACE.len()).then_some(true)
}

/// RFC 9113 section 3.4. No method of HTTP/1 begins so.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_told_from_a_request_by_its_first_other_byte() {
        assert_eq!(look(PREFACE, PREFACE.len()), Some(true));
        assert_eq!(look(PREFACE, 1), None);
        assert_eq!(look(b"POST / HTTP/1.1\r\n", 1), None);
        assert_eq!(look(b"POST / HTTP/1.1\r\n", 2), Some(false));
        assert_eq!(look(b"PRI * HTTP/1.1\r\n\r\n", 12), Some(false));
        assert_eq!(look(b"", 0), Some(false));
    }
}
