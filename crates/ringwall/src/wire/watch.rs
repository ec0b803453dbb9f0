//! Watches the files that the manifest was read from.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Size and time of change of each file, as last seen.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Seen(Vec<File>);

/// Size and time of change.
type Look = (u64, SystemTime);

/// A file, and how it looked; `None` when it is gone.
type File = (PathBuf, Option<Look>);

impl Seen {
    /// Looks at the files now. One that is gone counts as changed when it comes back.
    pub(crate) fn now(files: &[PathBuf]) -> Self {
        let look = |path: &PathBuf| {
            let found =
                path.metadata().ok().and_then(|data| Some((data.len(), data.modified().ok()?)));
            (path.clone(), found)
        };
        Self(files.iter().map(look).collect())
    }
}

/// How often files are looked at: an edit takes effect before a person has changed windows.
pub(crate) const INTERVAL: Duration = Duration::from_millis(300);
