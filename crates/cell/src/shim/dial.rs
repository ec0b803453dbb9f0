//! Connections into the cell, made in its network namespace and handed to the parent.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use crate::wire::{Report, send};

/// On a loopback a connection is made at once or waits for a full backlog; nothing waits longer.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that are on their way.
#[derive(Debug, Default)]
pub(super) struct Dials(Vec<Dial>);

#[derive(Debug)]
struct Dial {
    id: u64,
    socket: Result<OwnedFd, Errno>,
    until: Duration,
}

impl Dials {
    pub(super) fn begin(&mut self, id: u64, address: SocketAddr, now: Duration) {
        self.0.push(Dial { id, socket: dial(address), until: now + DIAL_TIMEOUT });
    }

    /// The sockets to wait for.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &OwnedFd> {
        self.0.iter().filter_map(|dial| dial.socket.as_ref().ok())
    }

    /// Reports every connection that is made, refused or late.
    pub(super) fn finish(&mut self, control: &OwnedFd, now: Duration) -> io::Result<()> {
        let mut waiting = Vec::new();
        for dial in self.0.drain(..) {
            let Dial { id, socket, until } = dial;
            match socket.and_then(|socket| Ok((is_connected(&socket)?, socket))) {
                Ok((true, socket)) => {
                    send(control, &Report::Dialed { id }, Some(socket.as_fd()))?;
                }
                Ok((false, socket)) if now < until => {
                    waiting.push(Dial { id, socket: Ok(socket), until });
                }
                Ok((false, _)) => refuse(control, id, Errno::TIMEDOUT)?,
                Err(errno) => refuse(control, id, errno)?,
            }
        }
        self.0 = waiting;
        Ok(())
    }
}

fn dial(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(errno) => Err(errno),
    }
}

fn is_connected(socket: &OwnedFd) -> Result<bool, Errno> {
    let mut events = [PollFd::new(socket, PollFlags::OUT)];
    poll(&mut events, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    let ready = events.iter().any(|event| !event.revents().is_empty());
    if ready {
        sockopt::socket_error(socket)??;
    }
    Ok(ready)
}

fn refuse(control: &OwnedFd, id: u64, errno: Errno) -> io::Result<()> {
    send(control, &Report::Refused { id, errno: errno.raw_os_error() }, None)
}
