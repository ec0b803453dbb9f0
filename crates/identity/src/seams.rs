//! What identity is given: nothing here is reached through a global.

use std::fmt::Debug;
use std::sync::Arc;

use ringwall_base::{Clock, Entropy, Secret, Sink};
use ringwall_store::Store;

/// A private key in PKCS#8.
pub type KeyBytes = Secret<Vec<u8>>;

/// Keeps private keys sealed. The vault is behind it.
pub trait KeyVault: Debug + Send + Sync {
    /// Seals `bytes` under purpose and id, replacing what was there.
    ///
    /// # Errors
    /// When the vault is sealed or its store fails.
    fn put(&self, purpose: &str, id: &str, bytes: &KeyBytes) -> Result<(), KeyVaultError>;

    /// Opens one; `None` when there is none.
    ///
    /// # Errors
    /// When it does not open.
    fn get(&self, purpose: &str, id: &str) -> Result<Option<KeyBytes>, KeyVaultError>;

    /// The ids under a purpose.
    ///
    /// # Errors
    /// When the store fails.
    fn list(&self, purpose: &str) -> Result<Vec<String>, KeyVaultError>;

    /// Destroys one. Destroying what is not there is fine.
    ///
    /// # Errors
    /// When the store fails.
    fn remove(&self, purpose: &str, id: &str) -> Result<(), KeyVaultError>;
}

/// Why the vault gave no key.
#[derive(Debug, thiserror::Error)]
#[error("the key vault: {0}")]
pub struct KeyVaultError(
    /// In the vault's words.
    pub String,
);

/// The seams that identity stands on.
#[derive(Clone, Debug)]
pub struct Seams {
    /// Rows.
    pub store: Arc<Store>,
    /// Private keys.
    pub vault: Arc<dyn KeyVault>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The audit log.
    pub sink: Arc<dyn Sink>,
}

impl Seams {
    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], std::io::Error> {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes)?;
        Ok(bytes)
    }
}
