//! A whole connection on arbitrary bytes, for the fuzzer: it ends, and panics at nothing.

use std::sync::Arc;

use http::{Request, Response};
use ringwall_base::RequestId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use super::converse;
use crate::listen::NO_ADDRESS;
use crate::{Answer, Answering, Body, Door, Peer, Settings, Violation};

/// Answers with the length of the body.
#[derive(Debug)]
struct Counter;

impl Answer for Counter {
    fn answer(&self, _: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        Box::pin(async move {
            let whole = request.into_body().collect(BODY_MAX).await;
            Response::new(Body::full(format!("{:?}", whole.map(|whole| whole.bytes.len()))))
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(0)
    }
}

/// Serves a client that sends the preface and then these bytes, and closes. The first byte says how
/// the rest is cut. Returns how many bytes were answered.
pub fn fuzz(data: &[u8]) -> usize {
    let (Some((first, bytes)), Ok(runtime)) =
        (data.split_first(), Builder::new_current_thread().enable_all().build())
    else {
        return 0;
    };
    let (mut client, server) = tokio::io::duplex(PIPE);
    let peer = Arc::new(Peer::new(NO_ADDRESS, Door::Edge, None));
    let settings = Settings::default();
    let serving = converse(server, &settings, Arc::new(Counter), peer);
    let talking = async {
        // A server that has closed already takes no more; what it said is read below.
        client.write_all(PREFACE).await.ok();
        for piece in bytes.chunks(usize::from(*first).max(1)) {
            client.write_all(piece).await.ok();
            tokio::task::yield_now().await;
        }
        client.shutdown().await.ok();
        let mut answered = Vec::new();
        client.read_to_end(&mut answered).await.ok();
        answered.len()
    };
    let ((), answered) =
        LocalSet::new().block_on(&runtime, async { tokio::join!(serving, talking) });
    answered
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// More than the fuzzer sends, so that nobody waits for room.
const PIPE: usize = 4 * 1_024 * 1_024;

const BODY_MAX: usize = 64 * 1_024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One of each: settings, requests with and without a body, trailers, a ping, a reset.
    const TALK: &[u8] = b"\
        \x00\x00\x00\x04\x00\x00\x00\x00\x00\
        \x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x87\x84\x41\x01a\
        \x00\x00\x04\x01\x04\x00\x00\x00\x03\x83\x87\x84\xbe\
        \x00\x00\x03\x00\x00\x00\x00\x00\x03abc\
        \x00\x00\x05\x01\x05\x00\x00\x00\x03\x00\x01x\x01y\
        \x00\x00\x08\x06\x00\x00\x00\x00\x0012345678\
        \x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x09\
        \x00\x00\x04\x01\x04\x00\x00\x00\x05\x83\x87\x84\xbe\
        \x00\x00\x04\x03\x00\x00\x00\x00\x05\x00\x00\x00\x08";

    #[test]
    fn a_conversation_ends_however_it_is_cut() {
        for cut in [1, 2, 7, 9, 255] {
            // Its own settings at least; whether answers come before the end is a race.
            assert!(fuzz(&[&[cut], TALK].concat()) > 9, "pieces of {cut}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

        #[test]
        fn a_conversation_with_changed_bytes_ends(
            cut: u8,
            changes in prop::collection::vec((0..TALK.len(), any::<u8>()), 1..6),
            end in 0..TALK.len(),
        ) {
            let mut bytes = TALK.to_vec();
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            bytes.truncate(end);
            fuzz(&[&[cut], &bytes[..]].concat());
        }
    }
}
