//! The vault as the identity service wants it.

use std::sync::Arc;

use ringwall_base::Secret;
use ringwall_identity::{KeyVault, KeyVaultError};
use ringwall_vault::{KeyError, Vault};

/// Private keys, sealed in the vault.
#[derive(Debug)]
pub(crate) struct VaultKeys(pub(crate) Arc<Vault>);

impl KeyVault for VaultKeys {
    fn put(&self, purpose: &str, id: &str, bytes: &Secret<Vec<u8>>) -> Result<(), KeyVaultError> {
        self.0.keys().put(purpose, id, bytes).map_err(|error| failed(&error))
    }

    fn get(&self, purpose: &str, id: &str) -> Result<Option<Secret<Vec<u8>>>, KeyVaultError> {
        self.0.keys().get(purpose, id).map_err(|error| failed(&error))
    }

    fn list(&self, purpose: &str) -> Result<Vec<String>, KeyVaultError> {
        let listed = self.0.keys().list(purpose).map_err(|error| failed(&error))?;
        Ok(listed.into_iter().map(|key| key.id).collect())
    }

    fn remove(&self, purpose: &str, id: &str) -> Result<(), KeyVaultError> {
        self.0.keys().remove(purpose, id).map(drop).map_err(|error| failed(&error))
    }
}

fn failed(error: &KeyError) -> KeyVaultError {
    KeyVaultError(error.to_string())
}
