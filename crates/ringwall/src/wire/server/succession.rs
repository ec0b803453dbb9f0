//! `ringwall upgrade`: another process takes over, and this one ends when its last connection has.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ringwall_api::Reply;
use ringwall_net::Drain;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::{Running, caught, done, failed, outbox};
use crate::out::Out;
use crate::wire::front::{IDLE_GRACE, reload_drain};
use crate::wire::handover::{self, Given, Inherited};
use crate::wire::{Ground, notify, socket};

impl Running {
    /// Whether another process took over.
    pub(super) async fn upgrade(&mut self, to: oneshot::Sender<Reply>, out: &mut Out) -> bool {
        let upgraded = self.try_upgrade().await;
        let reply = match &upgraded {
            Ok((id, waited)) => {
                let message = format!(
                    "process {id} took over; new connections waited {} ms",
                    waited.as_millis()
                );
                out.talk(&format!("  {message}"));
                done(&message)
            }
            Err(error) => {
                let why = format!("{error:#}");
                out.talk(&format!("  not upgraded: {why}"));
                failed(&why, Some("the running process goes on as before"))
            }
        };
        // Whoever asked may have gone away.
        drop(to.send(reply));
        upgraded.is_ok()
    }

    async fn try_upgrade(&mut self) -> Result<(u32, Duration)> {
        if self.options.is_dev() {
            bail!("`dev` is not upgraded: end it and start it again");
        }
        let inheritance = Arc::new(self.doors.pass()?);
        let (program, passed) = (self.options.program.clone(), Arc::clone(&inheritance));
        let given = tokio::task::spawn_blocking(move || {
            let arguments: Vec<_> = std::env::args_os().skip(1).collect();
            handover::give(&program, &arguments, &passed)
        });
        let given = given.await.context("it was interrupted")??;
        let clock = Arc::clone(&self.shared.ground.clock);
        let begun = clock.monotonic();
        match self.release(given).await {
            Ok(given) => {
                let waited = clock.monotonic().saturating_sub(begun);
                let id = given.id();
                self.shared.ground.forward(Arc::new(given.into_sink()?))?;
                notify::tell(&format!("MAINPID={id}"));
                Ok((id, waited))
            }
            Err(error) => {
                self.take_back(inheritance)
                    .with_context(|| format!("{error:#}; and this process does not go on"))?;
                Err(error)
            }
        }
    }

    /// Everything is tried: a door that is open without a log is better than no door, as what has
    /// to be recorded is refused then.
    fn take_back(&mut self, inheritance: Arc<Vec<Inherited>>) -> Result<()> {
        let ground = self.shared.ground.retake(&self.place);
        let inheritance = Arc::into_inner(inheritance).context("sockets are in use")?;
        let doors = self.doors.return_to(&self.shared.model(), &self.options, inheritance);
        // The new process may have put its own in the place of ours.
        let control = socket::listen(&self.place, &self.shared, self.sender.clone());
        let control = control.map(|control| {
            std::mem::replace(&mut self.control, control).abort();
        });
        let outbox = outbox(&self.options, &self.place);
        let model = self.shared.model();
        let post = self.post.apply(&self.shared.ground, &model, outbox.as_deref());
        ground.and(doors).and(control).and(post)
    }

    /// From here on new connections wait in the queues of their sockets.
    async fn release(&mut self, mut given: Given) -> Result<Given> {
        self.post.stop();
        let within = reload_drain(&self.shared.model());
        self.doors.leave(Drain { within, idle: IDLE_GRACE });
        let ground = Arc::clone(&self.shared.ground);
        let released = tokio::task::spawn_blocking(move || {
            ground.release()?;
            given.release()?;
            Ok(given)
        });
        released.await.context("it was interrupted")?
    }

    /// Ends when the last connection has ended, when their time is over, when told to, or when it
    /// cannot be known any more who is signed out.
    pub(super) async fn fade(self, out: &mut Out) {
        let within = reload_drain(&self.shared.model());
        let doors = self.doors;
        let finish = tokio::task::spawn_blocking(move || doors.finish(within));
        let told = async {
            match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
                (Ok(mut terminate), Ok(mut interrupt)) => tokio::select! {
                    () = caught(&mut terminate) => {}
                    () = caught(&mut interrupt) => {}
                },
                _none => std::future::pending().await,
            }
        };
        let finished = async {
            // The answer to `upgrade` is still on its way when there was no connection at all.
            tokio::time::sleep(FAREWELL).await;
            finish.await
        };
        tokio::select! {
            ended = finished => if ended.is_err() {
                tracing::error!("the doors did not close in order");
            },
            () = told => out.talk("  told to end before the last connection has"),
            () = follow(&self.shared.ground) => {
                out.talk("  ended before the last connection: the store cannot be read any more");
            }
        }
    }
}

/// Sessions and tokens are ended by the process that has the store now, and so is here what they
/// admitted. Returns when the store was not to be read for too long.
async fn follow(ground: &Arc<Ground>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if tokio::time::timeout(BLIND_MAX, refresh(ground)).await.is_err() {
            return;
        }
    }
}

/// Tries until it succeeds.
async fn refresh(ground: &Arc<Ground>) {
    loop {
        let taken = Arc::clone(ground);
        match tokio::task::spawn_blocking(move || taken.identity.refresh()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::warn!(%error, "sessions and revocations were not read"),
            Err(error) => tracing::error!(%error, "sessions and revocations were not read"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// As often as tunnels and streams are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So long a session may outlive its end because the store does not answer.
const BLIND_MAX: Duration = Duration::from_secs(10);
const FAREWELL: Duration = Duration::from_millis(200);
