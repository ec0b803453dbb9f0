//! The audit sink before the audit log is open.
//!
//! The log's signing key lies in the vault, and the vault records that it was opened: so the first
//! events wait here until the log takes them. If it never opens, nothing else starts.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ringwall_base::{Event, Sink, SinkError};

/// Keeps events until [`Relay::attach`], then hands them on.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    log: OnceLock<Arc<dyn Sink>>,
    early: Mutex<Vec<Event>>,
}

impl Relay {
    /// Hands over what waited, in order, and everything from now on.
    pub(crate) fn attach(&self, log: Arc<dyn Sink>) -> Result<(), SinkError> {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        for event in early.drain(..) {
            log.put(event)?;
        }
        // A second attach changes nothing: the first log stays.
        drop(self.log.set(log));
        Ok(())
    }
}

impl Sink for Relay {
    fn put(&self, event: Event) -> Result<(), SinkError> {
        if let Some(log) = self.log.get() {
            return log.put(event);
        }
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        if early.len() >= EARLY_MAX {
            return Err(SinkError::Deadline);
        }
        early.push(event);
        Ok(())
    }
}

/// Opening a vault records two events; this many means that the log will never open.
const EARLY_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use ringwall_testkit::MemorySink;

    use super::*;

    #[test]
    fn early_events_reach_the_log_first() {
        let (relay, log) = (Relay::default(), Arc::new(MemorySink::default()));
        let put = |action| relay.put(Event { action, ..Event::default() }).unwrap();
        put("vault-unsealed");
        relay.attach(Arc::<MemorySink>::clone(&log)).unwrap();
        put("secret-read");
        let actions: Vec<_> = log.take().iter().map(|event| event.action).collect();
        assert_eq!(actions, ["vault-unsealed", "secret-read"]);
    }
}
