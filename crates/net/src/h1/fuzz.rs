//! What a search for counter-examples looks for in the two faces.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use ringwall_base::RequestId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::{exchange, serve};
use crate::admission::Admission;
use crate::connection::Context;
use crate::guard::{Machine, Part};
use crate::h1::Link;
use crate::pool::{Lease, PoolSettings};
use crate::wire::Wire;
use crate::{
    Answer, Answering, Body, DialTcp, Door, HeadLimits, Networks, Peer, Settings, Target, Violation,
};

/// Sends the body back.
#[derive(Debug)]
struct Echo;

impl Answer for Echo {
    fn answer(&self, _: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        Box::pin(async { Response::new(request.into_body()) })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(0)
    }
}

/// Whatever a client sends, the connection ends, and what it answers has one reading.
#[doc(hidden)]
pub fn fuzz_server(data: &[u8]) {
    let settings = Settings::default();
    let context = Arc::new(Context {
        admission: Admission::new(settings.connections_max, settings.connections_per_address_max),
        settings,
        door: Door::Edge,
        tls: None,
        answer: Arc::new(Echo),
        proxies: Networks::default(),
        takes_h2c: false,
    });
    let peer = Arc::new(Peer::new(SocketAddr::from(([127, 0, 0, 1], 0)), Door::Edge, None));
    let answers = run(async {
        let Ok((ours, mut theirs)) = UnixStream::pair() else { return Vec::new() };
        let client = async {
            say(&mut theirs, data).await;
            let mut answers = Vec::new();
            theirs.read_to_end(&mut answers).await.ok();
            answers
        };
        tokio::join!(serve(Wire::Unix(ours), &context, peer), client).1
    });
    let mut machine = Machine::response(HeadLimits::default());
    let mut rest = answers.as_slice();
    while let Ok((part, used)) = machine.next(rest) {
        if part == Part::More {
            break;
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    assert_eq!(machine.violation(), None, "an answer has no single reading");
}

/// Whatever an upstream answers, the exchange ends, and its body is what the machine says.
#[doc(hidden)]
pub fn fuzz_client(data: &[u8]) {
    let settings = PoolSettings { head_time: Duration::from_millis(50), ..PoolSettings::default() };
    run(async {
        let Ok((ours, mut theirs)) = UnixStream::pair() else { return };
        let target = Target::new(Arc::new(DialTcp(SocketAddr::from(([127, 0, 0, 1], 0)))), None);
        let Some(place) = target.queue().try_place() else { return };
        let link = Link::new(Wire::Unix(ours), Machine::response(settings.head));
        let lease = Lease::new(link, settings, &target, place);
        let upstream = say(&mut theirs, data);
        let request = Request::new(Body::Empty);
        let ask = async {
            if let Ok(response) = exchange(lease, &request, Body::Empty).await {
                // How it ends is the upstream's affair; that it ends is ours.
                response.into_body().collect(data.len()).await.ok();
            }
        };
        tokio::join!(upstream, ask);
    });
}

/// Small pieces, so that heads and bodies are split.
async fn say(stream: &mut UnixStream, data: &[u8]) {
    for piece in data.chunks(61) {
        if stream.write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    stream.shutdown().await.ok();
}

fn run<T: Default>(work: impl Future<Output = T>) -> T {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return T::default();
    };
    let limited = async { timeout(Duration::from_secs(20), work).await };
    let ended = LocalSet::new().block_on(&runtime, limited);
    assert!(ended.is_ok(), "a connection hangs");
    ended.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVER: &[&str] = &[
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
        "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "\n",
    ];

    const CLIENT: &[&str] = &[
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nabc",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "\r\n",
    ];

    fn mixed(seeds: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop::collection::vec(prop::sample::select(seeds), 1..5);
        let change = (any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
        (pieces, change).prop_map(|(pieces, (at, byte, is_changed))| {
            let mut data = pieces.concat().into_bytes();
            let at = at.index(data.len());
            if is_changed {
                data[at] = byte;
            }
            data
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_client_makes_an_answer_with_two_readings(data in mixed(SERVER)) {
            fuzz_server(&data);
        }

        #[test]
        fn no_upstream_hangs_an_exchange(data in mixed(CLIENT)) {
            fuzz_client(&data);
        }
    }
}
