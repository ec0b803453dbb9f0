//! Counts what goes over one HTTP/2 connection: the library below answers every frame.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::Instant;

use super::flood::{Flood, FrameLimits};
use super::walk::Head;
use crate::Violation;

/// What was seen on a connection. Shared by the reader below and the task above it, on one thread.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: FrameLimits,
    counts: RefCell<Counts>,
    flood: Cell<Option<Flood>>,
    reads: Cell<u64>,
    writes: Cell<u64>,
    is_blocked: Cell<bool>,
    faults: Cell<u64>,
    fault: Cell<Violation>,
    /// The last stream that was given to us. What is answered beyond it, the library answers.
    accepted: Cell<u32>,
}

#[derive(Debug)]
struct Counts {
    since: Instant,
    written: u64,
    of: [(Flood, u32); 7],
}

impl Meter {
    pub(crate) fn new(limits: FrameLimits) -> Self {
        Self {
            limits,
            counts: RefCell::new(Counts::new(0)),
            flood: Cell::default(),
            reads: Cell::default(),
            writes: Cell::default(),
            is_blocked: Cell::default(),
            faults: Cell::default(),
            fault: Cell::new(Violation::Stream),
            accepted: Cell::new(u32::MAX),
        }
    }

    /// What the peer sent too much of.
    pub(crate) fn flood(&self) -> Option<Flood> {
        self.flood.get()
    }

    /// Grows when something was read.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.get()
    }

    /// Bytes written so far.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.get()
    }

    /// Whether the last write found no room.
    pub(crate) fn is_blocked(&self) -> bool {
        self.is_blocked.get()
    }

    /// Streams that we had to reset because of what the peer sent.
    pub(crate) fn faults(&self) -> u64 {
        self.faults.get()
    }

    /// A stream was given to us; zero at the beginning of a client's connection.
    pub(crate) fn accept(&self, stream: u32) {
        self.accepted.set(stream);
    }

    /// What the last one was for.
    pub(crate) fn fault(&self) -> Violation {
        self.fault.replace(Violation::Stream)
    }

    pub(super) fn read(&self, count: usize) {
        add(&self.reads, count);
    }

    pub(super) fn wrote(&self, count: usize) {
        self.is_blocked.set(false);
        add(&self.writes, count);
    }

    pub(super) fn block(&self) {
        self.is_blocked.set(true);
    }

    /// A frame from the peer.
    pub(super) fn came(&self, head: Head) {
        let is_flagged = head.flags & ACK_OR_END != 0;
        let kind = match head.kind {
            DATA if head.length == 0 && !is_flagged => Flood::Empties,
            PING if !is_flagged => Flood::Pings,
            SETTINGS if !is_flagged => Flood::Settings,
            RST_STREAM => Flood::Resets,
            WINDOW_UPDATE => Flood::Windows,
            CONTINUATION => Flood::Continuations,
            DATA | HEADERS | SETTINGS | PUSH_PROMISE | PING | GOAWAY => return,
            _other => Flood::Priorities,
        };
        let mut counts = self.counts.borrow_mut();
        let written = self.writes.get();
        let Some((_, count)) = counts.of.iter_mut().find(|(of, _)| *of == kind) else { return };
        *count = count.saturating_add(1);
        let count = u64::from(*count);
        let mut max = u64::from(self.limits.max(kind));
        if count <= max {
            return;
        }
        if kind == Flood::Windows {
            // Who takes much says often that there is room again.
            let taken = written.saturating_sub(counts.written);
            max = max.saturating_add(taken.checked_div(BYTES_PER_WINDOW).unwrap_or(0));
        }
        // The clock is read only when a limit is reached: frames cost no more than a count.
        if counts.since.elapsed() >= self.limits.window {
            *counts = Counts::new(written);
        } else if count > max {
            self.flood.set(Some(kind));
        }
    }

    /// A frame from us. A reset is told by its code (RFC 9113 section 7). Whether it is a GOAWAY
    /// that says why.
    pub(super) fn went(&self, head: Head) -> bool {
        if head.kind == HEADERS && head.stream > self.accepted.get() {
            // A header list over its limit: the library answers 431.
            add(&self.faults, 1);
            self.fault.set(Violation::HeadTooLarge);
        }
        if head.kind == RST_STREAM && !matches!(head.code, NO_ERROR | INTERNAL_ERROR | CANCEL) {
            add(&self.faults, 1);
        }
        head.kind == GOAWAY && head.length > GOAWAY_BYTES
    }

    /// What was written with such a GOAWAY. The library says nowhere else which of its own limits
    /// it was.
    pub(super) fn told(&self, bytes: &[u8]) {
        let is_said = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        if let Some((_, violation)) = LIBRARY.into_iter().find(|(text, _)| is_said(text)) {
            self.fault.set(violation);
        }
    }

    /// How often somebody should look at the meter, if a limit is to be held to a quarter.
    pub(crate) fn period(shortest: Duration) -> Duration {
        let quarter = shortest.checked_div(4).unwrap_or(shortest);
        quarter.clamp(Duration::from_millis(10), Duration::from_secs(5))
    }
}

impl Counts {
    fn new(written: u64) -> Self {
        let kinds = [
            Flood::Windows,
            Flood::Resets,
            Flood::Pings,
            Flood::Settings,
            Flood::Priorities,
            Flood::Empties,
            Flood::Continuations,
        ];
        Self { since: Instant::now(), written, of: kinds.map(|kind| (kind, 0)) }
    }
}

fn add(cell: &Cell<u64>, count: usize) {
    cell.set(cell.get().saturating_add(u64::try_from(count).unwrap_or(u64::MAX)));
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

/// Codes of resets that the peer is not to blame for.
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const CANCEL: u32 = 8;

/// Without a reason: the last stream and a code (RFC 9113 section 6.8).
const GOAWAY_BYTES: u32 = 8;

/// Reasons of the library, and what they are about.
const LIBRARY: [(&str, Violation); 4] = [
    ("header_list_way_too_large", Violation::HeadTooLarge),
    ("too_many_continuations", Violation::Flood(Flood::Continuations)),
    ("too_many_resets", Violation::Flood(Flood::Resets)),
    ("too_many_data_frames", Violation::Flood(Flood::Empties)),
];

/// The same bit: ACK of SETTINGS and PING, `END_STREAM` of DATA.
const ACK_OR_END: u8 = 1;

/// Two `WINDOW_UPDATE` frames for each 512 bytes would be a strange reader already.
const BYTES_PER_WINDOW: u64 = 512;
