//! A descriptor kept for bad times.
//!
//! When none is left, `accept` fails and the connection stays in the queue: its client waits for
//! nothing, and the socket stays readable, which would keep a core busy. The reserve is given up for
//! a moment, so that the connection can be taken and closed.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};

/// A descriptor that is there to be given up.
#[derive(Debug)]
pub struct Reserve(Option<OwnedFd>);

impl Reserve {
    /// Takes a descriptor. Without one this is a reserve that is empty, and tries again later.
    pub fn take() -> Self {
        let mut reserve = Self(None);
        reserve.refill();
        reserve
    }

    /// Frees the descriptor; `false` when there was none.
    pub fn give_up(&mut self) -> bool {
        self.0.take().is_some()
    }

    /// Takes a descriptor again, if there is none in reserve.
    pub fn refill(&mut self) {
        if self.0.is_none() {
            self.0 =
                rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok();
        }
    }
}

/// Whether the error says that no descriptor was left, in this process or in the system.
pub fn is_exhausted(error: &io::Error) -> bool {
    let codes = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
    codes.iter().any(|code| error.raw_os_error() == Some(code.raw_os_error()))
}
