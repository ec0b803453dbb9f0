//! The side of the process that is replaced.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ringwall_base::{Event, Sink, SinkError};

use super::channel::{Channel, DESCRIPTORS_MAX};
use super::event::Carried;
use super::{Inherited, Message, VARIABLE};

/// A new process that has the sockets and a manifest that holds, and waits for the state folder.
#[derive(Debug)]
pub(crate) struct Given {
    channel: Channel,
    child: Child,
}

/// Starts `program` with the same arguments and hands over the sockets. Blocks until it has read
/// the manifest; nothing has changed when it fails.
pub(crate) fn give(
    program: &Path,
    arguments: &[OsString],
    inheritance: &[Inherited],
) -> Result<Given> {
    let (channel, other) = Channel::pair()?;
    let mut command = Command::new(program);
    command.args(arguments).env(VARIABLE, "1").stdin(Stdio::from(other));
    let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    // The command keeps its copy of the other end, which would hide that the process has ended.
    drop(command);
    let mut given = Given { channel, child };
    match given.introduce(inheritance) {
        Ok(()) => Ok(given),
        Err(error) => {
            given.end();
            Err(error)
        }
    }
}

impl Given {
    fn introduce(&self, inheritance: &[Inherited]) -> Result<()> {
        self.channel.wait(Some(LOAD_TIME))?;
        for inherited in inheritance {
            let (door, is_fixed) = (inherited.door.clone(), inherited.is_fixed);
            let descriptors: Vec<_> = inherited.sockets.iter().map(AsFd::as_fd).collect();
            for some in descriptors.chunks(DESCRIPTORS_MAX) {
                self.channel.send(&Message::Sockets { door: door.clone(), is_fixed }, some)?;
            }
        }
        self.channel.send(&Message::End, &[])?;
        self.expect("loaded")
    }

    /// Says that the state folder is free. Blocks until the new process accepts.
    pub(crate) fn release(&mut self) -> Result<()> {
        let ready = self
            .channel
            .wait(Some(READY_TIME))
            .and_then(|()| self.channel.send(&Message::Released, &[]))
            .and_then(|()| self.expect("ready"));
        if ready.is_err() {
            self.end();
        }
        ready
    }

    /// The new process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where events of requests that end here go from now on.
    pub(crate) fn into_sink(self) -> Result<Forward> {
        self.channel.wait(Some(EVENT_TIME))?;
        Ok(Forward(Mutex::new(self.channel)))
    }

    fn expect(&self, what: &str) -> Result<()> {
        match self.channel.receive()? {
            Some((Message::Loaded, _)) if what == "loaded" => Ok(()),
            Some((Message::Ready, _)) if what == "ready" => Ok(()),
            Some((Message::Failed { why }, _)) => bail!("{why}"),
            Some((other, _)) => bail!("the new process says {other:?}, and not `{what}`"),
            None => bail!("the new process ended before it was {what}; its output says why"),
        }
    }

    /// Ends the new process and waits for it: it may hold the state folder.
    fn end(&mut self) {
        drop(self.child.kill());
        if let Err(error) = self.child.wait() {
            tracing::error!(%error, "the new process did not end");
        }
    }
}

/// Sends events to the process that took over.
#[derive(Debug)]
pub(crate) struct Forward(Mutex<Channel>);

impl Sink for Forward {
    fn put(&self, event: Event) -> Result<(), SinkError> {
        let carried = Carried::pack(event);
        let is_sync = carried.is_sync();
        let channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: anyhow::Error| SinkError::Write(std::io::Error::other(error));
        channel.send(&Message::Event(Box::new(carried)), &[]).map_err(failed)?;
        if !is_sync {
            return Ok(());
        }
        match channel.receive().map_err(failed)? {
            Some((Message::Taken { is_durable: true }, _)) => Ok(()),
            _other => Err(SinkError::Deadline),
        }
    }
}

/// To start, and to read the manifest and the audit log: hundreds of megabytes a second.
const LOAD_TIME: Duration = Duration::from_mins(2);

/// To open the state folder and the doors. New connections wait for as long.
const READY_TIME: Duration = Duration::from_secs(10);

/// As a log waits for its disk.
const EVENT_TIME: Duration = Duration::from_secs(5);
