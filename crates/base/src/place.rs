//! A place in a text that a person wrote.

use std::fmt;

/// File, line and column. Lines and columns count from one; a column counts characters.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The path as the user would type it, relative to the manifest's folder.
    pub file: String,
    /// From one; zero when the whole file is meant.
    pub line: u32,
    /// From one; zero when the whole line is meant.
    pub column: u32,
}

/// `ringwall.toml:37:8`, shorter where column or line are not known.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.file),
            (line, 0) => write!(f, "{}:{line}", self.file),
            (line, column) => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}
