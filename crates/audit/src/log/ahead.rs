//! What can be checked of a log while another process still writes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringwall_base::{Clock, Entropy, Signer};

use super::recover::{self, Mark};
use super::{Log, OpenError, Settings, make_folder};

/// A log that was read and hashed, but not opened: to open it then takes no longer than what was
/// written since. For a process that takes over from another one.
#[derive(Debug)]
pub struct Ahead {
    dir: PathBuf,
    public_key: Vec<u8>,
    mark: Mark,
}

impl Ahead {
    /// Hashes everything that is there, and compares it with the last checkpoint. Changes nothing.
    ///
    /// # Errors
    /// When the folder cannot be read, or what is there is not what was signed.
    pub fn look(dir: &Path, public_key: &[u8]) -> Result<Self, OpenError> {
        let mark = recover::look(dir, public_key)?;
        Ok(Self { dir: dir.to_owned(), public_key: public_key.to_vec(), mark })
    }

    /// As [`Log::open`], but goes on where this one ended. If what follows does not fit to what was
    /// seen, everything is read again, and that decides.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open(
        self,
        settings: Settings,
        signer: Arc<dyn Signer>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Log, OpenError> {
        let Self { dir, public_key, mark } = self;
        make_folder(&dir).map_err(OpenError::Open)?;
        // What another key has signed proves nothing.
        let mark = if public_key == settings.public_key { mark } else { Mark::default() };
        let recovered = recover::recover(&dir, &settings.public_key, mark)?;
        Log::begin(dir, settings, (signer, clock, entropy), recovered)
    }
}
