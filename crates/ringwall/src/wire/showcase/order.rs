//! Certificates from an ACME server, ordered beside the running server.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use ringwall_acme as acme;
use ringwall_base::{Class, Clock, Event, Outcome};
use ringwall_manifest::{Acme, AcmeChallenge};
use ringwall_net::{Certificate, Fetch};
use ringwall_vault::Vault;
use tokio::task::JoinHandle;

use super::{Ground, Showcase};
use crate::wire::roots::roots;

/// The task that orders and renews. It ends with this.
#[derive(Debug)]
pub(super) struct Ordering {
    acme: Acme,
    task: JoinHandle<()>,
}

/// Records in the vault.
#[derive(Debug)]
struct Sealed(Arc<Vault>);

impl Ordering {
    pub(super) const fn acme(&self) -> &Acme {
        &self.acme
    }
}

impl Drop for Ordering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The task, and the kept certificate if it is still good.
type Started = (Ordering, Option<Certificate>);

/// Begins.
pub(super) fn start(showcase: &Arc<Showcase>, ground: &Ground, wanted: &Acme) -> Result<Started> {
    let roots = roots(ground, wanted.ca.as_deref())?;
    let settings = acme::Settings {
        directory: wanted.directory.clone(),
        contact: wanted.contact.clone(),
        names: wanted.names.clone(),
        challenge: match wanted.challenge {
            AcmeChallenge::Http01 => acme::Challenge::Http01,
            AcmeChallenge::TlsAlpn01 => acme::Challenge::TlsAlpn01,
        },
    };
    let seams = acme::Seams {
        fetch: Fetch::secure(&roots).context("the root of the ACME server")?,
        challenges: Arc::clone(&showcase.challenges),
        custody: Arc::new(Sealed(Arc::clone(&ground.vault))),
        clock: Arc::clone(&ground.clock),
        entropy: Arc::clone(&ground.entropy),
    };
    let keeper = acme::Keeper::new(acme::Acme::new(settings, seams))
        .context("the certificate of the ACME server that is kept")?;
    let sink = Arc::clone(&ground.sink);
    let (clock, time) = (Arc::clone(&ground.clock), Arc::clone(&ground.clock));
    let told = move |outcome, reason: String| {
        let event = Event {
            at: clock.now(),
            action: "certificate-ordered",
            class: Class::Group,
            outcome,
            reason: Some(reason),
            ..Event::default()
        };
        if let Err(error) = sink.put(event) {
            tracing::error!(%error, "the audit log does not take events");
        }
    };
    let kept = keeper.kept().map(|kept| kept.certificate().clone());
    let task = tokio::spawn(run(keeper, Arc::downgrade(showcase), time, told));
    Ok((Ordering { acme: wanted.clone(), task }, kept))
}

async fn run(
    mut keeper: acme::Keeper,
    showcase: Weak<Showcase>,
    clock: Arc<dyn Clock>,
    told: impl Fn(Outcome, String) + Send,
) {
    loop {
        match keeper.tend().await {
            Ok(None) => {}
            Ok(Some(kept)) => {
                let names = kept.certificate().names().join(", ");
                told(Outcome::Success, names);
                let Some(showcase) = showcase.upgrade() else { return };
                showcase.take(Some(kept.certificate()), None, clock.now());
            }
            Err(error) => {
                tracing::warn!(%error, "no new certificate; the last good one stays in use");
                told(Outcome::Failure, error.to_string());
                let Some(showcase) = showcase.upgrade() else { return };
                showcase.take(None, keeper.problem(), clock.now());
            }
        }
        tokio::time::sleep(keeper.pause().max(Duration::from_secs(1))).await;
    }
}

impl acme::Custody for Sealed {
    fn get(&self, name: &str) -> Result<Option<acme::Record>, acme::CustodyError> {
        self.0.keys().get("acme", name).map_err(|error| acme::CustodyError(Box::new(error)))
    }

    fn put(&self, name: &str, value: &acme::Record) -> Result<(), acme::CustodyError> {
        self.0.keys().put("acme", name, value).map_err(|error| acme::CustodyError(Box::new(error)))
    }
}
