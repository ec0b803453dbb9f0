//! The root key in a file, and its replacement that survives a crash at any point.
//!
//! Rotation writes `<file>.new` whole, changes the database, and renames. Whatever is interrupted,
//! one of the two files has the key of the database; opening takes that one and finishes the rest.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ringwall_base::Entropy;

use crate::{OpenError, RootKey, RootKeyError, RotateError, Vault};

/// The place of a root key.
#[derive(Clone, Debug)]
pub struct RootFile {
    path: PathBuf,
    next: PathBuf,
}

impl RootFile {
    /// Names the place; touches nothing.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), next: with_suffix(path, ".new") }
    }

    /// Makes a new key in a file of mode 0600. Never overwrites one.
    ///
    /// # Errors
    /// [`RootKeyError::Exists`] when one is there.
    pub fn create(&self, entropy: &dyn Entropy) -> Result<RootKey, RootKeyError> {
        let key = RootKey::generate(entropy)?;
        let temporary = with_suffix(&self.path, ".part");
        self.write(&temporary, &key)?;
        // A link fails when the name is taken, and the file appears whole or not at all.
        let linked = fs::hard_link(&temporary, &self.path);
        fs::remove_file(&temporary).map_err(|source| self.failed(source))?;
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(RootKeyError::Exists { path: self.path.clone() });
            }
            Err(source) => return Err(self.failed(source)),
        }
        self.sync_folder()?;
        Ok(key)
    }

    /// Whether there is a key.
    pub fn exists(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// Reads the key and opens the vault with it, finishing a rotation that was interrupted.
    ///
    /// # Errors
    /// As [`RootKey::from_file`] and [`Vault::open`].
    pub fn unseal(
        &self,
        open: impl Fn(RootKey) -> Result<Vault, OpenError>,
    ) -> Result<Vault, OpenError> {
        match open(RootKey::from_file(&self.path)?) {
            Err(OpenError::WrongRootKey) if self.next.symlink_metadata().is_ok() => {
                let vault = open(RootKey::from_file(&self.next)?)?;
                self.take_next()?;
                Ok(vault)
            }
            // The rotation did not reach the database: its key opens nothing.
            Ok(vault) => match fs::remove_file(&self.next) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(self.failed(error).into())
                }
                _ => Ok(vault),
            },
            Err(error) => Err(error),
        }
    }

    /// Replaces the root key, in the vault and in the file.
    ///
    /// # Errors
    /// When the file or the database cannot be written. The next [`RootFile::unseal`] opens in any
    /// case, and until it did there is no other rotation.
    pub fn rotate(&self, vault: &Vault) -> Result<(), RotateError> {
        // What an interrupted rotation left may be the only key that opens the database.
        if self.next.symlink_metadata().is_ok() {
            return Err(RootKeyError::Exists { path: self.next.clone() }.into());
        }
        let key = RootKey::generate(vault.entropy.as_ref())?;
        self.write(&self.next, &key)?;
        self.sync_folder()?;
        vault.replace_root(key)?;
        self.take_next()?;
        Ok(vault.store.checkpoint()?)
    }

    fn take_next(&self) -> Result<(), RootKeyError> {
        fs::rename(&self.next, &self.path).map_err(|source| self.failed(source))?;
        self.sync_folder()
    }

    /// Writes a file that is ours alone; what is left from a crash goes first.
    fn write(&self, path: &Path, key: &RootKey) -> Result<(), RootKeyError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(self.failed(error));
            }
            _ => {}
        }
        let write = || {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(key.text().expose().as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        };
        write().map_err(|source| self.failed(source))
    }

    fn sync_folder(&self) -> Result<(), RootKeyError> {
        let folder = self.path.parent().filter(|parent| *parent != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> RootKeyError {
        RootKeyError::File { path: self.path.clone(), source }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::new(suffix));
    PathBuf::from(name)
}
