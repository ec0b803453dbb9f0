//! Letters to people: taken from the outbox of `identity` and handed to a mail server, or, in
//! development, to files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ringwall_identity::{Delivery, Due};
use ringwall_manifest::{MailServer, Model};
use ringwall_net::{Mail, MailError, MailSettings, Mailer};
use tokio::task::JoinHandle;

use super::Ground;
use super::ground::{make_private, replace};
use super::roots::roots;
use super::shared_limits::password;

/// Sends letters while the manifest says where to.
#[derive(Debug, Default)]
pub(crate) struct Post {
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    wanted: Option<MailServer>,
    task: JoinHandle<()>,
}

/// Where letters go.
#[derive(Debug)]
enum Way {
    Server(Mailer),
    Folder(PathBuf),
}

#[derive(Debug)]
struct Postman {
    way: Way,
    from: String,
    host: String,
    ground: Arc<Ground>,
}

impl Post {
    /// Begins, ends or goes on, as the manifest says. Without `[mail]` letters are written to
    /// `outbox`, if there is one.
    pub(crate) fn apply(
        &mut self,
        ground: &Arc<Ground>,
        model: &Model,
        outbox: Option<&Path>,
    ) -> Result<()> {
        let wanted = model.mail.as_ref();
        if self.running.as_ref().is_some_and(|running| running.wanted.as_ref() == wanted) {
            return Ok(());
        }
        let way = match (wanted, outbox) {
            (Some(server), _) => Some(Way::Server(mailer(ground, model, server)?)),
            (None, Some(folder)) => {
                make_private(folder)?;
                Some(Way::Folder(folder.to_owned()))
            }
            (None, None) => None,
        };
        self.stop();
        ground.identity.offer_mail(way.is_some());
        let Some(way) = way else { return Ok(()) };
        let host = model.gateway.host.clone();
        let from = wanted.map_or_else(|| format!("ringwall@{host}"), |server| server.from.clone());
        let postman = Postman { way, from, host, ground: Arc::clone(ground) };
        let task = tokio::spawn(postman.run());
        self.running = Some(Running { wanted: wanted.cloned(), task });
        Ok(())
    }

    /// Ends it: letters wait, also for another process.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.abort();
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Postman {
    async fn run(self) {
        let waiting = self.ground.identity.mail_waiting();
        loop {
            for due in self.due().await {
                self.deliver(due).await;
            }
            tokio::select! {
                () = waiting.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn due(&self) -> Vec<Due> {
        let ground = Arc::clone(&self.ground);
        match tokio::task::spawn_blocking(move || ground.identity.mail_due()).await {
            Ok(Ok(due)) => due,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the outbox cannot be read");
                Vec::new()
            }
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be read");
                Vec::new()
            }
        }
    }

    async fn deliver(&self, due: Due) {
        let delivery = match self.hand_over(&due).await {
            Ok(()) => Delivery::Sent,
            Err(error) => {
                let is_final = matches!(
                    error.downcast_ref::<MailError>(),
                    Some(MailError::Refused(_) | MailError::Address(_) | MailError::Letter(_))
                );
                let why = format!("{error:#}");
                tracing::warn!(why, "a letter was not taken");
                if is_final { Delivery::Refused(why) } else { Delivery::Later(why) }
            }
        };
        let ground = Arc::clone(&self.ground);
        let done = move || ground.identity.mail_done(&due, &delivery);
        match tokio::task::spawn_blocking(done).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a letter may be sent twice"),
            Err(error) => tracing::error!(%error, "a letter may be sent twice"),
        }
    }

    async fn hand_over(&self, due: &Due) -> Result<()> {
        let message_id = format!("<{}@{}>", due.id, self.host);
        let mail = Mail {
            message_id: &message_id,
            from: &self.from,
            to: &due.letter.to,
            subject: &due.letter.subject,
            text: due.letter.text.expose(),
            at: self.ground.clock.now(),
        };
        match &self.way {
            Way::Server(mailer) => Ok(mailer.send(mail).await?),
            Way::Folder(folder) => {
                let path = folder.join(format!("{}.eml", due.id));
                replace(&path, &mail.to_bytes()?, 0o600)?;
                tracing::info!(path = %path.display(), to = due.letter.to, "a letter was written");
                Ok(())
            }
        }
    }
}

fn mailer(ground: &Ground, model: &Model, server: &MailServer) -> Result<Mailer> {
    let login = match (&server.user, &server.secret) {
        (Some(user), Some(secret)) => Some((user.clone(), password(ground, secret)?)),
        _ => None,
    };
    let settings = MailSettings {
        host: server.host.clone(),
        port: server.port,
        is_wrapped: server.is_wrapped,
        login,
        roots: roots(ground, server.ca.as_deref())?,
        hello: model.gateway.host.clone(),
    };
    Mailer::new(settings).context("the mail server of `[mail]`")
}

/// Letters that wait for another try become due without anybody saying so.
const LOOK_EVERY: Duration = Duration::from_secs(5);
