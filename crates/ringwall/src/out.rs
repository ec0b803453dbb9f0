//! Standard output is data, standard error is talk.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde_json::{Value, json};

/// How results and errors are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people, with excerpts and colours.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For screen readers and logs: no drawing, no colour.
    Plain,
}

/// The two streams of a command.
#[derive(Debug)]
pub(crate) struct Out {
    format: Format,
    uses_color: bool,
}

impl Out {
    pub(crate) fn new(format: Format, uses_color: bool) -> Self {
        Self { format, uses_color }
    }

    /// The chosen format.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether colours may be used on standard error.
    pub(crate) fn uses_color(&self) -> bool {
        self.uses_color && self.format == Format::Human
    }

    /// Writes data to standard output. A closed pipe (`| head`) is no error.
    #[expect(clippy::unused_self, reason = "whoever writes data has been given the streams")]
    pub(crate) fn data(&mut self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let written = stdout
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { stdout.write_all(b"\n") });
        match written.and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes one JSON document to standard output.
    pub(crate) fn json(&mut self, value: &Value) -> io::Result<()> {
        self.data(&format!("{value:#}"))
    }

    /// Writes a line for the person to standard error. Nothing can be done when that fails.
    pub(crate) fn talk(&mut self, line: &str) {
        if self.format != Format::Json {
            drop(writeln!(io::stderr().lock(), "{line}"));
        }
    }

    /// Reports an error that has no place in a file.
    pub(crate) fn problem(&mut self, code: &str, message: &str, help: Option<&str>) {
        let mut stderr = io::stderr().lock();
        let written = match self.format {
            Format::Json => {
                writeln!(stderr, "{}", json!({ "code": code, "message": message, "help": help }))
            }
            Format::Human | Format::Plain => writeln!(stderr, "error[{code}]: {message}")
                .and_then(|()| help.map_or(Ok(()), |help| writeln!(stderr, "  help: {help}"))),
        };
        // Standard error is closed: there is nobody to tell.
        drop(written);
    }

    /// Prints columns that line up, or the same rows as JSON objects.
    pub(crate) fn table(&mut self, columns: &[String], rows: &[Vec<String>]) -> io::Result<()> {
        if self.format == Format::Json {
            let objects: Vec<Value> = rows
                .iter()
                .map(|row| {
                    columns.iter().cloned().zip(row.iter().map(|cell| json!(cell))).collect()
                })
                .collect();
            return self.json(&Value::Array(objects));
        }
        let width = |index: usize| {
            let cells = rows.iter().filter_map(|row| row.get(index));
            let longest = cells.chain(columns.get(index)).map(|cell| cell.chars().count()).max();
            longest.unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut text = line(columns);
        for row in rows {
            text.push('\n');
            text.push_str(&line(row));
        }
        self.data(&text)
    }
}

/// Whether a person sees standard error.
pub(crate) fn talks_to_terminal() -> bool {
    io::stderr().is_terminal()
}
