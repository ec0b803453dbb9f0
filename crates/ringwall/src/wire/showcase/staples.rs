//! OCSP answers for the certificates of the public door, fetched beside the running server.
//!
//! Nothing is fetched unless the manifest says `ocsp = true`, and only from the responder that a
//! certificate of ours names.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ringwall_base::{Clock, Timestamp};
use ringwall_net::{Certificate, Fetch, Ocsp, Staple};
use tokio::task::JoinHandle;

use super::Showcase;

/// The task that fetches. It ends with this.
#[derive(Debug)]
pub(super) struct Stapling {
    task: JoinHandle<()>,
}

/// The last good answers, by leaf.
#[derive(Debug, Default)]
pub(super) struct Staples {
    by_leaf: HashMap<Vec<u8>, Answered>,
}

/// How it is with one certificate.
#[derive(Debug, Default)]
struct Answered {
    staple: Option<Staple>,
    /// When the responder is asked again.
    due: Timestamp,
    problem: Option<String>,
}

impl Drop for Stapling {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Staples {
    /// The certificate with its answer, if there is one that is still good.
    pub(super) fn dress(&self, certificate: &Certificate, now: Timestamp) -> Certificate {
        let answered = self.of(certificate).and_then(|answered| answered.staple.as_ref());
        match answered.filter(|staple| staple.end() > now) {
            Some(staple) => certificate.with_staple(staple),
            None => certificate.clone(),
        }
    }

    /// What is wrong with a certificate's answer.
    pub(super) fn problem(&self, certificate: &Certificate) -> Option<String> {
        self.of(certificate)?.problem.clone()
    }

    /// Whether the responder is to be asked now.
    pub(super) fn is_due(&self, certificate: &Certificate, now: Timestamp) -> bool {
        self.of(certificate).is_none_or(|answered| answered.due <= now)
    }

    /// Takes an answer, or why there is none: then the last good one stays until its end.
    pub(super) fn take(
        &mut self,
        certificate: &Certificate,
        answer: Result<Staple, String>,
        now: Timestamp,
    ) {
        let Some(leaf) = certificate.chain().first() else { return };
        let answered = self.by_leaf.entry(leaf.to_vec()).or_default();
        match answer {
            Ok(staple) => {
                answered.due = staple.refresh_at().max(now.plus(PAUSE));
                (answered.staple, answered.problem) = (Some(staple), None);
            }
            Err(why) => {
                tracing::warn!(error = %why, "no OCSP answer; the last good one stays in use");
                answered.due = now.plus(AGAIN);
                answered.problem = Some(format!("OCSP: {why}"));
            }
        }
    }

    /// Forgets certificates that are not shown any more.
    pub(super) fn keep(&mut self, certificates: &[Certificate]) {
        self.by_leaf.retain(|leaf, _| {
            certificates.iter().any(|one| one.chain().first().is_some_and(|one| **one == **leaf))
        });
    }

    fn of(&self, certificate: &Certificate) -> Option<&Answered> {
        self.by_leaf.get(certificate.chain().first()?.as_ref())
    }
}

/// Begins.
pub(super) fn start(showcase: &Arc<Showcase>, clock: Arc<dyn Clock>) -> Stapling {
    Stapling { task: tokio::spawn(run(Arc::downgrade(showcase), clock)) }
}

async fn run(showcase: Weak<Showcase>, clock: Arc<dyn Clock>) {
    loop {
        let Some(due) = showcase.upgrade().map(|showcase| showcase.unstapled(clock.now())) else {
            return;
        };
        for certificate in due {
            let Some(question) = Ocsp::of(&certificate) else { continue };
            let answer = ask(&question, clock.as_ref()).await;
            let Some(showcase) = showcase.upgrade() else { return };
            showcase.staple(&certificate, answer, clock.now());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask(question: &Ocsp, clock: &dyn Clock) -> Result<Staple, String> {
    let from = |why: &dyn std::fmt::Display| format!("{}: {why}", question.responder());
    let Some(request) = question.request() else {
        return Err(from(&"no address"));
    };
    let answer = Fetch::plain().send(request).await.map_err(|error| from(&error))?;
    question.read(answer.body(), clock.now()).map_err(|error| from(&error))
}

/// How often it is looked whether something is due.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a responder that gave nothing of use is left alone.
const AGAIN: Duration = Duration::from_mins(10);
