//! The texts that a manifest is read from, and places in them.

use std::ops::Range;

use ringwall_base::Place;

/// One file: the path as the user would type it, and its text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// Relative to the manifest's folder.
    pub path: String,
    /// The content.
    pub text: String,
}

/// A byte range in one of the files.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct At {
    pub(crate) file: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// All files of one manifest; the first is the root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    files: Vec<Indexed>,
}

#[derive(Clone, Debug)]
struct Indexed {
    source: Source,
    line_starts: Vec<usize>,
}

impl Source {
    /// A file with its path.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

impl At {
    pub(crate) fn new(file: usize, span: &Range<usize>) -> Self {
        Self { file, start: span.start, end: span.end }
    }

    pub(crate) fn span(self) -> Range<usize> {
        self.start..self.end
    }
}

impl Sources {
    /// Takes a file in and returns its number.
    pub(crate) fn push(&mut self, source: Source) -> usize {
        let line_starts = std::iter::once(0)
            .chain(source.text.match_indices('\n').map(|(at, _)| at.saturating_add(1)))
            .collect();
        self.files.push(Indexed { source, line_starts });
        self.files.len().saturating_sub(1)
    }

    pub(crate) fn text(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |indexed| indexed.source.text.as_str())
    }

    pub(crate) fn path(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |indexed| indexed.source.path.as_str())
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.iter().any(|indexed| indexed.source.path == path)
    }

    /// File, line and column of the first character.
    pub(crate) fn place(&self, at: At) -> Place {
        let Some(indexed) = self.files.get(at.file) else {
            return Place::default();
        };
        let line = indexed.line_starts.partition_point(|start| *start <= at.start).max(1);
        let start = indexed.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = indexed.source.text.get(start..at.start).unwrap_or("");
        Place {
            file: indexed.source.path.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count().saturating_add(1)).unwrap_or(u32::MAX),
        }
    }

    /// A path written in a file, made relative to the root manifest's folder.
    pub(crate) fn resolve(&self, file: usize, path: &str) -> String {
        let folder = self.path(file).rsplit_once('/').map_or("", |(folder, _)| folder);
        if file == 0 || folder.is_empty() || path.starts_with('/') {
            return path.to_owned();
        }
        let mut parts: Vec<&str> = folder.split('/').collect();
        for part in path.split('/') {
            match part {
                "." | "" => {}
                ".." if parts.last().is_some_and(|last| *last != "..") => {
                    parts.pop();
                }
                other => parts.push(other),
            }
        }
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let mut sources = Sources::default();
        let file = sources.push(Source::new("a.toml", "ä = 1\nb = 2"));
        let place = |start| sources.place(At { file, start, end: start }).to_string();
        assert_eq!(place(0), "a.toml:1:1");
        assert_eq!(place(2), "a.toml:1:2");
        assert_eq!(place(7), "a.toml:2:1");
        assert_eq!(place(9999), "a.toml:2:1");
    }

    #[test]
    fn a_path_in_an_included_file_starts_at_that_file() {
        let mut sources = Sources::default();
        sources.push(Source::new("ringwall.toml", ""));
        let file = sources.push(Source::new("services/users/ringwall.toml", ""));
        assert_eq!(sources.resolve(0, "users/openapi.yaml"), "users/openapi.yaml");
        assert_eq!(sources.resolve(file, "openapi.yaml"), "services/users/openapi.yaml");
        assert_eq!(sources.resolve(file, "../x.yaml"), "services/x.yaml");
        assert_eq!(sources.resolve(file, "/etc/x.yaml"), "/etc/x.yaml");
    }
}
