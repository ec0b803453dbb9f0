//! Unpacking that stops when it becomes too much.

use std::io::{self, Read};

use crate::limits::{RATIO_FREE_BYTES, SNIFF_BYTES};

/// Why unpacking stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Over {
    /// The packed bytes are no such bytes.
    Broken,
    /// Too much for the packed size.
    Ratio,
    /// Too much for one request.
    Size,
}

/// Unpacked bytes, counted.
#[derive(Debug)]
pub(super) struct Meter<R> {
    packed: R,
    /// The first bytes, which were read to see what it is.
    head: Vec<u8>,
    given: usize,
    unpacked: u64,
    ratio_bytes_max: u64,
    bytes_max: u64,
    over: Option<Over>,
}

impl<R: Read> Meter<R> {
    /// Bytes that are packed in so many, and how many times larger they may be.
    pub(super) fn new(packed: R, (packed_bytes, ratio_max): (u64, u64), bytes_max: u64) -> Self {
        let ratio_bytes_max = packed_bytes.saturating_mul(ratio_max).max(RATIO_FREE_BYTES);
        let mut meter = Self {
            packed,
            head: Vec::new(),
            given: 0,
            unpacked: 0,
            ratio_bytes_max,
            bytes_max,
            over: None,
        };
        let mut head = vec![0; SNIFF_BYTES];
        let mut filled = 0;
        while let Some(room) = head.get_mut(filled..).filter(|room| !room.is_empty()) {
            match meter.more(room) {
                0 => break,
                read => filled = filled.saturating_add(read),
            }
        }
        head.truncate(filled);
        meter.head = head;
        meter
    }

    /// The first bytes.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(super) const fn unpacked(&self) -> u64 {
        self.unpacked
    }

    /// All bytes, if they are not more than this.
    pub(super) fn whole(&mut self, bytes_max: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = bytes_max.saturating_add(1);
        self.by_ref().take(most).read_to_end(&mut bytes).ok()?;
        (crate::bytes::length(&bytes) <= bytes_max && self.over.is_none()).then_some(bytes)
    }

    /// Unpacks what is left, and says why it stopped before the end.
    pub(super) fn drain(&mut self) -> Option<Over> {
        let mut room = [0; CHUNK_BYTES];
        while self.more(&mut room) > 0 {}
        self.over
    }

    fn more(&mut self, room: &mut [u8]) -> usize {
        if self.over.is_some() {
            return 0;
        }
        let Ok(read) = self.packed.read(room) else {
            self.over = Some(Over::Broken);
            return 0;
        };
        self.unpacked = self.unpacked.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if self.unpacked > self.ratio_bytes_max {
            self.over = Some(Over::Ratio);
        } else if self.unpacked > self.bytes_max {
            self.over = Some(Over::Size);
        }
        if self.over.is_some() { 0 } else { read }
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let left = self.head.get(self.given..).unwrap_or_default();
        if left.is_empty() {
            return Ok(self.more(room));
        }
        let read = left.len().min(room.len());
        for (to, from) in room.iter_mut().zip(left) {
            *to = *from;
        }
        self.given = self.given.saturating_add(read);
        Ok(read)
    }
}

const CHUNK_BYTES: usize = 8 * 1024;
