//! Whether a client in the clear begins with HTTP/2, with prior knowledge (RFC 9113 section 3.3).

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::drain::leave;
use crate::{Peer, Settings};

/// Looks at the first bytes and leaves them there. `None` when there is nobody to serve.
pub(crate) async fn is_h2(stream: &TcpStream, settings: &Settings, peer: &Peer) -> Option<bool> {
    let mut seen = [0; PREFACE.len()];
    let first = timeout(settings.idle_time, stream.peek(&mut seen));
    let first = tokio::select! {
        first = first => first.ok()?.ok()?,
        () = leave(peer.presence()) => return None,
    };
    match look(&seen, first) {
        Some(is_h2) => Some(is_h2),
        None => timeout(settings.head_time, more(stream)).await.ok()?,
    }
}

/// A preface in pieces is rare enough to be asked for by the clock: what was looked at stays
/// readable, so that nothing would wake us.
async fn more(stream: &TcpStream) -> Option<bool> {
    loop {
        sleep(PAUSE).await;
        let mut seen = [0; PREFACE.len()];
        let count = stream.peek(&mut seen).await.ok()?;
        if let Some(is_h2) = look(&seen, count) {
            return Some(is_h2);
        }
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

const PAUSE: Duration = Duration::from_millis(2);

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
