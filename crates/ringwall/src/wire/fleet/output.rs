//! The output of a service: into a file, and the last lines in memory for a report.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use ringwall_cell::{Line, LineReader};

use crate::wire::ground::make_private;

/// The last lines.
#[derive(Debug)]
pub(crate) struct Output {
    last: Arc<Mutex<VecDeque<String>>>,
}

impl Output {
    /// Starts a thread that writes the lines to `<folder>/<service>.log` until the service ends.
    pub(crate) fn start(folder: &Path, service: &str, lines: Option<LineReader>) -> Result<Self> {
        make_private(folder)?;
        let path = folder.join(format!("{service}.log"));
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&last);
        if let Some(lines) = lines {
            std::thread::Builder::new()
                .name(format!("{service} log"))
                .spawn(move || keep(lines, file, &kept))
                .context("no thread")?;
        }
        Ok(Self { last })
    }

    /// The last lines that the service wrote.
    pub(crate) fn last(&self) -> Vec<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

fn keep(mut lines: LineReader, mut file: File, last: &Mutex<VecDeque<String>>) {
    let mut written = 0_u64;
    while let Some(Line { text, dropped, .. }) = lines.blocking_recv() {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text.clone());
        drop(last);
        if written > FILE_BYTES_MAX && file.set_len(0).is_ok() {
            written = 0;
        }
        let lost =
            if dropped > 0 { format!("({dropped} lines were lost)\n") } else { String::new() };
        let line = format!("{lost}{text}\n");
        // A full disk loses the log of a service, not the service.
        if file.write_all(line.as_bytes()).is_ok() {
            written = written.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        }
    }
}

const LAST_LINES: usize = 12;
/// A log that grows over this is begun again: in development the newest lines matter.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
