//! The randomness seam.

use std::fmt::Debug;
use std::fs::File;
use std::io::Read;
use std::sync::Mutex;

/// Where random bytes come from.
pub trait Entropy: Debug + Send + Sync {
    /// Fills the whole buffer with unpredictable bytes.
    ///
    /// # Errors
    /// When the source fails. The caller refuses what it was about to do: weak bytes are never used.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), std::io::Error>;
}

/// The kernel's generator (`/dev/urandom`, random(4)), opened once.
#[derive(Debug)]
pub struct SystemEntropy {
    source: Mutex<File>,
}

impl SystemEntropy {
    /// Opens the kernel's generator.
    ///
    /// # Errors
    /// When the device cannot be opened, as in a broken chroot.
    pub fn open() -> Result<Self, std::io::Error> {
        Ok(Self { source: Mutex::new(File::open("/dev/urandom")?) })
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), std::io::Error> {
        let mut source =
            self.source.lock().map_err(|poisoned| std::io::Error::other(poisoned.to_string()))?;
        source.read_exact(buffer)
    }
}
