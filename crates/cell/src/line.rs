//! What a service prints, line by line, within limits.

use std::io::{BufRead, BufReader, Read};

use tokio::sync::mpsc;

/// A longer line is cut into several: a log line is read by a person.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// Lines that wait for their reader. Beyond it they are counted and dropped, because a service
/// must not stand still when nobody looks at its output.
pub(crate) const LINES_WAITING_MAX: usize = 4_096;

/// Where a line was printed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Stream {
    /// Standard error.
    Err,
    /// Standard output.
    Out,
}

/// One line of a service's output, without its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// Where it was printed.
    pub stream: Stream,
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// How many lines were dropped before this one because nobody read them.
    pub dropped: u64,
}

/// Receives the lines of a service; ends when all its processes have closed their output.
pub type LineReader = mpsc::Receiver<Line>;

/// Cuts `source` into lines until it ends.
pub(crate) fn pump(source: impl Read, stream: Stream, lines: &mpsc::Sender<Line>) {
    let mut source = BufReader::new(source);
    let mut dropped = 0_u64;
    let mut bytes = Vec::new();
    while let Ok(1..) = source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes) {
        let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
        bytes.clear();
        match lines.try_send(Line { stream, text, dropped }) {
            Ok(()) => dropped = 0,
            Err(mpsc::error::TrySendError::Full(_)) => dropped = dropped.saturating_add(1),
            // Nobody will read again; the pipe is still emptied so that the service goes on.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_unread_ones_are_counted() {
        let (sender, mut lines) = mpsc::channel(2);
        let text = format!("{}\nb\nc\nd\n", "a".repeat(16 * 1024 + 1));
        pump(text.as_bytes(), Stream::Out, &sender);
        assert_eq!(lines.try_recv().unwrap().text.len(), 16 * 1024);
        assert_eq!(lines.try_recv().unwrap().text, "a");
        assert!(lines.try_recv().is_err());
        pump(&b"bad \xff\r\n"[..], Stream::Err, &sender);
        assert_eq!(lines.try_recv().unwrap().text, "bad \u{fffd}");
    }
}
