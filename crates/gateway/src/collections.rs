//! Collections of the firewall's rules that several gateways keep together.
//!
//! As with limits (`exchange.rs`), every gateway goes by what it knows itself. What rules changed is
//! said ten times a second, additions as additions, and what comes back is taken over. A collection
//! that was not heard of lately is asked for at once. When the store is away, every gateway goes on
//! alone, that is said, and what changed meanwhile is said later, as far as there is room for it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_jose::base64url_encode;
use ringwall_store::{Act, Batch, Change, Member, Part, SharedCollections, SharedError};
use ringwall_waf::{Delta, DeltaChange, Stored, Told};
use tokio::time::{MissedTickBehavior, interval};

use crate::Core;
use crate::exchange::{EVERY, RETRY, Sharing};
use crate::firewall::Commons;

/// Exchanges collections with other gateways while [`Recollection::run`] is polled. Dropped, the
/// gateway remembers for itself alone again.
#[derive(Debug)]
pub struct Recollection {
    core: Arc<Core>,
    store: Arc<dyn SharedCollections>,
    /// No other exchange has this name.
    name: String,
    batches: u64,
    turn: u64,
}

/// A batch, and the collections of its parts.
type Unsaid = (Batch, Vec<Vec<u8>>);

impl Recollection {
    pub(crate) fn new(core: Arc<Core>, store: Arc<dyn SharedCollections>) -> io::Result<Self> {
        let mut name = [0; 16];
        core.seams().entropy.fill(&mut name)?;
        let turn = core.commons().sharing.begin();
        core.commons().replica.share(true);
        Ok(Self { core, store, name: base64url_encode(name), batches: 0, turn })
    }

    /// Exchanges collections for as long as it is polled.
    pub async fn run(mut self) {
        let mut turns = interval(EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unsaid = VecDeque::new();
        loop {
            let is_urgent = tokio::select! {
                _ = turns.tick() => false,
                () = self.core.commons().wake.notified() => true,
            };
            let outcome = self.once(is_urgent, &mut unsaid).await;
            self.core.tell_commons(&outcome);
            if outcome.is_err() {
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// Says what was changed since the last time, and takes over what all together came to.
    async fn once(
        &mut self,
        is_urgent: bool,
        unsaid: &mut VecDeque<Unsaid>,
    ) -> Result<(), SharedError> {
        // What was not heard is said again before anything else, and as it was.
        self.say(unsaid).await?;
        let (replica, now_secs) = (&self.core.commons().replica, self.now_secs());
        let told = if is_urgent { replica.take_urgent(now_secs) } else { replica.take(now_secs) };
        if told.is_empty() && !is_urgent {
            // Nobody asks: whether the store is there is looked at all the same.
            return self.store.merge(&Batch::default()).await.map(drop);
        }
        for told in told.chunks(Batch::PARTS_MAX) {
            self.batches = self.batches.wrapping_add(1);
            let id = format!("{}:{}", self.name, self.batches);
            let parts = told.iter().map(|told| part(told, now_secs)).collect();
            let places = told.iter().map(|told| told.place.clone()).collect();
            unsaid.push_back((Batch { id, parts }, places));
        }
        self.say(unsaid).await
    }

    async fn say(&self, unsaid: &mut VecDeque<Unsaid>) -> Result<(), SharedError> {
        while let Some((batch, places)) = unsaid.front() {
            let merged = self.store.merge(batch).await?;
            let now_secs = self.now_secs();
            for (place, members) in places.iter().zip(merged) {
                let members = members.into_iter().map(|one| stored(one, now_secs)).collect();
                self.core.commons().replica.learn(place, members, now_secs);
            }
            self.core.commons().heard.send_modify(|turn| *turn = turn.wrapping_add(1));
            unsaid.pop_front();
        }
        Ok(())
    }

    fn now_secs(&self) -> u64 {
        self.core.seams().clock.now().secs()
    }
}

impl Drop for Recollection {
    fn drop(&mut self) {
        if self.core.commons().sharing.end(self.turn) {
            self.core.commons().replica.share(false);
        }
    }
}

impl Core {
    /// Shares what rules remember with other gateways from now on. [`Recollection::run`] has to be
    /// polled.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn recollect(
        self: &Arc<Self>,
        store: Arc<dyn SharedCollections>,
    ) -> io::Result<Recollection> {
        Recollection::new(Arc::clone(self), store)
    }

    /// How the exchange of what rules remember goes.
    pub fn collections_state(&self) -> Sharing {
        self.commons().sharing.get()
    }

    fn tell_commons(&self, outcome: &Result<(), SharedError>) {
        self.tell(&self.commons().sharing, outcome, ["waf-store-away", "waf-store-back"]);
        if outcome.is_err() {
            // Whoever waits goes on with what is here.
            let commons: &Commons = self.commons();
            commons.heard.send_modify(|turn| *turn = turn.wrapping_add(1));
        }
    }
}

fn part(told: &Told, now_secs: u64) -> Part {
    let change = |delta: &Delta| Change {
        name: delta.name.clone(),
        act: match &delta.change {
            DeltaChange::Add(amount) => Act::Add(*amount),
            DeltaChange::Delete => Act::Delete,
            DeltaChange::Keep => Act::Keep,
            DeltaChange::Set(value) => Act::Set(value.clone()),
        },
        lasts: delta.expires_secs.map(|ends| left(ends, now_secs)),
        first_lasts: left(delta.first_expires_secs, now_secs),
    };
    let known = |one: &Stored| Member {
        name: one.name.clone(),
        value: one.value.clone(),
        lasts: left(one.expires_secs, now_secs),
    };
    Part {
        name: name(&told.place),
        changes: told.deltas.iter().map(change).collect(),
        known: told.members.iter().map(known).collect(),
    }
}

/// What clients have a part in becomes a hash: of one length, and without a character that could
/// mean something. Addresses and sessions do not stand in the store in clear.
fn name(place: &[u8]) -> String {
    let collection = place.split(|byte| *byte == 0).next().unwrap_or_default();
    let hash = base64url_encode(digest(&SHA256, place));
    format!("{}:{hash}", String::from_utf8_lossy(collection))
}

fn stored(member: Member, now_secs: u64) -> Stored {
    // A part of a second is one: what has not ended yet is not taken for ended.
    let secs = member.lasts.as_secs().saturating_add(u64::from(member.lasts.subsec_nanos() > 0));
    let expires_secs = now_secs.saturating_add(secs);
    Stored { name: member.name, value: member.value, expires_secs }
}

fn left(ends_secs: u64, now_secs: u64) -> Duration {
    Duration::from_secs(ends_secs.saturating_sub(now_secs))
}
