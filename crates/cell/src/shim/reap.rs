//! The service's processes: signals to all of them, and their end.

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait,
};

/// Rounds of killing before giving up on processes that keep forking.
const END_ROUNDS_MAX: usize = 1_000;

/// A started service: the leader of a process group, and what was adopted from it.
#[derive(Debug)]
pub(super) struct Service {
    leader: Pid,
}

impl Service {
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let leader = i32::try_from(pid).ok().and_then(Pid::from_raw);
        Ok(Self { leader: leader.ok_or(io::ErrorKind::InvalidData)? })
    }

    pub(super) fn pid(&self) -> i32 {
        self.leader.as_raw_nonzero().get()
    }

    pub(super) fn process(&self) -> Pid {
        self.leader
    }

    /// Signals the group and what has left it.
    pub(super) fn signal(&self, signal: Signal) {
        // Before the service leads its group, and after all have ended, there is no such group.
        let group = kill_process_group(self.leader, signal);
        let adopted =
            children().into_iter().filter(|child| group.is_err() || *child != self.leader);
        for child in adopted {
            match kill_process(child, signal) {
                // Ended meanwhile, or became another user's: the next round looks again.
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Collects ended children; returns the status of the leader when it was among them.
    pub(super) fn reap(&mut self) -> io::Result<Option<WaitStatus>> {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.leader => return Ok(Some(status)),
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Kills and collects what the leader left behind.
    pub(super) fn end_rest(&self) -> io::Result<()> {
        for _ in 0..END_ROUNDS_MAX {
            self.signal(Signal::KILL);
            match wait(WaitOptions::empty()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::CHILD) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}

/// The shim's own children. The shim has one thread, so this is all of them.
fn children() -> Vec<Pid> {
    let own = rustix::process::getpid().as_raw_nonzero();
    let text = fs::read_to_string(format!("/proc/self/task/{own}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).filter_map(Pid::from_raw).collect()
}
