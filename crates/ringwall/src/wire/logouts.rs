//! Tells applications that sessions have ended: posts what identity has waiting, a round at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use ringwall_identity::{Identity, LogoutMessage, Told};
use ringwall_net::Fetch;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use super::roots::system_roots;
use crate::paths::Place;

/// The rounds.
#[derive(Debug)]
pub(crate) struct Logouts {
    post: Arc<Post>,
    round: Option<JoinHandle<()>>,
}

/// How messages get out. Their addresses are those that an operator registered.
#[derive(Debug)]
struct Post {
    plain: Fetch,
    /// Without any root nobody is trusted.
    secure: Option<Fetch>,
}

impl Logouts {
    /// Trusts what this machine trusts, and the fleet's own authority.
    pub(crate) fn new(place: &Place) -> Self {
        let mut roots = system_roots().unwrap_or_default();
        roots.extend(std::fs::read(place.ca()).unwrap_or_default());
        let post = Post { plain: Fetch::plain(), secure: Fetch::secure(&roots).ok() };
        Self { post: Arc::new(post), round: None }
    }

    /// Begins a round, if the last one is over.
    pub(crate) fn go(&mut self, identity: &Identity) {
        if self.round.as_ref().is_some_and(|round| !round.is_finished()) {
            return;
        }
        self.round = Some(tokio::spawn(round(identity.clone(), Arc::clone(&self.post))));
    }
}

impl Drop for Logouts {
    fn drop(&mut self) {
        // What was not settled is sent again by who comes next.
        if let Some(round) = &self.round {
            round.abort();
        }
    }
}

async fn round(identity: Identity, post: Arc<Post>) {
    let asked = identity.clone();
    let due = match spawn_blocking(move || asked.due_logouts()).await {
        Ok(Ok(due)) => due,
        Ok(Err(error)) => return tracing::error!(%error, "messages of logouts are not read"),
        Err(error) => return tracing::error!(%error, "reading messages of logouts panicked"),
    };
    let mut under_way = JoinSet::new();
    for message in due {
        let (identity, post) = (identity.clone(), Arc::clone(&post));
        under_way.spawn(async move {
            let told = post.tell(&message).await;
            let settled = spawn_blocking(move || identity.settle_logout(&message, &told)).await;
            if let Ok(Err(error)) = settled {
                tracing::error!(%error, "a message of a logout is sent again");
            }
        });
    }
    while under_way.join_next().await.is_some() {}
}

impl Post {
    async fn tell(&self, message: &LogoutMessage) -> Told {
        let fetch = if message.uri.starts_with("https:") {
            self.secure.as_ref()
        } else {
            Some(&self.plain)
        };
        let Some(fetch) = fetch else {
            return Told::Later("this machine trusts no server".to_owned());
        };
        let request = Request::post(&message.uri)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(message.form.clone()));
        let Ok(request) = request else {
            return Told::Refused("the address is malformed".to_owned());
        };
        match tokio::time::timeout(ANSWER_TIME, fetch.send(request)).await {
            Ok(Ok(answer)) => judged(answer.status()),
            Ok(Err(error)) => Told::Later(error.to_string()),
            Err(_elapsed) => Told::Later("no answer in time".to_owned()),
        }
    }
}

/// OpenID Connect Back-Channel Logout section 2.8: 200, which some frameworks turn into 204, or 400.
/// Redirects are not followed: nobody registered where they lead.
fn judged(status: StatusCode) -> Told {
    let why = || format!("the application answered {}", status.as_u16());
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Told::Later(why())
        }
        status if status.is_success() => Told::Taken,
        status if status.is_server_error() => Told::Later(why()),
        _ => Told::Refused(why()),
    }
}

const ANSWER_TIME: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_success_a_refusal_or_a_reason_to_try_again() {
        for (status, told) in [
            (200, Told::Taken),
            (204, Told::Taken),
            (302, Told::Refused("the application answered 302".to_owned())),
            (400, Told::Refused("the application answered 400".to_owned())),
            (429, Told::Later("the application answered 429".to_owned())),
            (503, Told::Later("the application answered 503".to_owned())),
        ] {
            assert_eq!(judged(StatusCode::from_u16(status).unwrap()), told);
        }
    }
}
