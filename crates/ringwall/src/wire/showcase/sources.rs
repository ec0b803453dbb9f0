//! Certificates that the operator brings, and the one of the local authority.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ringwall_base::{Secret, Timestamp};
use ringwall_manifest::{CertificateKey, Model};
use ringwall_net::Certificate;
use ringwall_vault::Actor;

use super::{Ground, Options, State};

/// A pair of files, or a file and a secret.
#[derive(Debug)]
pub(super) struct Source {
    pair: Pair,
    /// What the files held when they were last looked at, good or not.
    seen: Seen,
    /// The last good one.
    certificate: Certificate,
    pub(super) problem: Option<String>,
}

/// Where it is.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Pair {
    chain: PathBuf,
    key: Key,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Key {
    File(PathBuf),
    Secret(String),
}

/// The content of the chain's file and of the key's, if that is a file.
type Seen = (Vec<u8>, Option<Secret<Vec<u8>>>);

/// The certificate of the local authority, for names that nothing else covers.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) certificate: Certificate,
    pub(super) renew_at: Timestamp,
}

/// All pairs of the manifest and of the command line. One that was good before and is not any more
/// stays as it was; a new one has to be good.
pub(super) fn read(
    known: &[Source],
    ground: &Ground,
    model: &Model,
    options: &Options,
) -> Result<Vec<Source>> {
    let given = options
        .certificate
        .iter()
        .map(|(chain, key)| Pair { chain: chain.clone(), key: Key::File(key.clone()) });
    let declared = model.gateway.tls.certificates.iter().map(|declared| Pair {
        chain: ground.folder.join(&declared.certificate),
        key: match &declared.key {
            CertificateKey::File(path) => Key::File(ground.folder.join(path)),
            CertificateKey::Secret(name) => Key::Secret(name.clone()),
        },
    });
    let read = |pair: Pair| match known.iter().find(|source| source.pair == pair) {
        Some(source) => Ok(source.again(ground)),
        None => Source::new(pair, ground),
    };
    given.chain(declared).map(read).collect()
}

/// A certificate of the local authority for the door's names that no other certificate has.
pub(super) fn local(state: &State, ground: &Ground, model: &Model) -> Result<Option<Local>> {
    let gateway = &model.gateway;
    let ordered = state.ordered.iter();
    let own = [&gateway.host].into_iter().chain(&gateway.aliases);
    // An ordered name has it too until the first order is done.
    let waiting = ordered.clone().filter(|ordered| ordered.certificate.is_none());
    let own = own.chain(waiting.flat_map(|ordered| &ordered.names));
    let others = state.sources.iter().map(|source| &source.certificate);
    let others: Vec<_> =
        others.chain(ordered.filter_map(|ordered| ordered.certificate.as_ref())).collect();
    let mut names: Vec<&str> = own
        .filter(|name| !others.iter().any(|other| covers(other, name)))
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(None);
    }
    let issued = ground.authority().issue_server(&names)?;
    let certificate = Certificate::from_der(issued.chain().to_vec(), issued.key_der())?;
    Ok(Some(Local { certificate, renew_at: issued.renew_at() }))
}

impl Source {
    fn new(pair: Pair, ground: &Ground) -> Result<Self> {
        let seen = pair.see()?;
        let certificate = pair.load(&seen, ground)?;
        Ok(Self { pair, seen, certificate, problem: None })
    }

    /// The last good one.
    pub(super) const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Where it comes from, for an operator.
    pub(super) fn place(&self) -> String {
        self.pair.chain.display().to_string()
    }

    /// Takes what is in the files now; with a secret, also when they are the same.
    fn again(&self, ground: &Ground) -> Self {
        let mut again = Self {
            pair: self.pair.clone(),
            seen: self.seen.clone(),
            certificate: self.certificate.clone(),
            problem: self.problem.clone(),
        };
        again.take(ground, true);
        again
    }

    /// Takes what is in the files now, if it is something else.
    pub(super) fn look(&mut self, ground: &Ground) {
        self.take(ground, false);
    }

    fn take(&mut self, ground: &Ground, is_told: bool) {
        let seen = self.pair.see();
        // A secret is not read every minute: each reading is in the audit log.
        let is_new = seen.as_ref().is_ok_and(|seen| !same(seen, &self.seen));
        if !is_new && !is_told && seen.is_ok() {
            return;
        }
        let loaded = seen.and_then(|seen| {
            let loaded = self.pair.load(&seen, ground);
            self.seen = seen;
            loaded
        });
        match loaded {
            Ok(certificate) => (self.certificate, self.problem) = (certificate, None),
            Err(error) => {
                let why = format!("{error:#}");
                if self.problem.as_ref() != Some(&why) {
                    tracing::error!(error = %why, "the last good certificate stays in use");
                }
                self.problem = Some(why);
            }
        }
    }
}

impl Pair {
    fn see(&self) -> Result<Seen> {
        let read = |path: &PathBuf| {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let key = match &self.key {
            Key::File(path) => Some(Secret::new(read(path)?)),
            Key::Secret(_) => None,
        };
        Ok((read(&self.chain)?, key))
    }

    fn load(&self, (chain, key): &Seen, ground: &Ground) -> Result<Certificate> {
        let loaded = match (&self.key, key) {
            (Key::Secret(name), _) => {
                let found = ground.vault.secrets().by(Actor::default()).get(name, None);
                let found = found.with_context(|| {
                    format!("secret `{name}`; `ringwall secret set {name}` gives it a value")
                })?;
                Certificate::from_pem(chain, found.value.expose())
            }
            (Key::File(_), Some(key)) => Certificate::from_pem(chain, key.expose()),
            (Key::File(_), None) => Certificate::from_pem(chain, &[]),
        };
        loaded.with_context(|| match &self.key {
            Key::File(path) => format!("{} and {}", self.chain.display(), path.display()),
            Key::Secret(name) => format!("{} and secret `{name}`", self.chain.display()),
        })
    }
}

fn same(one: &Seen, other: &Seen) -> bool {
    let key = |seen: &Seen| seen.1.as_ref().map(|key| key.expose().clone());
    one.0 == other.0 && key(one) == key(other)
}

/// RFC 6125 section 6.4.3: a star stands for one label.
fn covers(certificate: &Certificate, name: &str) -> bool {
    certificate.names().iter().any(|known| {
        known == name
            || known
                .strip_prefix("*.")
                .is_some_and(|parent| name.split_once('.').is_some_and(|(_, rest)| rest == parent))
    })
}
