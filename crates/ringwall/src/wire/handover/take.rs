//! The side of the process that takes over.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail};
use ringwall_base::Sink;

use super::channel::Channel;
use super::{Inherited, Message, VARIABLE};

/// A process that takes over, and the sockets that it got.
pub(crate) type Inheritance = (Heir, Vec<Inherited>);

/// A process that takes over.
#[derive(Debug)]
pub(crate) struct Heir {
    channel: Channel,
}

impl Heir {
    /// Takes the sockets, if this process was started to take over.
    pub(crate) fn find() -> Result<Option<Inheritance>> {
        if std::env::var_os(VARIABLE).is_none() {
            return Ok(None);
        }
        let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
        let heir = Self { channel: Channel::of(socket) };
        let mut inheritance: Vec<Inherited> = Vec::new();
        loop {
            match heir.channel.receive().context("standard input is no handover")? {
                Some((Message::Sockets { door, is_fixed }, sockets)) => {
                    inheritance.push(Inherited { door, sockets, is_fixed });
                }
                Some((Message::End, _)) => return Ok(Some((heir, inheritance))),
                Some((other, _)) => bail!("the old process says {other:?} too early"),
                None => bail!("the old process has ended"),
            }
        }
    }

    /// Says that the manifest holds, and waits for the state folder.
    pub(crate) fn loaded(&self) -> Result<()> {
        self.channel.send(&Message::Loaded, &[])?;
        match self.channel.receive()? {
            Some((Message::Released, _)) => Ok(()),
            Some((other, _)) => bail!("the old process says {other:?} too early"),
            None => bail!("the old process has ended"),
        }
    }

    /// Says why this process does not go on.
    pub(crate) fn failed(&self, why: &str) {
        if let Err(error) = self.channel.send(&Message::Failed { why: why.to_owned() }, &[]) {
            tracing::debug!(%error, "nobody hears why");
        }
    }

    /// Says that this process accepts, and takes the old one's last events from now on.
    pub(crate) fn ready(self, sink: Arc<dyn Sink>) -> Result<()> {
        self.channel.send(&Message::Ready, &[])?;
        thread::Builder::new()
            .name("handover".to_owned())
            .spawn(move || self.take_events(&*sink))
            .context("no thread for the old process's events")?;
        Ok(())
    }

    fn take_events(&self, sink: &dyn Sink) {
        loop {
            let carried = match self.channel.receive() {
                Ok(Some((Message::Event(carried), _))) => carried,
                Ok(Some(_other)) => continue,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "events of the old process are lost");
                    return;
                }
            };
            let is_sync = carried.is_sync();
            let taken = sink.put(carried.unpack());
            if let Err(error) = &taken {
                tracing::error!(%error, "an event of the old process is lost");
            }
            let answer = Message::Taken { is_durable: taken.is_ok() };
            if is_sync && self.channel.send(&answer, &[]).is_err() {
                return;
            }
        }
    }
}
