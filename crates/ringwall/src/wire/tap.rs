//! `ringwall tap`: what is recorded of requests, while somebody looks.
//!
//! Looks at events on their way to the audit log, so the data plane does nothing for it. Nobody
//! looks: one atomic read. Somebody looks: a copy into a ring, unless another thread is at it just
//! then; nothing waits. Events have no query, no body, no header and no token; what stands in paths
//! and names is masked here.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ringwall_api::{Tapped, Taps};
use ringwall_base::{Clock, Notice, Outcome};

/// The newest events, while somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    /// Monotonic milliseconds until which somebody looks; zero: nobody.
    until: AtomicU64,
    dropped: AtomicU64,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    /// The number of the first entry.
    first: u64,
    entries: VecDeque<Tapped>,
}

impl Tap {
    /// Copies an event, if somebody looks.
    pub(crate) fn offer(&self, event: &Notice<'_>, clock: &dyn Clock) {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 || event.request.is_none() {
            return;
        }
        if millis(clock.monotonic()) > until {
            self.until.store(0, Ordering::Relaxed);
            return;
        }
        let Ok(mut ring) = self.ring.try_lock() else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if ring.entries.len() >= ENTRIES_MAX {
            ring.entries.pop_front();
            ring.first = ring.first.saturating_add(1);
        }
        ring.entries.push_back(masked(event));
    }

    /// Events from number `from` on, and the number to ask with next. Looks on for a while.
    pub(crate) fn look(&self, from: Option<u64>, clock: &dyn Clock) -> Taps {
        let until = clock.monotonic().saturating_add(ATTENTION);
        self.until.store(millis(until).max(1), Ordering::Relaxed);
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let length = u64::try_from(ring.entries.len()).unwrap_or(u64::MAX);
        let next = ring.first.saturating_add(length);
        let from = from.unwrap_or(next).min(next);
        let skipped = usize::try_from(from.saturating_sub(ring.first)).unwrap_or(usize::MAX);
        let entries = ring.entries.iter().skip(skipped).cloned().collect();
        let overrun = ring.first.saturating_sub(from);
        let dropped = self.dropped.swap(0, Ordering::Relaxed).saturating_add(overrun);
        Taps { next, dropped, entries }
    }
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn masked(event: &Notice<'_>) -> Tapped {
    Tapped {
        at: event.at.to_string(),
        request: event.request.unwrap_or_default().to_owned(),
        outcome: match event.outcome {
            Outcome::Success => "allowed",
            Outcome::Failure => "refused",
            Outcome::WouldDeny => "would-refuse",
        }
        .to_owned(),
        status: event.status,
        code: event.code.map(str::to_owned),
        method: owned(event.method),
        path: event.path.map(mask_path),
        service: owned(event.service),
        operation: owned(event.operation),
        caller: owned(event.caller.or(event.client)),
        person: event.person_name.map(mask_name),
        micros: event.duration_micros,
    }
}

/// Segments that look like somebody's number, address or key are not shown.
fn mask_path(path: &str) -> String {
    let hide = |segment: &str| {
        segment.chars().count() > SEGMENT_CHARS_MAX
            || segment.chars().any(|c| !c.is_ascii_alphabetic() && !matches!(c, '-' | '_'))
    };
    let segments = path.split('/').map(|segment| if hide(segment) { "*" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// The first letter tells two people apart often enough.
fn mask_name(name: &str) -> String {
    name.chars().next().map_or_else(String::new, |first| format!("{first}*"))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A second of 4,000 requests, between two looks five of a fifth of it.
const ENTRIES_MAX: usize = 4_096;

/// Whoever looks comes back sooner.
const ATTENTION: Duration = Duration::from_secs(3);

/// A longer word is a token rather than a name.
const SEGMENT_CHARS_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use ringwall_base::{Event, ManualClock, Timestamp};

    use super::*;

    fn event(path: &str) -> Event {
        Event {
            request: Some("r-1".to_owned()),
            path: Some(path.to_owned()),
            person_name: Some("ada@example.com".to_owned()),
            ..Event::default()
        }
    }

    #[test]
    fn what_could_name_somebody_is_masked() {
        for (path, shown) in [
            ("/books", "/books"),
            ("/books/7/pages", "/books/*/pages"),
            ("/people/ada@example.com", "/people/*"),
            ("/t/abcdefghijklmnopqrstuvwxyz", "/t/*"),
            ("/a%20b/", "/*/"),
        ] {
            assert_eq!(mask_path(path), shown);
        }
        assert_eq!(mask_name("ada@example.com"), "a*");
    }

    #[test]
    fn nothing_is_kept_while_nobody_looks_and_little_while_somebody_does() {
        let (tap, clock) = (Tap::default(), ManualClock::at(Timestamp::from_secs(9)));
        tap.offer(&event("/early").notice(), &clock);
        let taps = tap.look(None, &clock);
        assert!(taps.entries.is_empty());
        for _ in 0..ENTRIES_MAX + 5 {
            tap.offer(&event("/books").notice(), &clock);
        }
        let taps = tap.look(Some(taps.next), &clock);
        assert_eq!((taps.entries.len(), taps.dropped), (ENTRIES_MAX, 5));
        assert_eq!(taps.entries[0].path.as_deref(), Some("/books"));
        clock.advance(ATTENTION + Duration::from_millis(2));
        tap.offer(&event("/late").notice(), &clock);
        assert!(tap.look(Some(taps.next), &clock).entries.is_empty());
    }
}
