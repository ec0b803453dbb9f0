//! What the parent and the shim say to each other: one JSON text per packet, with file descriptors.
//!
//! The socket is a `SOCK_SEQPACKET` pair: packets keep their borders, a descriptor travels with its
//! text, and the end of either process is seen by the other.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What the parent asks of the shim.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Order {
    /// First: what to build and run.
    Start(Box<Plan>),
    /// Answer to [`Report::Unshared`]: whether the parent has written the id maps.
    Mapped(bool),
    /// Connect to an address inside the cell.
    Dial { id: u64, address: SocketAddr },
    /// End the service: ask, wait, kill.
    Stop { grace_millis: u64 },
}

/// What the shim tells the parent.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Report {
    /// The namespaces exist; the id maps are empty.
    Unshared,
    /// A listener, in the order that was asked for. Carries the socket.
    Door,
    /// The service runs.
    Started { pid: i32 },
    /// A connection that was asked for. Carries the socket.
    Dialed { id: u64 },
    /// A connection that could not be made.
    Refused { id: u64, errno: i32 },
    /// The service has ended, and everything that it started.
    Exited { code: Option<i32>, signal: Option<i32> },
    /// The cell could not be built.
    Failed { step: String, errno: i32 },
}

/// Everything the shim needs to know.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Plan {
    pub(crate) shim_arguments: Vec<String>,
    pub(crate) command: String,
    pub(crate) dir: PathBuf,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) hosts: Vec<(String, IpAddr)>,
    pub(crate) hide: Vec<PathBuf>,
    pub(crate) show: Vec<PathBuf>,
    pub(crate) isolate: bool,
}

/// Larger than any environment that `execve` takes in practice; the kernel's own limit for one
/// packet is near 200 KiB.
const PACKET_BYTES_MAX: usize = 256 * 1024;

/// Sends one message, and a descriptor with it.
pub(crate) fn send(
    socket: impl AsFd,
    message: &impl Serialize,
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    if text.len() > PACKET_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "command and environment are too long",
        ));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no room for a descriptor"));
    }
    let sent = rustix::io::retry_on_intr(|| {
        sendmsg(&socket, &[IoSlice::new(&text)], &mut control, SendFlags::NOSIGNAL)
    })?;
    if sent == text.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// A message and the descriptor that came with it.
type Received<M> = (M, Option<OwnedFd>);

/// Receives one message. `None` means that the other side is gone.
pub(crate) fn receive<M: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<Received<M>>> {
    let mut buffer = vec![0_u8; PACKET_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        recvmsg(&socket, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)
    });
    let received = match received {
        Ok(received) => received,
        // The other side died with unread packets in its queue.
        Err(rustix::io::Errno::CONNRESET) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptor = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message {
            descriptor = descriptors.next();
        }
    }
    let text = buffer.get(..received.bytes).unwrap_or_default();
    Ok(Some((serde_json::from_slice(text)?, descriptor)))
}
