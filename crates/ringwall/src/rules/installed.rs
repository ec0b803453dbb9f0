//! Rule sets in the state folder: kept by the hash of what is in them, one of them in use.
//!
//! INVARIANT: `waf/current` names a folder that is whole. A set is written beside and moved into
//! place; only then may it be named. A crash leaves the set that was in use, and files that are not
//! those of their hash are not read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest::{Context as Digest, SHA256};
use ringwall_base::Timestamp;
use serde_json::{Value, json};

use super::archive;
use crate::paths::Place;
use crate::wire::{make_private, replace};

/// Files of a rule set by their path in it.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// A rule set that is installed.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    /// The hash of its files, in short.
    pub(crate) id: String,
    /// As it calls itself: `OWASP_CRS/4.28.0`.
    pub(crate) version: String,
    /// When it was installed.
    pub(crate) at: String,
    /// Where it came from.
    pub(crate) from: String,
    pub(crate) is_current: bool,
}

/// A rule set that may be installed.
#[derive(Debug)]
pub(crate) struct Candidate {
    files: Files,
    /// SHA-256 of the archive; none for a folder.
    pub(crate) sha256: Option<String>,
    /// The archive as it was read; none for a folder.
    pub(crate) archive: Option<Vec<u8>>,
    from: PathBuf,
}

/// A set, and what of it does less than it says, with file and line.
pub(crate) type Added = (Installed, Vec<String>);

/// The rule sets of a state folder.
#[derive(Debug)]
pub(crate) struct Sets {
    folder: PathBuf,
}

impl Sets {
    pub(crate) fn of(place: &Place) -> Self {
        Self { folder: place.state().join("waf") }
    }

    /// The id of the set in use.
    pub(crate) fn current(&self) -> Result<Option<String>> {
        match fs::read_to_string(self.folder.join("current")) {
            Ok(id) => Ok(Some(id.trim().to_owned()).filter(|id| is_id(id))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("cannot read which rule set is in use"),
        }
    }

    /// Where the files of a set lie.
    pub(crate) fn folder(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }

    /// All that are installed, the newest first.
    pub(crate) fn list(&self) -> Result<Vec<Installed>> {
        let current = self.current()?;
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(Vec::new()) };
        let ids = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<Installed> = ids
            .filter(|id| is_id(id))
            .filter_map(|id| self.about(&id, current.as_deref() == Some(id.as_str())))
            .collect();
        found.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id)));
        Ok(found)
    }

    fn about(&self, id: &str, is_current: bool) -> Option<Installed> {
        let text = fs::read(self.folder(id).join(ABOUT)).ok()?;
        let about: Value = serde_json::from_slice(&text).ok()?;
        let word = |name: &str| about.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Installed {
            id: id.to_owned(),
            version: word("version")?,
            at: word("installed")?,
            from: word("from")?,
            is_current,
        })
    }

    /// The one that a person means by a version, an id or the beginning of an id.
    pub(crate) fn find(&self, name: &str) -> Result<Installed> {
        let all = self.list()?;
        let is_meant = |one: &&Installed| {
            let version = one.version.rsplit_once('/').map_or(one.version.as_str(), |(_, v)| v);
            one.version == name || version == name || (name.len() >= 4 && one.id.starts_with(name))
        };
        let mut meant = all.iter().filter(is_meant);
        match (meant.next(), meant.next()) {
            (Some(one), None) => Ok(one.clone()),
            (Some(_), Some(_)) => bail!("`{name}` means more than one; give the id"),
            (None, _) => {
                let known: Vec<&str> = all.iter().map(|one| one.version.as_str()).collect();
                let near = ringwall_manifest::nearest(name, known.iter().copied());
                let near =
                    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                bail!("no rule set `{name}` is installed{near}")
            }
        }
    }

    /// Puts a set into the state folder. It is not in use yet. Says what of it does less than it says.
    pub(crate) fn add(&self, candidate: &Candidate, at: Timestamp) -> Result<Added> {
        make_private(&self.folder)?;
        let id = hash(&candidate.files);
        let beside = self.folder.join(format!(".{id}.{}", std::process::id()));
        candidate.unpack(&beside)?;
        let (version, notes) = match candidate.version(&beside) {
            Ok((version, notes)) => (version.unwrap_or_else(|| format!("rules/{id}")), notes),
            Err(error) => {
                drop(fs::remove_dir_all(&beside));
                return Err(error);
            }
        };
        let about = json!({
            "version": version,
            "installed": at.to_string(),
            "from": candidate.from.display().to_string(),
            "sha256": candidate.sha256,
        });
        write(&beside.join(ABOUT), format!("{about:#}\n").as_bytes())?;
        let folder = self.folder(&id);
        if folder.join(ABOUT).is_file() && self.check(&id).is_ok() {
            // The same files lie there already.
            fs::remove_dir_all(&beside).context("cannot tidy up")?;
        } else {
            // Half of it may lie there, from a removal that was cut short.
            self.discard(&id)?;
            fs::rename(&beside, &folder)
                .with_context(|| format!("cannot write {}", folder.display()))?;
        }
        let installed = self.about(&id, false).context("the rule set was not written")?;
        Ok((installed, notes))
    }

    /// Fails when the files of a set are not those that were installed.
    pub(crate) fn check(&self, id: &str) -> Result<()> {
        let folder = self.folder(id);
        let files = archive::folder(&folder)?;
        if hash(&files) != id {
            bail!("{} is damaged; install the rule set again", folder.display());
        }
        Ok(())
    }

    /// Moves a set aside, then removes it: what is left of it has not its name.
    fn discard(&self, id: &str) -> Result<()> {
        let folder = self.folder(id);
        let gone = self.folder.join(format!(".gone-{id}.{}", std::process::id()));
        match fs::rename(&folder, &gone) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot move {}", folder.display()));
            }
        }
        fs::remove_dir_all(&gone).with_context(|| format!("cannot remove {}", gone.display()))
    }

    /// Puts a set in use.
    pub(crate) fn choose(&self, id: &str) -> Result<()> {
        if !self.folder(id).join(ABOUT).is_file() {
            bail!("the rule set {id} is not installed");
        }
        self.check(id)?;
        replace(&self.folder.join("current"), id.as_bytes(), 0o600)
    }

    /// Puts none in use.
    pub(crate) fn forget(&self) -> Result<()> {
        match fs::remove_file(self.folder.join("current")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("cannot put the rule set out of use")
            }
            _ => Ok(()),
        }
    }

    /// Removes a set that is not in use.
    pub(crate) fn remove(&self, id: &str) -> Result<()> {
        if self.current()?.as_deref() == Some(id) {
            bail!("{id} is in use; `ringwall waf use` another one first");
        }
        self.discard(id)
    }
}

