//! An audit log that keeps its events in memory.

use std::sync::Mutex;

use ringwall_base::{Event, Sink, SinkError};

/// Remembers every event. `take` empties it.
#[derive(Debug, Default)]
pub struct MemorySink(Mutex<Vec<Event>>);

impl MemorySink {
    /// All events so far, in order; the memory is empty afterwards.
    pub fn take(&self) -> Vec<Event> {
        self.0.lock().map(|mut events| std::mem::take(&mut *events)).unwrap_or_default()
    }
}

impl Sink for MemorySink {
    fn put(&self, event: Event) -> Result<(), SinkError> {
        let mut events = self
            .0
            .lock()
            .map_err(|poisoned| SinkError::Write(std::io::Error::other(poisoned.to_string())))?;
        events.push(event);
        Ok(())
    }
}
