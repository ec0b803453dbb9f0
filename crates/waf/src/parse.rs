//! Reads rule files into rules, markers and settings; the whole language but the evaluation.

pub(crate) mod actions;
mod chain;
mod control;
mod directive;
mod effect;
pub(crate) mod error;
mod exclusion;
mod lexer;
mod operator;
mod settings;
mod targets;

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::{ERRORS_MAX, INCLUDE_DEPTH_MAX, RULES_MAX, SOURCE_BYTES_MAX, SOURCES_MAX};
use crate::parse::actions::Actions;
use crate::parse::error::{Cause, LoadError, RuleError};
use crate::rule::{Phase, Place, Rule};
use crate::settings::Settings;

/// Gives the files that rules name. This package opens none itself.
pub trait Library {
    /// The files of an `Include`, in lexicographic order. `pattern` may have `*`; then nothing
    /// found is no error. `from` is the file that includes.
    fn include(&self, pattern: &str, from: &str) -> Result<Vec<Source>, LibraryError>;

    /// The content of a data file: phrases, addresses, a Unicode map.
    fn data(&self, path: &str, from: &str) -> Result<Vec<u8>, LibraryError>;
}

/// A library without any file.
#[derive(Clone, Copy, Debug)]
pub struct NoLibrary;

/// Why a file cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LibraryError(pub String);

/// A file of rules.
#[derive(Clone, Debug)]
pub struct Source {
    /// How errors and records call it.
    pub name: String,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// Something that stands in the order of the rules.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Marker(Arc<[u8]>),
    Rule(Box<Rule>),
}

/// All that the files said.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) items: Vec<Item>,
    pub(crate) settings: Settings,
    pub(crate) warnings: Vec<Warning>,
}

/// Something that loads, and that the author should know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub text: String,
}

/// Reads the files in their order.
pub(crate) fn read(sources: &[Source], library: &dyn Library) -> Result<Program, LoadError> {
    let mut reader = Reader::new(library);
    for source in sources {
        reader.file(source, 0);
    }
    reader.finish()
}

/// What is read so far.
struct Reader<'l> {
    library: &'l dyn Library,
    items: Vec<Item>,
    settings: Settings,
    warnings: Vec<Warning>,
    errors: Vec<RuleError>,
    /// `SecDefaultAction` by phase.
    defaults: HashMap<Phase, Actions>,
    ids: HashMap<u64, Place>,
    /// A rule whose chain goes on.
    open: Option<Box<Rule>>,
    sources: usize,
    bytes: usize,
    place: Place,
}

impl<'l> Reader<'l> {
    fn new(library: &'l dyn Library) -> Self {
        Self {
            library,
            items: Vec::new(),
            settings: Settings::default(),
            warnings: Vec::new(),
            errors: Vec::new(),
            defaults: HashMap::new(),
            ids: HashMap::new(),
            open: None,
            sources: 0,
            bytes: 0,
            place: Place { file: Arc::from(""), line: 0 },
        }
    }

    fn file(&mut self, source: &Source, depth: usize) {
        self.place = Place { file: Arc::from(source.name.as_str()), line: 1 };
        if let Err(cause) = self.admit(source.text.len(), depth) {
            self.fail(cause);
            return;
        }
        let lines = match lexer::lines(&source.text) {
            Ok(lines) => lines,
            Err((line, cause)) => {
                self.place.line = line;
                self.fail(cause);
                return;
            }
        };
        let file = Arc::clone(&self.place.file);
        for line in lines {
            if self.errors.len() >= ERRORS_MAX {
                return;
            }
            self.place = Place { file: Arc::clone(&file), line: line.number };
            if let Err(cause) = self.line(&line.text, depth) {
                self.fail(cause);
            }
        }
    }

    fn admit(&mut self, bytes: usize, depth: usize) -> Result<(), Cause> {
        self.sources += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.sources > SOURCES_MAX {
            return Err(Cause::Limit { what: "files", max: SOURCES_MAX });
        }
        if self.bytes > SOURCE_BYTES_MAX {
            return Err(Cause::Limit { what: "bytes of rules", max: SOURCE_BYTES_MAX });
        }
        if depth > INCLUDE_DEPTH_MAX {
            return Err(Cause::Limit { what: "includes in includes", max: INCLUDE_DEPTH_MAX });
        }
        Ok(())
    }

    fn line(&mut self, text: &[u8], depth: usize) -> Result<(), Cause> {
        let words = lexer::words(text)?;
        let Some((name, arguments)) = words.split_first() else { return Ok(()) };
        let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        directive::run(self, name, &arguments, depth)
    }

    fn include(&mut self, pattern: &[u8], is_optional: bool, depth: usize) -> Result<(), Cause> {
        let pattern = String::from_utf8_lossy(pattern).into_owned();
        let from = self.place.clone();
        match self.library.include(&pattern, &from.file) {
            Ok(found) => found.iter().for_each(|source| self.file(source, depth + 1)),
            Err(_) if is_optional => self.warn("an optional file is not there"),
            Err(error) => return Err(Cause::File { path: pattern, why: error.to_string() }),
        }
        self.place = from;
        Ok(())
    }

    fn data(&mut self, path: &[u8]) -> Result<Vec<u8>, Cause> {
        let path = String::from_utf8_lossy(path).into_owned();
        let data = self
            .library
            .data(&path, &self.place.file)
            .map_err(|error| Cause::File { path, why: error.to_string() })?;
        self.admit(data.len(), 0)?;
        Ok(data)
    }

    fn fail(&mut self, cause: Cause) {
        let Place { file, line } = &self.place;
        self.errors.push(RuleError { file: file.to_string(), line: *line, cause });
    }

    fn warn(&mut self, text: impl Into<String>) {
        if self.warnings.len() < RULES_MAX {
            self.warnings.push(Warning { place: self.place.clone(), text: text.into() });
        }
    }

    fn finish(mut self) -> Result<Program, LoadError> {
        if let Some(open) = self.open.take() {
            self.place = open.place.clone();
            self.fail(Cause::Chain("the last rule has `chain`, and no rule follows"));
        }
        if self.errors.is_empty() {
            let Self { items, settings, warnings, .. } = self;
            Ok(Program { items, settings, warnings })
        } else {
            self.errors.truncate(ERRORS_MAX);
            Err(LoadError { errors: self.errors })
        }
    }
}

impl Library for NoLibrary {
    fn include(&self, _pattern: &str, _from: &str) -> Result<Vec<Source>, LibraryError> {
        Err(LibraryError("there are no files here".to_owned()))
    }

    fn data(&self, _path: &str, _from: &str) -> Result<Vec<u8>, LibraryError> {
        Err(LibraryError("there are no files here".to_owned()))
    }
}

#[cfg(test)]
mod tests;