impl Candidate {
    /// Reads a folder or an archive.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let from = path.to_path_buf();
        if path.is_dir() {
            return Ok(Self { files: archive::folder(path)?, sha256: None, archive: None, from });
        }
        let bytes = archive::bytes(path)?;
        let mut digest = Digest::new(&SHA256);
        digest.update(&bytes);
        let sha256 = Some(hex(digest.finish().as_ref()));
        Ok(Self { files: archive::unpack(&bytes)?, sha256, archive: Some(bytes), from })
    }

    /// Debian's package: the rules, and from elsewhere what administrators change.
    pub(crate) fn of_debian(root: &Path) -> Result<Self> {
        let rules = root.join(DEBIAN);
        if !rules.exists() {
            bail!("{} is not there; name a folder or an archive", rules.display());
        }
        let mut candidate = Self::read(&rules)?;
        let settings = root.join(DEBIAN_SETTINGS);
        for name in ["crs-setup.conf", DEBIAN_BEFORE, DEBIAN_AFTER] {
            let (path, place) = (
                settings.join(name),
                if name == "crs-setup.conf" { name.to_owned() } else { format!("rules/{name}") },
            );
            if !candidate.files.contains_key(&place) && path.is_file() {
                candidate.files.insert(place, archive::bytes(&path)?);
            }
        }
        Ok(candidate)
    }

    fn has_setup(&self) -> bool {
        self.files.keys().any(|path| path.starts_with("crs-setup.conf"))
    }

    /// Loads the rules where they were unpacked to, and says what they call themselves.
    fn version(&self, folder: &Path) -> Result<Named> {
        // The folder is gone in a moment; a person knows the files by their names in the set.
        let inside = format!("{}/", folder.display());
        let set = match super::try_set(folder)? {
            Ok(set) => set,
            Err(errors) => {
                bail!("{}", errors.to_string().replace(&inside, ""));
            }
        };
        if set.has_rule(CRS_NEEDS_SETUP) && !self.has_setup() {
            bail!("crs-setup.conf is not in it, and without it the rules refuse every request");
        }
        let note = |one: &ringwall_waf::Warning| {
            let file = one.place.file.replace(&inside, "");
            format!("{file}:{}: {}", one.place.line, one.text)
        };
        let notes = set.warnings().iter().map(note).collect();
        Ok((set.signatures().first().cloned(), notes))
    }

    fn unpack(&self, folder: &Path) -> Result<()> {
        for (name, content) in &self.files {
            let path = folder.join(name);
            make_private(path.parent().unwrap_or(folder))?;
            write(&path, content)?;
        }
        Ok(())
    }
}

/// What a set calls itself, and what of it does less than it says.
type Named = (Option<String>, Vec<String>);

/// The hash of all names and contents: the same rules have the same id, however they came.
fn hash(files: &Files) -> String {
    let mut digest = Digest::new(&SHA256);
    for (name, content) in files {
        for part in [name.as_bytes(), content] {
            digest.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
    }
    hex(digest.finish().as_ref()).chars().take(ID_CHARS).collect()
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    let written = fs::File::create(path)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes all that is written.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

fn is_id(text: &str) -> bool {
    text.len() == ID_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The rule with which CRS stops a server that was not set up.
const CRS_NEEDS_SETUP: u64 = 901_001;

/// Debian's `modsecurity-crs`.
const DEBIAN: &str = "usr/share/modsecurity-crs";
/// Where it keeps what administrators change: the setup, and rules before and after the others.
const DEBIAN_SETTINGS: &str = "etc/modsecurity/crs";
const DEBIAN_BEFORE: &str = "REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf";
const DEBIAN_AFTER: &str = "RESPONSE-999-EXCLUSION-RULES-AFTER-CRS.conf";

const ABOUT: &str = "ringwall.json";

/// 64 bits: nobody installs so many that two meet, and nobody trusts the id for more.
const ID_CHARS: usize = 16;

#[cfg(test)]
mod tests;
