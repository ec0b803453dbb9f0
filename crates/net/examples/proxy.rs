//! The smallest proxy over this package: what a request costs before any stage looks at it.
//!
//! `proxy LISTEN UPSTREAM`, one thread. `benches/plain` compares it with nginx.

use std::env::args;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::park;

use http::header::{CONNECTION, HOST};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use ringwall_base::RequestId;
use ringwall_net::{
    Answer, Answering, Body, DialTcp, Door, Listen, Opening, Peer, Pool, Server, Settings, Target,
    Violation,
};

/// Sends all to one target.
#[derive(Debug)]
struct Forward {
    pool: Pool,
    target: Arc<Target>,
}

impl Answer for Forward {
    fn answer(&self, _: Arc<Peer>, mut request: Request<Body>) -> Answering<'_> {
        Box::pin(async move {
            let headers = request.headers_mut();
            headers.remove(CONNECTION);
            headers.insert(HOST, HeaderValue::from_static("upstream"));
            headers.insert(FORWARDED_FOR, HeaderValue::from_static("127.0.0.1"));
            match self.pool.send(&self.target, Box::new(request)).await {
                Ok(mut response) => {
                    response.headers_mut().remove(CONNECTION);
                    response
                }
                Err(_error) => {
                    let mut response = Response::new(Body::Empty);
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                    response
                }
            }
        })
    }

    fn refused(&self, _: &Peer, _: Violation) -> RequestId {
        RequestId::from_bits(0)
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut addresses = args().skip(1).map(|text| text.parse::<SocketAddr>());
    let (Some(listen), Some(upstream)) = (addresses.next(), addresses.next()) else {
        return Err("proxy LISTEN UPSTREAM".into());
    };
    let target = Target::new(Arc::new(DialTcp(upstream?)), None);
    let answer = Arc::new(Forward { pool: Pool::default(), target });
    let server = Server::start(Settings { workers: 1, ..Settings::default() })?;
    let listen = Listen::Address(listen?);
    server.open(Opening { door: Door::Edge, listen, tls: None, answer })?;
    loop {
        park();
    }
}
