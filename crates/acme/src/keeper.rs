//! Keeps a certificate good: orders, renews, waits after failures.

use std::time::Duration;

use ringwall_base::Timestamp;

use crate::schedule::{renew_at, renew_in, retry_after};
use crate::{Acme, AcmeError, Kept};

/// The state between two looks.
#[derive(Debug)]
pub struct Keeper {
    acme: Acme,
    kept: Option<Kept>,
    /// When there is something to do.
    due: Timestamp,
    /// When the server is asked for advice again.
    ask: Timestamp,
    failures: u32,
    problem: Option<String>,
}

impl Keeper {
    /// Begins with the last good certificate, if it still is one.
    ///
    /// # Errors
    /// When keys cannot be read.
    pub fn new(acme: Acme) -> Result<Self, AcmeError> {
        let now = acme.seams.clock.now();
        let kept = acme.kept()?.filter(|kept| kept.expires() > now);
        let mut keeper = Self {
            acme,
            kept,
            due: Timestamp::default(),
            ask: Timestamp::default(),
            failures: 0,
            problem: None,
        };
        keeper.plan()?;
        Ok(keeper)
    }

    /// What is shown now; `None` before the first order is done.
    pub const fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// Why the last try failed, in words for an operator.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// How long there is nothing to do.
    pub fn pause(&self) -> Duration {
        let now = self.acme.seams.clock.now();
        // `since` is zero for a moment that has passed. A clock that jumps is noticed in a minute.
        let next = if self.kept.is_some() { self.due.min(self.ask) } else { self.due };
        next.since(now).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    /// Does what is due. Returns the new certificate, if there is one.
    ///
    /// # Errors
    /// When a try failed: what was kept stays, and the next try waits.
    pub async fn tend(&mut self) -> Result<Option<&Kept>, AcmeError> {
        let now = self.acme.seams.clock.now();
        if let Some(kept) = self.kept.as_ref().filter(|_| self.failures == 0 && self.ask <= now) {
            // RFC 9773 section 4.3: asked again when the server says, a day later at most.
            let advice = self.acme.advice(kept).await;
            let again = advice.map_or(ASK_AGAIN, |advice| advice.again.clamp(ASK_MIN, ASK_AGAIN));
            self.ask = now.plus(again);
            if let Some(advice) = advice {
                let own = renew_at(kept.life(), u16::MAX);
                // Never later than we would by ourselves: a server's mistake must not end us.
                self.due = renew_in(advice.window, self.dice()?).min(own);
            }
        }
        if self.due > now {
            return Ok(None);
        }
        match self.acme.order(self.kept.as_ref()).await {
            Ok(kept) => {
                self.kept = Some(kept);
                (self.failures, self.problem) = (0, None);
                self.ask = Timestamp::default();
                self.plan()?;
                Ok(self.kept.as_ref())
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.due = now.plus(retry_after(self.failures, error.wait(), self.dice()?));
                self.problem = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Sets when to renew by the certificate alone; at once when there is none for all names.
    fn plan(&mut self) -> Result<(), AcmeError> {
        let names = &self.acme.settings.names;
        let kept = self.kept.as_ref().filter(|kept| kept.covers(names));
        self.due = match kept {
            Some(kept) => renew_at(kept.life(), self.dice()?),
            None => Timestamp::default(),
        };
        Ok(())
    }

    fn dice(&self) -> Result<u16, AcmeError> {
        let mut bytes = [0; 2];
        self.acme.seams.entropy.fill(&mut bytes)?;
        Ok(u16::from_le_bytes(bytes))
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
const ASK_AGAIN: Duration = Duration::from_hours(24);
const ASK_MIN: Duration = Duration::from_mins(1);
