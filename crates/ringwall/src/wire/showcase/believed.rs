//! Whose client certificates are believed, from files.

use std::sync::Arc;

use anyhow::{Context, Result};
use ringwall_base::{Class, Event, Outcome};
use ringwall_manifest::{ClientCertificates, Model};
use ringwall_net::{Authorities, Beside, Clients, Trust};

use super::Ground;

/// One entry for each rule of the manifest; equal rules share one.
#[derive(Debug, Default)]
pub(super) struct Believed {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    rule: ClientCertificates,
    clients: Arc<Clients>,
    seen: Seen,
    problem: Option<String>,
}

/// The content of the authorities' file and of the list's.
type Seen = (Option<Vec<u8>>, Option<Vec<u8>>);

impl Believed {
    /// The rules of a manifest. Those that are known go on with their open connections.
    pub(super) fn read(&self, ground: &Ground, model: &Model) -> Result<Self> {
        let tls = &model.gateway.tls;
        let rules =
            tls.client.iter().chain(tls.hosts.values().filter_map(|host| host.client.as_ref()));
        let mut entries: Vec<Entry> = Vec::new();
        for rule in rules {
            if entries.iter().any(|entry| entry.rule == *rule) {
                continue;
            }
            let known = self.entries.iter().find(|entry| entry.rule == *rule);
            let mut entry = match known {
                Some(known) => known.clone(),
                None => Entry::new(rule, (ground, &model.name))?,
            };
            entry.look(ground);
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// What belongs to a rule.
    pub(super) fn find(&self, rule: &ClientCertificates) -> Option<Arc<Clients>> {
        let entry = self.entries.iter().find(|entry| entry.rule == *rule)?;
        Some(Arc::clone(&entry.clients))
    }

    /// Looks at the files again, and at connections whose certificates have expired.
    pub(super) fn look(&mut self, ground: &Ground) {
        for entry in &mut self.entries {
            entry.look(ground);
        }
    }

    /// What is wrong with files.
    pub(super) fn problems(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry.rule.ca.as_deref()?, entry.problem.as_deref()?)))
    }
}

impl Entry {
    fn new(rule: &ClientCertificates, (ground, fleet): (&Ground, &str)) -> Result<Self> {
        let seen = see(rule, ground)?;
        let crls = seen.1.as_deref();
        let authorities = seen.0.as_deref().map(|ca| Authorities { ca, crls });
        let bundle = ground.authority().bundle_pem();
        let fleet = rule.takes_workloads.then(|| Trust::new(fleet, bundle.as_bytes()));
        let fleet = fleet.transpose().context("the fleet's own root")?;
        let beside = Beside { fleet, takes_self_signed: rule.takes_self_signed };
        let clients =
            Clients::with(authorities, rule.is_required, beside).with_context(|| files(rule))?;
        Ok(Self { rule: rule.clone(), clients, seen, problem: None })
    }

    fn look(&mut self, ground: &Ground) {
        let closed = match see(&self.rule, ground) {
            Ok(seen) if seen == self.seen => Ok(self.clients.recheck()),
            Ok(seen) => {
                let ca = seen.0.as_deref().unwrap_or_default();
                let replaced = self.clients.replace(ca, seen.1.as_deref());
                self.seen = seen;
                self.problem = None;
                replaced.with_context(|| files(&self.rule))
            }
            Err(error) => Err(error),
        };
        match closed {
            Ok(0) => {}
            Ok(count) => record(ground, count),
            Err(error) => {
                let why = format!("{error:#}");
                if self.problem.as_ref() != Some(&why) {
                    tracing::error!(error = %why, "the last good authorities and lists stay in use");
                }
                self.problem = Some(why);
            }
        }
    }
}

fn see(rule: &ClientCertificates, ground: &Ground) -> Result<Seen> {
    let read = |path: &String| {
        std::fs::read(ground.folder.join(path)).with_context(|| format!("cannot read {path}"))
    };
    Ok((rule.ca.as_ref().map(read).transpose()?, rule.crl.as_ref().map(read).transpose()?))
}

fn files(rule: &ClientCertificates) -> String {
    let files: Vec<&str> = rule.ca.iter().chain(&rule.crl).map(String::as_str).collect();
    files.join(" and ")
}

fn record(ground: &Ground, count: usize) {
    let event = Event {
        at: ground.clock.now(),
        action: "client-certificates-revoked",
        class: Class::Group,
        outcome: Outcome::Success,
        reason: Some(format!("{count} open connections were closed")),
        ..Event::default()
    };
    if let Err(error) = ground.sink.put(event) {
        tracing::error!(%error, "the audit log does not take events");
    }
}
