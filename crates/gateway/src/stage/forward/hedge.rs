//! Hedging: a second attempt beside a slow first one, at another endpoint. The first answer wins.

use std::pin::pin;
use std::time::Duration;

use http::{Request, Response};
use ringwall_net::Body;
use tokio::time::sleep;

use super::attempts::{Asked, Attempts, Failed};
use super::spare::Spare;

impl Attempts<'_> {
    /// Sends the request, and once more when there is no answer after a while. Charged to the
    /// budget like any other second attempt; the loser is dropped, which closes its connection.
    pub(super) async fn hedged(
        &self,
        asked: &mut Asked,
        request: Box<Request<Body>>,
        spare: &Spare,
        after: Duration,
    ) -> Result<Response<Body>, Failed> {
        let Some((place, endpoint)) = self.pick(asked) else { return Err(Failed::Nobody) };
        asked.push(place);
        // On the heap: two of them at once are large, and few requests are hedged.
        let mut first = Box::pin(self.ask(place, endpoint, request));
        tokio::select! {
            biased;
            answer = first.as_mut() => return answer,
            () = sleep(after) => {}
        }
        if self.is_alone() {
            return first.await;
        }
        let (Some(_charged), Some((place, endpoint))) = (self.charge(), self.pick(asked)) else {
            return first.await;
        };
        asked.push(place);
        self.upstreams().counts().hedges.up();
        let mut second = pin!(self.ask(place, endpoint, spare.request(2)));
        tokio::select! {
            biased;
            answer = first.as_mut() => match answer {
                Ok(response) => Ok(response),
                Err(_slow_and_failed) => second.await,
            },
            answer = second.as_mut() => match answer {
                Ok(response) => {
                    self.upstreams().counts().hedges_won.up();
                    Ok(response)
                }
                Err(_failed) => first.await,
            },
        }
    }
}
