//! The loop of a client's connection: a request, its answer, the next one.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as Cx, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::time::timeout;

use super::head;
use super::linger::{close, linger};
use super::link::{BUFFER, Headed, Link};
use super::reply::{Asked, Reply, Written};
use super::session::{FromClient, Session, Watched, poll_discard};
use super::vigil::{Finding, Vigil};
use crate::connection::Context;
use crate::curb::refuse;
use crate::guard::{Head, Machine};
use crate::refusal::refusal_response;
use crate::tunnel::{Handover, handover};
use crate::wire::Wire;
use crate::{Body, Interim, Peer, Violation};

/// Serves until the connection ends, the door drains or its vigil finds it dead.
///
/// It must be awaited by one task from its first poll to its last, in no combinator with wakers
/// of its own: timers are not looked at again until they wake that task.
pub(crate) async fn serve(wire: Wire, context: &Arc<Context>, peer: Arc<Peer>) {
    let link = Link::new(wire, Machine::request(context.settings.head));
    let vigil = Vigil::new(&context.settings, peer.presence());
    let session = Rc::new(RefCell::new(Session::new(link)));
    let mut serving = Serving { session, vigil, context: Arc::clone(context), peer, begun: 0 };
    let end = serving.run().await;
    // Who holds a body of it still, holds the connection; it is closed with that.
    let Ok(session) = Rc::try_unwrap(serving.session) else { return };
    let mut link = session.into_inner().link;
    match end {
        End::Gone => {}
        End::Close => close(&mut link).await,
        End::Linger => linger(&mut link).await,
        End::Switched(handover) => {
            let read = link.take_unread();
            handover.give(link.wire, read, None);
        }
    }
}

/// How a connection ends.
enum End {
    /// Nobody is there.
    Gone,
    /// The client expects it.
    Close,
    /// The client may still be sending.
    Linger,
    /// Its bytes are no longer HTTP.
    Switched(Handover),
}

/// A head, or what came instead.
enum Next {
    Request(Head, Bytes),
    Refused(Violation),
    End(End),
}

type Answered = Result<Response<Body>, Cut>;

/// Why an answer is not waited for.
enum Cut {
    Refused(Violation),
    Gone,
}

struct Serving {
    session: Rc<RefCell<Session>>,
    vigil: Vigil,
    context: Arc<Context>,
    peer: Arc<Peer>,
    begun: u64,
}

impl Serving {
    async fn run(&mut self) -> End {
        loop {
            let ended = match poll_fn(|cx| self.poll_next(cx)).await {
                Next::Request(head, bytes) => self.exchange(head, bytes).await,
                Next::Refused(violation) => Some(self.refuse(violation).await),
                Next::End(end) => Some(end),
            };
            if let Some(end) = ended {
                return end;
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Cx<'_>) -> Poll<Next> {
        let mut session = self.session.borrow_mut();
        loop {
            match session.link.head() {
                Ok(Some(Headed { head, bytes })) => {
                    self.vigil.wake();
                    session.begin(head);
                    return Poll::Ready(Next::Request(head, bytes));
                }
                Ok(None) => {}
                Err(violation) => return Poll::Ready(Next::Refused(violation)),
            }
            if self.vigil.is_idle_over() && session.link.unread().is_empty() {
                return Poll::Ready(Next::End(End::Linger));
            }
            match session.link.poll_fill(cx, BUFFER) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::End(End::Close)),
                Poll::Ready(Ok(_)) => continue,
                Poll::Pending => {}
            }
            if let Poll::Ready(Err(_)) = session.link.poll_write(cx) {
                return Poll::Ready(Next::End(End::Gone));
            }
            if !session.link.unread().is_empty() {
                self.vigil.wake();
            }
            match std::task::ready!(self.vigil.poll(cx, &mut session)) {
                Finding::Dead => return Poll::Ready(Next::End(End::Gone)),
                Finding::Idle => return Poll::Ready(Next::End(End::Linger)),
                Finding::Slow => return Poll::Ready(Next::Refused(Violation::Slow)),
                // Seen above, in the next round.
                Finding::Leaving => {}
            }
        }
    }

    /// Answers one request. `None`: the connection may serve another.
    async fn exchange(&mut self, head: Head, bytes: Bytes) -> Option<End> {
        self.begun = self.begun.saturating_add(1);
        let request = match self.request(head, &bytes) {
            Ok(request) => request,
            Err(violation) => return Some(self.refuse(violation).await),
        };
        drop(bytes);
        let asked = Asked::new(head, request.method());
        let (mut request, interim) = self.dress(request);
        let handed = head.is_upgrade.then(|| {
            let (give, take) = handover();
            request.extensions_mut().insert(take);
            give
        });
        let answer = Arc::clone(&self.context.answer);
        let mut answering = answer.answer(Arc::clone(&self.peer), request);
        let answered = poll_fn(|cx| {
            let polled = answering.as_mut().poll(cx);
            self.poll_meanwhile(cx, polled, interim.as_ref())
        });
        let answered = answered.await;
        drop(answering);
        match answered {
            Ok(response) => self.reply(response, asked, handed).await,
            Err(Cut::Refused(violation)) => Some(self.refuse(violation).await),
            Err(Cut::Gone) => Some(End::Gone),
        }
    }

    fn request(&self, head: Head, bytes: &Bytes) -> Result<Request<()>, Violation> {
        let session = self.session.borrow();
        let machine = &session.link.machine;
        let unread = session.link.unread();
        if machine.awaits_upgrade() && !unread.is_empty() {
            return Err(Violation::BytesAfterUpgrade);
        }
        // What was read with the head already is checked before anybody sees the head.
        machine.foresee(unread)?;
        head::request(head, bytes, machine.spans())
    }

