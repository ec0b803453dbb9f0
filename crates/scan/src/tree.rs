//! The files that are looked at, handed in so that this package opens none.

use std::collections::BTreeMap;
use std::fmt::Debug;

/// A tree of text files.
pub trait Tree: Debug {
    /// All paths, relative to the root with `/` between segments, sorted, without folders that hold
    /// no source of the project (virtual environments, version control, caches).
    fn files(&self) -> Vec<String>;

    /// The text of one file. `None` when it is gone, too large or not UTF-8.
    fn read(&self, path: &str) -> Option<String>;
}

/// A tree in memory, for tests and fuzzing.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree(BTreeMap<String, String>);

impl MemoryTree {
    /// From paths and texts.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }
}

impl Tree for MemoryTree {
    fn files(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn read(&self, path: &str) -> Option<String> {
        self.0.get(path).cloned()
    }
}
