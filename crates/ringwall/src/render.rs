//! Turns findings into what a person, a screen reader or a program reads.

use std::collections::BTreeMap;
use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use ringwall_manifest::{Finding, Related, Severity};
use serde_json::{Value, json};

use crate::out::{Format, Out};

/// Texts of the files that findings point into, by path.
pub(crate) type Texts = BTreeMap<String, String>;

/// Prints findings to standard error, or as one JSON array to standard output.
pub(crate) fn findings(found: &[Finding], texts: &Texts, out: &mut Out) -> std::io::Result<()> {
    match out.format() {
        Format::Human => {
            let handler = handler(out.uses_color());
            for finding in found {
                // A note needs no excerpt: it is read once, an error until it is mended.
                let is_note = finding.severity == Severity::Note;
                out.talk(&if is_note { plain(finding) } else { drawn(finding, texts, &handler) });
            }
        }
        Format::Json => out.json(&Value::Array(found.iter().map(to_json).collect()))?,
        Format::Plain => {
            for finding in found {
                out.talk(&plain(finding));
            }
        }
    }
    Ok(())
}

/// One finding as JSON: `{code, severity, message, at, help, details}`.
pub(crate) fn to_json(finding: &Finding) -> Value {
    let related = |related: &Related| json!({ "label": related.label, "at": at(&related.place) });
    json!({
        "code": finding.code,
        "severity": finding.severity.as_str(),
        "message": finding.message,
        "at": at(&finding.place),
        "label": finding.label,
        "help": finding.help,
        "details": finding.related.iter().map(related).collect::<Vec<_>>(),
    })
}

fn at(place: &ringwall_base::Place) -> Value {
    json!({ "file": place.file, "line": place.line, "column": place.column })
}

fn plain(finding: &Finding) -> String {
    if finding.severity == Severity::Note {
        return brief(finding);
    }
    let severity = finding.severity.as_str();
    let mut text = format!("{}: {severity}[{}]: {}", finding.place, finding.code, finding.message);
    if !finding.label.is_empty() {
        push(&mut text, &finding.label);
    }
    for related in &finding.related {
        push(&mut text, &format!("{}: {}", related.place, related.label));
    }
    if let Some(help) = &finding.help {
        push(&mut text, &format!("help: {help}"));
    }
    text
}

fn brief(finding: &Finding) -> String {
    let help = finding.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
    format!("{}: note[{}]: {}{help}", finding.place, finding.code, finding.message)
}

fn push(text: &mut String, line: &str) {
    text.push_str("\n  ");
    text.push_str(line);
}

fn handler(uses_color: bool) -> GraphicalReportHandler {
    let theme =
        if uses_color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .with_context_lines(0)
        .with_links(false)
}

fn drawn(finding: &Finding, texts: &Texts, handler: &GraphicalReportHandler) -> String {
    let report = Report::new(finding, texts);
    let mut text = String::new();
    match handler.render_report(&mut text, &report) {
        Ok(()) => text.trim_end().to_owned(),
        // Drawing fails when a span does not fit its text; the finding is shown all the same.
        Err(fmt::Error) => plain(finding),
    }
}

/// A finding in miette's terms.
#[derive(Debug)]
struct Report {
    code: String,
    message: String,
    severity: miette::Severity,
    help: Option<String>,
    label: Option<LabeledSpan>,
    source: Option<WholeLines>,
    related: Vec<Self>,
}

/// A source that shows whole lines, and no neighbours of them.
#[derive(Debug)]
struct WholeLines {
    name: String,
    text: String,
}

impl SourceCode for WholeLines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let end = span.offset().saturating_add(span.len());
        let head = self.text.get(..span.offset()).ok_or(MietteError::OutOfBounds)?;
        let tail = self.text.get(end..).ok_or(MietteError::OutOfBounds)?;
        let start = head.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let end = end.saturating_add(tail.find('\n').unwrap_or(tail.len()));
        let line = SourceSpan::new(start.into(), end.saturating_sub(start));
        let inner = self.text.as_str().read_span(&line, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            inner.line(),
            self.text.get(start..span.offset()).map_or(0, |text| text.chars().count()),
            inner.line_count(),
        )))
    }
}

impl Report {
    fn new(finding: &Finding, texts: &Texts) -> Self {
        let related = |related: &Related| Self {
            code: String::new(),
            message: related.label.clone(),
            severity: miette::Severity::Advice,
            help: None,
            label: Some(LabeledSpan::new(None, related.span.start, related.span.len())),
            source: source(&related.place.file, texts),
            related: Vec::new(),
        };
        let label = (!finding.label.is_empty()).then(|| finding.label.clone());
        Self {
            code: finding.code.to_owned(),
            message: finding.message.clone(),
            severity: match finding.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
                Severity::Note => miette::Severity::Advice,
            },
            help: finding.help.clone(),
            label: Some(LabeledSpan::new(label, finding.span.start, finding.span.len())),
            source: source(&finding.place.file, texts),
            related: finding.related.iter().map(related).collect(),
        }
    }
}

fn source(file: &str, texts: &Texts) -> Option<WholeLines> {
    texts.get(file).map(|text| WholeLines { name: file.to_owned(), text: text.clone() })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.code.is_empty()).then(|| Box::new(&self.code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        // A label without its text would only draw an error about the drawing.
        self.source.as_ref()?;
        self.label
            .clone()
            .map(|label| Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = _>>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.related.is_empty() {
            return None;
        }
        Some(Box::new(self.related.iter().map(|report| report as &dyn Diagnostic)))
    }
}

/// The last line of a check.
pub(crate) fn verdict(found: &[Finding], left_out: usize) -> String {
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let mut text = String::new();
    let parts = [
        (count(Severity::Error), "error"),
        (count(Severity::Warning), "warning"),
        (count(Severity::Note), "note"),
    ];
    for (count, word) in parts.into_iter().filter(|(count, _)| *count > 0) {
        let (comma, plural) =
            (if text.is_empty() { "" } else { ", " }, if count == 1 { "" } else { "s" });
        text.extend([comma, &count.to_string(), " ", word, plural]);
    }
    if left_out > 0 {
        text.extend([", ", &left_out.to_string(), " more not shown"]);
    }
    text
}
