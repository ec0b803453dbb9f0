//! The audit sink while there is no log of its own: at the start, and when another process takes
//! over.
//!
//! The log's signing key lies in the vault, and the vault records that it was opened: so the first
//! events wait here until the log takes them. If it never opens, nothing else starts. When a new
//! process takes the log over, events wait here until that one takes them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use ringwall_base::{Class, Clock, Event, Notice, Sink, SinkError};

use super::tap::Tap;

/// Keeps events until [`Relay::attach`], then hands them on, until [`Relay::hold`].
#[derive(Debug, Default)]
pub(crate) struct Relay {
    taker: ArcSwapOption<Arc<dyn Sink>>,
    waiting: Mutex<Vec<Event>>,
    attached: Condvar,
    /// From the first log on, what has to be durable is not believed to be so before it is.
    has_begun: AtomicBool,
    /// Who looks at requests as they are recorded.
    tap: Tap,
    clock: OnceLock<Arc<dyn Clock>>,
}

impl Relay {
    /// A relay that can be looked at.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock: OnceLock::from(clock), ..Self::default() }
    }

    /// Who looks.
    pub(crate) const fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Hands over what waited, in order, and everything from now on.
    pub(crate) fn attach(&self, taker: Arc<dyn Sink>) -> Result<(), SinkError> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for event in waiting.drain(..) {
            taker.put(event)?;
        }
        self.taker.store(Some(Arc::new(taker)));
        self.has_begun.store(true, Ordering::Relaxed);
        self.attached.notify_all();
        Ok(())
    }

    /// Keeps events again, until the next [`Relay::attach`].
    pub(crate) fn hold(&self) {
        self.taker.store(None);
    }

    /// An event that has to be durable before its cause goes on waits for a taker.
    fn wait(&self, event: Event) -> Result<(), SinkError> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_alone = |_: &mut Vec<Event>| self.taker.load().is_none();
        let waited = self.attached.wait_timeout_while(waiting, SYNC_DEADLINE, is_alone);
        drop(waited);
        match self.taker.load_full() {
            Some(taker) => taker.put(event),
            None => Err(SinkError::Deadline),
        }
    }
}

impl Sink for Relay {
    fn put(&self, event: Event) -> Result<(), SinkError> {
        if let Some(clock) = self.clock.get() {
            self.tap.offer(&event.notice(), &**clock);
        }
        if let Some(taker) = &*self.taker.load() {
            return taker.put(event);
        }
        self.keep(event)
    }

    fn note(&self, notice: &Notice<'_>) -> Result<(), SinkError> {
        if let Some(clock) = self.clock.get() {
            self.tap.offer(notice, &**clock);
        }
        if let Some(taker) = &*self.taker.load() {
            return taker.note(notice);
        }
        self.keep(notice.event())
    }
}

impl Relay {
    /// Keeps an event for the next taker.
    fn keep(&self, event: Event) -> Result<(), SinkError> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taker) = self.taker.load_full() {
            // Attached in between: what waited went first.
            drop(waiting);
            return taker.put(event);
        }
        let has_begun = self.has_begun.load(Ordering::Relaxed);
        if has_begun && event.class == Class::Sync {
            drop(waiting);
            return self.wait(event);
        }
        if waiting.len() >= if has_begun { HELD_MAX } else { EARLY_MAX } {
            return Err(SinkError::Deadline);
        }
        waiting.push(event);
        Ok(())
    }
}

/// Opening a vault records two events; this many means that the log will never open.
const EARLY_MAX: usize = 64;

/// Two seconds of 30,000 requests: a new process takes them after a fraction of one.
const HELD_MAX: usize = 60_000;

/// As the log itself waits for the disk.
const SYNC_DEADLINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use ringwall_testkit::MemorySink;

    use super::*;

    fn put(relay: &Relay, action: &'static str, class: Class) -> Result<(), SinkError> {
        relay.put(Event { action, class, ..Event::default() })
    }

    fn actions(log: &MemorySink) -> Vec<&'static str> {
        log.take().iter().map(|event| event.action).collect()
    }

    #[test]
    fn early_events_reach_the_log_first() {
        let (relay, log) = (Relay::default(), Arc::new(MemorySink::default()));
        put(&relay, "vault-unsealed", Class::Sync).unwrap();
        relay.attach(Arc::<MemorySink>::clone(&log)).unwrap();
        put(&relay, "secret-read", Class::Sync).unwrap();
        assert_eq!(actions(&log), ["vault-unsealed", "secret-read"]);
    }

    #[test]
    fn what_happens_between_two_logs_is_in_the_second_in_order() {
        let (relay, log) = (Arc::new(Relay::default()), Arc::new(MemorySink::default()));
        relay.attach(Arc::<MemorySink>::clone(&log)).unwrap();
        relay.hold();
        put(&relay, "access-allowed", Class::Group).unwrap();
        let durable = std::thread::spawn({
            let relay = Arc::clone(&relay);
            move || put(&relay, "login-failed", Class::Sync)
        });
        put(&relay, "access-denied", Class::Group).unwrap();
        assert!(log.take().is_empty());
        relay.attach(Arc::<MemorySink>::clone(&log)).unwrap();
        durable.join().unwrap().unwrap();
        assert_eq!(actions(&log), ["access-allowed", "access-denied", "login-failed"]);
    }
}
