//! Messages over a socket that keeps their borders, with descriptors beside them.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    sockopt,
};

use super::Message;

/// A message, and the descriptors that came with it.
type Received = (Message, Vec<OwnedFd>);

/// One end.
#[derive(Debug)]
pub(super) struct Channel(OwnedFd);

impl Channel {
    /// Both ends.
    pub(super) fn pair() -> Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (own, other) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self(own), other))
    }

    /// The end that another process made.
    pub(super) fn of(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// How long [`Channel::receive`] waits.
    pub(super) fn wait(&self, time: Option<Duration>) -> Result<()> {
        sockopt::set_socket_timeout(&self.0, sockopt::Timeout::Recv, time).context("no time limit")
    }

    pub(super) fn send(&self, message: &Message, descriptors: &[BorrowedFd<'_>]) -> Result<()> {
        let bytes = serde_json::to_vec(message)?;
        let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            bail!("more than {DESCRIPTORS_MAX} sockets in one message");
        }
        let slices = [IoSlice::new(&bytes)];
        sendmsg(&self.0, &slices, &mut control, SendFlags::NOSIGNAL)
            .context("the other process does not listen")?;
        Ok(())
    }

    /// The next message; `None` when the other end is closed.
    pub(super) fn receive(&self) -> Result<Option<Received>> {
        let mut bytes = vec![0_u8; MESSAGE_BYTES_MAX];
        let mut space = [MaybeUninit::uninit(); CONTROL_BYTES];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let received = recvmsg(&self.0, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC);
        let received = match received {
            Ok(received) => received,
            Err(rustix::io::Errno::AGAIN) => bail!("the other process does not answer"),
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            Err(error) => return Err(error).context("the other process is not heard"),
        };
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        let text = bytes.get(..received.bytes).unwrap_or_default();
        let message = serde_json::from_slice(text).context("is it another version?")?;
        Ok(Some((message, descriptors)))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Linux takes 253 (`SCM_MAX_FD`).
pub(super) const DESCRIPTORS_MAX: usize = 64;

/// Room for that many, by `rustix::cmsg_space!`.
const CONTROL_BYTES: usize = rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX));

/// An event with a path, a reason and 32 roles, all at their caps and escaped.
const MESSAGE_BYTES_MAX: usize = 128 * 1024;
