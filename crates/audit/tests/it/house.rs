//! A key, a log in a temporary folder, and events to put into it.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ringwall_audit::{Log, OpenError, Settings};
use ringwall_base::{Algorithm, Class, Event, ManualClock, SignError, Signer, Sink, Timestamp};
use ringwall_testkit::Sequence;

#[derive(Debug)]
pub(crate) struct Key(Ed25519KeyPair);

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    pub(crate) fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }
}

impl Signer for Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDsa
    }

    fn key_id(&self) -> &'static str {
        "test"
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

pub(crate) fn public() -> Vec<u8> {
    Key::new(7).public()
}

pub(crate) fn settings() -> Settings {
    Settings {
        origin: "test/audit".to_owned(),
        public_key: public(),
        group_window: Duration::from_millis(1),
        sampled_window: Duration::from_millis(1),
        checkpoint_events: 3,
        reserve_bytes: 4_096,
        ..Settings::default()
    }
}

/// A child has the lock of every open log until it runs its own program: no log is opened meanwhile.
static FORKING: RwLock<()> = RwLock::new(());

pub(crate) fn spawn(command: &mut Command) -> Child {
    let _alone = FORKING.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap()
}

/// Held while a log is opened.
pub(crate) fn nobody_forks() -> impl Drop {
    FORKING.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn open_with(dir: &Path, settings: Settings) -> Result<Log, OpenError> {
    let _held = nobody_forks();
    let clock = ManualClock::at(Timestamp::from_secs(1_795_300_200));
    Log::open(dir, settings, Arc::new(Key::new(7)), Arc::new(clock), Arc::new(Sequence::default()))
}

pub(crate) fn open(dir: &Path) -> Log {
    open_with(dir, settings()).unwrap()
}

pub(crate) fn event(action: &'static str, number: u64) -> Event {
    Event {
        action,
        class: Class::Sync,
        request: Some(format!("r-{number}")),
        person: Some(format!("u-{}", number % 3)),
        service: Some("orders".to_owned()),
        ..Event::default()
    }
}

/// A closed log of `count` events in one segment, with a checkpoint every three.
pub(crate) fn written(count: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for number in 0..count {
        log.put(event("access-denied", number)).unwrap();
    }
    drop(log);
    dir
}
