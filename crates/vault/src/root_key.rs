//! The root key: 32 bytes that open everything. Only in memory, never in the database.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ringwall_base::{Entropy, Secret};

use crate::SealError;
use crate::aead::Key;

/// The key at the top.
#[derive(Clone)]
pub struct RootKey {
    wrapping: Key,
    check: Vec<u8>,
    /// Kept only to be written to a file.
    bytes: Key,
}

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// It would overwrite a key, and with it everything that it opens.
    #[error("`{}` is already there; a root key is never overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("the root key `{}` cannot be opened", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not 32 bytes, and not their base64 or hex text.
    #[error("a root key is 32 bytes, as base64 or hex text")]
    Malformed,
    /// Others than the owner can get at it.
    #[error(
        "the root key `{}` has mode {mode:04o} and owner {owner}; it must be a file of this user \
         that nobody else can read (chmod 600)",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The owner's uid.
        owner: u32,
    },
    /// No randomness.
    #[error("no root key can be made")]
    Seal(#[from] SealError),
}

impl RootKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// When randomness fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, RootKeyError> {
        Self::from_key(Key::generate(entropy)?).ok_or(RootKeyError::Malformed)
    }

    /// From its bytes.
    ///
    /// # Errors
    /// When they are not 32.
    pub fn from_bytes(bytes: Secret<Vec<u8>>) -> Result<Self, RootKeyError> {
        Key::from_bytes(bytes).and_then(Self::from_key).ok_or(RootKeyError::Malformed)
    }

    /// From text: base64 (either alphabet, with or without padding) or 64 hex digits, as an
    /// environment variable holds it.
    ///
    /// # Errors
    /// When it is not 32 bytes.
    pub fn from_env(text: &str) -> Result<Self, RootKeyError> {
        decode(text.trim()).and_then(Self::from_key).ok_or(RootKeyError::Malformed)
    }

    /// From a file of this user with mode 0600 or less: 32 bytes, or their text.
    ///
    /// # Errors
    /// When others could read it, it is a link, or it has other content.
    pub fn from_file(path: &Path) -> Result<Self, RootKeyError> {
        Self::read(path, 0o077)
    }

    /// From a systemd credential (`$CREDENTIALS_DIRECTORY/…`). systemd lets the unit's user read it
    /// through an access list, which shows as group permission.
    ///
    /// # Errors
    /// As [`RootKey::from_file`].
    pub fn from_credential(path: &Path) -> Result<Self, RootKeyError> {
        Self::read(path, 0o007)
    }

    /// A value that tells this key from all others, and nothing else about it.
    pub(crate) fn check(&self) -> &[u8] {
        &self.check
    }

    /// The key that wraps the ring.
    pub(crate) fn wrapping(&self) -> &Key {
        &self.wrapping
    }

    /// The text for a file.
    pub(crate) fn text(&self) -> Secret<String> {
        let [standard, _] = ENGINES;
        Secret::new(standard.encode(self.bytes.expose()))
    }

    /// The root key itself is no AES key: one for wrapping and a check value are derived from it,
    /// by HMAC-SHA-256 as a PRF (SP 800-108 counter mode with one block).
    fn from_key(bytes: Key) -> Option<Self> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes.expose());
        let derive = |label: &[u8]| Secret::new(hmac::sign(&key, label).as_ref().to_vec());
        let wrapping = Key::from_bytes(derive(b"ringwall root 1 wrap"));
        let check = derive(b"ringwall root 1 check").expose().clone();
        // Always there: a SHA-256 value has the length of a key.
        Some(Self { wrapping: wrapping?, check, bytes })
    }

    fn read(path: &Path, forbidden: u32) -> Result<Self, RootKeyError> {
        let failed = |source| RootKeyError::File { path: path.to_owned(), source };
        // NOFOLLOW: the permissions that are checked are those of the file that is read.
        let flags = rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK);
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let mut file =
            OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        let (mode, owner) = (meta.mode() & 0o7777, meta.uid());
        let is_ours = owner == rustix::process::geteuid().as_raw() || owner == 0;
        if !meta.is_file() || mode & forbidden != 0 || !is_ours {
            return Err(RootKeyError::Open { path: path.to_owned(), mode, owner });
        }
        let bytes = read_short(&mut file).map_err(failed)?;
        let text = std::str::from_utf8(bytes.expose()).ok().and_then(|text| decode(text.trim()));
        // Text is never 32 bytes long, so the two forms cannot be confused.
        let key = text.or_else(|| Key::from_bytes(bytes.clone()));
        key.and_then(Self::from_key).ok_or(RootKeyError::Malformed)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(…)")
    }
}

/// At most a hundred bytes; a longer file is no key.
fn read_short(file: &mut File) -> Result<Secret<Vec<u8>>, io::Error> {
    let mut bytes = Vec::with_capacity(100);
    file.take(100).read_to_end(&mut bytes)?;
    Ok(Secret::new(bytes))
}

fn decode(text: &str) -> Option<Key> {
    let bytes = match text.len() {
        64 => hex(text),
        _ => ENGINES.iter().find_map(|engine| engine.decode(text).ok()),
    }?;
    Key::from_bytes(Secret::new(bytes))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect();
    let pairs =
        digits?.chunks_exact(2).map(|pair| pair.iter().fold(0, |a, b| a << 4 | b)).collect();
    Some(pairs)
}

const ENGINES: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&STANDARD, LENIENT), GeneralPurpose::new(&URL_SAFE, LENIENT)];

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
