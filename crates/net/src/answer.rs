//! The seam between transport and gateway.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use ringwall_base::RequestId;

use crate::{Body, Peer, Violation};

/// An answer on its way. It stays on the thread that asked.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Response<Body>> + 'a>>;

/// Answers requests. One object serves all threads.
pub trait Answer: Debug + Send + Sync {
    /// Answers one request. The future is dropped when the client goes away.
    fn answer(&self, peer: Arc<Peer>, request: Request<Body>) -> Answering<'_>;

    /// Records a request that was refused before it became one, and names it. The client gets the
    /// name; nothing of the request reaches [`Answer::answer`], or, when its body turned out to be
    /// malformed later, the future of its answer is dropped.
    fn refused(&self, peer: &Peer, violation: Violation) -> RequestId;
}
