//! What the running server learned of services: a file for each in the state folder.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use ringwall_base::{Entropy as _, SystemEntropy};
use ringwall_manifest::Model;
use ringwall_openapi::Lessons;

use crate::paths::Place;
use crate::wire::{make_private, replace};

/// What was observed of a service, if anything was.
pub(crate) fn read(place: &Place, service: &str) -> Result<Option<Lessons>> {
    let path = file(place, service);
    let why = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    match std::fs::File::open(&path) {
        Ok(file) => {
            let read = file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut bytes);
            if u64::try_from(read.with_context(why)?).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
                bail!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(why),
    }
    serde_json::from_slice(&bytes).with_context(why).map(Some)
}

/// What was learned of all services.
pub(crate) fn all(place: &Place) -> Result<BTreeMap<String, Lessons>> {
    let Ok(entries) = std::fs::read_dir(folder(place)) else { return Ok(BTreeMap::new()) };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
    let read = |name: String| Ok(read(place, &name)?.map(|lessons| (name, lessons)));
    names.map(read).filter_map(Result::transpose).collect()
}

/// Writes what was learned of a service.
pub(crate) fn write(place: &Place, service: &str, lessons: &Lessons) -> Result<()> {
    replace(&file(place, service), &serde_json::to_vec(lessons)?, 0o600)
}

/// What makes callers numbers, those of this state folder.
pub(crate) fn salt(place: &Place) -> Result<u64> {
    make_private(&folder(place))?;
    let path = folder(place).join("salt");
    let known = std::fs::read_to_string(&path).ok();
    if let Some(salt) = known.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()) {
        return Ok(salt);
    }
    let mut bytes = [0; 8];
    SystemEntropy::open()?.fill(&mut bytes).context("there is no randomness")?;
    let salt = u64::from_be_bytes(bytes);
    replace(&path, format!("{salt:016x}\n").as_bytes(), 0o600)?;
    Ok(salt)
}

fn folder(place: &Place) -> PathBuf {
    place.state().join("learn")
}

fn file(place: &Place, service: &str) -> PathBuf {
    folder(place).join(format!("{service}.json"))
}

/// Names of fields of which no value is kept.
pub(crate) fn hidden(model: &Model) -> BTreeSet<String> {
    let fields = model.data.values().flat_map(|class| &class.fields);
    fields.map(|field| field.to_lowercase()).collect()
}

/// A number that stands for a caller, and says nothing about who it is to those without the salt.
pub(crate) fn caller(salt: u64, name: &str) -> u64 {
    let mut bytes = salt.to_be_bytes().to_vec();
    bytes.extend_from_slice(name.as_bytes());
    let hash = digest(&SHA256, &bytes);
    let start = hash.as_ref().first_chunk::<8>();
    start.map_or(0, |start| u64::from_be_bytes(*start))
}

/// All shapes that may be kept of one service, with room.
const FILE_BYTES_MAX: u64 = 128 * 1024 * 1024;
