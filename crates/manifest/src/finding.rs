//! What the checker found: code, place, what is wrong, what to write instead.

use std::ops::Range;

use ringwall_base::Place;

use crate::catalogue;
use crate::source::{At, Sources};

/// One thing that the checker found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// `RW1004`. Each has a page: [`crate::page`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// File, line and column of the span's first character.
    pub place: Place,
    /// The bytes meant, in the text of `place.file`.
    pub span: Range<usize>,
    /// What to write under the marked text.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<Related>,
}

/// Another place that belongs to a finding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Related {
    /// What is there.
    pub label: String,
    /// File, line and column.
    pub place: Place,
    /// The bytes meant, in the text of `place.file`.
    pub span: Range<usize>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The manifest cannot be used, or a promise is broken.
    Error,
    /// It can be used, and is probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Finding {
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn help_maybe(&mut self, help: Option<String>) -> &mut Self {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    pub(crate) fn related(&mut self, related: Related) -> &mut Self {
        self.related.push(related);
        self
    }

    /// Whether no model can be made of a manifest with this finding.
    pub fn is_invalid(&self) -> bool {
        self.severity == Severity::Error
            && (self.code.starts_with("RW0") || self.code.starts_with("RW1"))
    }
}

impl Severity {
    /// `error`, `warning`, `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Collects all findings of one run: an operator wants to see every mistake at once.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub(crate) sources: &'a Sources,
    list: Vec<Finding>,
    /// The newest one, to which label and help are still added.
    newest: Option<Finding>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(sources: &'a Sources, list: Vec<Finding>) -> Self {
        Self { sources, list, newest: None }
    }

    /// Adds a finding and returns it, so that label and help can be put in.
    pub(crate) fn add(
        &mut self,
        code: &'static str,
        at: At,
        message: impl Into<String>,
    ) -> &mut Finding {
        let finding = Finding {
            code,
            severity: catalogue::severity(code),
            message: message.into(),
            place: self.sources.place(at),
            span: at.span(),
            label: String::new(),
            help: None,
            related: Vec::new(),
        };
        self.list.extend(self.newest.take());
        self.newest.insert(finding)
    }

    pub(crate) fn related(&self, at: At, label: impl Into<String>) -> Related {
        Related { label: label.into(), place: self.sources.place(at), span: at.span() }
    }

    pub(crate) fn is_invalid(&self) -> bool {
        self.list.iter().chain(&self.newest).any(Finding::is_invalid)
    }

    /// All findings, the worst first, then in the order of the text. More than the limit are
    /// counted, not kept.
    pub(crate) fn finish(mut self) -> (Vec<Finding>, usize) {
        self.list.extend(self.newest.take());
        self.list
            .sort_by(|a, b| (a.severity, &a.place, a.code).cmp(&(b.severity, &b.place, b.code)));
        self.list.dedup();
        let left_out = self.list.len().saturating_sub(FINDINGS_MAX);
        self.list.truncate(FINDINGS_MAX);
        (self.list, left_out)
    }
}

/// Nobody reads more, and a hostile file must not fill a terminal or a disk.
const FINDINGS_MAX: usize = 200;