    /// Adds the body, and the way back for interim answers. A request without a body has it in
    /// its [`FromClient`], which costs no allocation; a body may be replaced on its way.
    fn dress(&self, request: Request<()>) -> (Request<Body>, Option<Interim>) {
        let body = FromClient::new(&self.session);
        let has_body = !body.is_end();
        let mut request = request.map(|()| Body::Client(body));
        let interim = has_body.then(Interim::new);
        if let Some(interim) = &interim {
            request.extensions_mut().insert(interim.clone());
        }
        (request, interim)
    }

    /// What else happens while an answer is made.
    fn poll_meanwhile(
        &mut self,
        cx: &mut Cx<'_>,
        polled: Poll<Response<Body>>,
        interim: Option<&Interim>,
    ) -> Poll<Answered> {
        let mut session = self.session.borrow_mut();
        if let Some(violation) = session.violation {
            return Poll::Ready(Err(Cut::Refused(violation)));
        }
        // Before the answer itself, which may have come in the same moment.
        while let Some(Poll::Ready(answer)) = interim.map(|interim| interim.poll_next(cx)) {
            session.interim(answer.status(), answer.headers());
        }
        if let Poll::Ready(response) = polled {
            return Poll::Ready(Ok(response));
        }
        if let Poll::Ready(Err(_)) = session.link.poll_write(cx) {
            return Poll::Ready(Err(Cut::Gone));
        }
        match session.poll_watch(cx) {
            Poll::Ready(Watched::Gone) => return Poll::Ready(Err(Cut::Gone)),
            Poll::Ready(Watched::Refused(violation)) => {
                return Poll::Ready(Err(Cut::Refused(violation)));
            }
            Poll::Pending => {}
        }
        loop {
            match std::task::ready!(self.vigil.poll(cx, &mut session)) {
                Finding::Dead => return Poll::Ready(Err(Cut::Gone)),
                // Not while an answer is due; a leaving connection says so in its answer.
                Finding::Idle | Finding::Slow | Finding::Leaving => {}
            }
        }
    }

    async fn reply(
        &mut self,
        response: Response<Body>,
        asked: Asked,
        handed: Option<Handover>,
    ) -> Option<End> {
        let client_closes = asked.head.closes || (asked.head.is_1_0 && !asked.head.keeps);
        let is_switch = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let settings = &self.context.settings;
        let mut closes = client_closes
            || self.vigil.wants_end()
            || self.begun >= settings.requests_per_connection_max
            // RFC 9110 section 10.1.1: whether the body still comes is not known.
            || self.session.borrow().awaits_continue;
        match self.write(response, asked, &mut closes).await {
            Written::Whole => {}
            Written::Gone | Written::Broken => return Some(End::Gone),
        }
        if is_switch {
            // Who answers 101 to what was no upgrade has broken the connection.
            return Some(handed.map_or(End::Gone, End::Switched));
        }
        self.settle(closes, client_closes).await
    }

    async fn write(
        &mut self,
        response: Response<Body>,
        asked: Asked,
        closes: &mut bool,
    ) -> Written {
        let mut reply = Reply::begin(&self.session, response, asked, closes);
        let written = poll_fn(|cx| reply.poll(cx, &self.session, &mut self.vigil)).await;
        if written == Written::Broken {
            // What there is of it goes out, so that the client sees that the rest is missing.
            let flushed = poll_fn(|cx| self.session.borrow_mut().link.poll_write(cx));
            let is_out = matches!(timeout(FLUSH_TIME, flushed).await, Ok(Ok(())));
            tracing::debug!(is_out, door = %self.peer.door, "an answer broke off");
            if reply.is_until_close() {
                self.session.borrow().link.wire.reset_at_close();
            }
        }
        written
    }

    /// After an answer: what is unread, and whether there is a next request.
    async fn settle(&mut self, closes: bool, client_closes: bool) -> Option<End> {
        let is_unread = {
            let mut session = self.session.borrow_mut();
            session.end();
            session.link.is_in_body()
        };
        if is_unread && !std::mem::take(&mut self.session.borrow_mut().awaits_continue) {
            if !self.read_on().await {
                return Some(End::Linger);
            }
        } else if is_unread {
            return Some(End::Linger);
        }
        let session = self.session.borrow();
        match (closes, client_closes && session.link.unread().is_empty()) {
            (false, _) => None,
            (true, true) => Some(End::Close),
            (true, false) => Some(End::Linger),
        }
    }

    /// Reads on in a body that nobody wants, so that its sender finds the answer.
    async fn read_on(&mut self) -> bool {
        let settings = &self.context.settings;
        let (mut left, session) = (settings.unread_bytes_max, &self.session);
        let read = poll_fn(|cx| {
            let mut session = session.borrow_mut();
            if let Poll::Ready(Err(_)) = session.link.poll_write(cx) {
                return Poll::Ready(false);
            }
            poll_discard(&mut session, &mut left, cx)
        });
        timeout(settings.unread_time, read).await.unwrap_or(false)
    }

    /// Answers what is no request, and ends.
    async fn refuse(&mut self, violation: Violation) -> End {
        let id = refuse(&*self.context.answer, &self.peer, violation);
        let asked = Asked { head: Head::default(), is_head: false };
        let mut closes = true;
        match self.write(refusal_response(violation, id), asked, &mut closes).await {
            Written::Whole => End::Linger,
            Written::Gone | Written::Broken => End::Gone,
        }
    }
}

/// Enough for a client that is there.
const FLUSH_TIME: Duration = Duration::from_secs(1);
