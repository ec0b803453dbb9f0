//! `multipart/form-data`, read line by line as `ModSecurity` 2 reads it, with all that it flags: what
//! one parser takes and another does not is where uploads slip past rules.

mod boundary;
mod disposition;
mod header;

use crate::arena::Arena;
use crate::body::Pair;
use crate::limits::{PART_LINE_BYTES_MAX, PARTS_MAX};

use boundary::Boundary;

/// What is odd about a body; the names are those of the `MULTIPART_…` variables.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a variable of the language")]
pub(crate) struct Flags {
    pub(crate) boundary_quoted: bool,
    pub(crate) boundary_whitespace: bool,
    pub(crate) crlf_line: bool,
    pub(crate) data_after: bool,
    pub(crate) data_before: bool,
    pub(crate) error: bool,
    pub(crate) file_limit_exceeded: bool,
    pub(crate) header_folding: bool,
    pub(crate) invalid_header_folding: bool,
    pub(crate) invalid_part: bool,
    pub(crate) invalid_quoting: bool,
    pub(crate) lf_line: bool,
    pub(crate) missing_semicolon: bool,
    pub(crate) unmatched_boundary: bool,
}

impl Flags {
    /// `MULTIPART_STRICT_ERROR`.
    pub(crate) fn is_strict_error(self) -> bool {
        self.error
            || self.boundary_quoted
            || self.boundary_whitespace
            || self.data_before
            || self.data_after
            || self.header_folding
            || self.lf_line
            || self.missing_semicolon
            || self.invalid_quoting
            || self.invalid_part
            || self.invalid_header_folding
            || self.file_limit_exceeded
    }
}

/// A part of a body.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a [u8],
    /// For files.
    pub(crate) filename: Option<&'a [u8]>,
    pub(crate) headers: Vec<&'a [u8]>,
    pub(crate) value: &'a [u8],
}

/// A body, read as far as it could be.
#[derive(Debug, Default)]
pub(crate) struct Parsed<'a> {
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) flags: Flags,
    pub(crate) error: Option<&'static str>,
    /// The bytes that are no content of files.
    pub(crate) no_files_bytes: usize,
}

/// Reads a body whose `Content-Type` is given.
pub(crate) fn parse<'a>(
    content_type: &'a [u8],
    body: &'a [u8],
    arena: &'a Arena,
    files_max: usize,
) -> Parsed<'a> {
    let mut reader = Reader {
        arena,
        parsed: Parsed::default(),
        boundary: &[],
        part: None,
        boundaries: 0,
        files: 0,
        files_max,
        is_complete: false,
        was_bare_lf: false,
    };
    let read = boundary::find(content_type, &mut reader.parsed.flags).and_then(|boundary| {
        reader.boundary = boundary;
        reader.lines(body)
    });
    if let Err(error) = read {
        reader.parsed.flags.error = true;
        reader.parsed.error = Some(error);
        // What an unfinished part holds is judged as well.
        reader.close();
    }
    reader.parsed
}

struct Reader<'a> {
    arena: &'a Arena,
    parsed: Parsed<'a>,
    boundary: &'a [u8],
    part: Option<Building<'a>>,
    boundaries: usize,
    files: usize,
    files_max: usize,
    is_complete: bool,
    /// Whether the line before ended without a carriage return.
    was_bare_lf: bool,
}

/// A part that is being read.
#[derive(Debug, Default)]
struct Building<'a> {
    name: Option<&'a [u8]>,
    filename: Option<&'a [u8]>,
    headers: Vec<Pair<'a>>,
    is_in_data: bool,
    has_data: bool,
    /// The data so far: where it begins, and how long it is.
    data: &'a [u8],
    length: usize,
}

impl<'a> Building<'a> {
    /// So many bytes more of the body, which goes on with `rest`.
    fn grow(&mut self, rest: &'a [u8], length: usize) {
        if self.length == 0 {
            self.data = rest;
        }
        self.length += length;
    }
}

impl<'a> Reader<'a> {
    fn lines(&mut self, body: &'a [u8]) -> Result<(), &'static str> {
        let mut rest = body;
        while !rest.is_empty() {
            if self.is_complete {
                self.parsed.flags.data_after = true;
                return Ok(());
            }
            let Some(end) = memchr::memchr(b'\n', rest) else { break };
            let (line, after) = rest.split_at_checked(end + 1).unwrap_or((rest, &[]));
            self.line(line, rest)?;
            self.was_bare_lf = !line.ends_with(b"\r\n");
            rest = after;
        }
        self.end(rest, body)
    }

    /// The last line, which no line end closes, and whether the body may end here.
    fn end(&mut self, last: &'a [u8], body: &'a [u8]) -> Result<(), &'static str> {
        if self.is_complete || body.is_empty() {
            return Ok(());
        }
        if self.boundaries == 0 {
            self.parsed.flags.data_before |= !last.is_empty();
            return Err("no boundaries found in payload");
        }
        let final_boundary =
            last.strip_prefix(b"--").and_then(|line| line.strip_prefix(self.boundary));
        if final_boundary != Some(b"--") {
            if let Some(part) = self.part.as_mut().filter(|part| part.is_in_data) {
                part.grow(last, last.len());
            }
            return Err("final boundary missing");
        }
        self.parsed.flags.lf_line |= self.was_bare_lf;
        self.parsed.flags.invalid_part |= self.part.as_ref().is_some_and(|part| !part.has_data);
        self.close();
        self.is_complete = true;
        Ok(())
    }

    fn line(&mut self, line: &'a [u8], rest: &'a [u8]) -> Result<(), &'static str> {
        let is_dashed = line.len() > 3 && line.starts_with(b"--");
        if is_dashed && self.boundary_line(line)? {
            return Ok(());
        }
        if !is_dashed {
            let has_inside = memchr::memmem::find_iter(line, b"--")
                .any(|at| line.get(at + 2..).is_some_and(|after| after.starts_with(self.boundary)));
            self.parsed.flags.unmatched_boundary |= has_inside;
        }
        match &mut self.part {
            None => {
                self.parsed.flags.data_before = true;
                Ok(())
            }
            Some(part) if part.is_in_data => {
                part.has_data = true;
                part.grow(rest, line.len());
                Ok(())
            }
            Some(_) if line.len() >= PART_LINE_BYTES_MAX => Err("a part header line is too long"),
            Some(_) => self.header_line(line),
        }
    }

    /// Says whether the line was a boundary.
    fn boundary_line(&mut self, line: &'a [u8]) -> Result<bool, &'static str> {
        let dashed = line.get(2..).unwrap_or_default();
        let Some(after) = dashed.strip_prefix(self.boundary) else {
            boundary::check_unmatched(dashed, self.boundary, self.parsed.flags)?;
            self.parsed.flags.unmatched_boundary = true;
            return Ok(false);
        };
        self.parsed.flags.lf_line |= self.was_bare_lf;
        let has_data = self.part.as_ref().is_none_or(|part| part.has_data);
        if !has_data && self.boundaries > 0 {
            self.parsed.flags.invalid_part = true;
            return Ok(false);
        }
        let boundary = match after {
            b"\r\n" => Boundary { is_final: false, is_crlf: true },
            b"\n" => Boundary { is_final: false, is_crlf: false },
            b"--\r\n" => Boundary { is_final: true, is_crlf: true },
            b"--\n" => Boundary { is_final: true, is_crlf: false },
            _ => return Err("a boundary goes on where it should end"),
        };
        let flags = &mut self.parsed.flags;
        flags.crlf_line |= boundary.is_crlf;
        flags.lf_line |= !boundary.is_crlf;
        self.close();
        self.boundaries += 1;
        if boundary.is_final {
            self.is_complete = true;
        } else if self.boundaries > PARTS_MAX {
            return Err("too many parts");
        } else {
            self.part = Some(Building::default());
        }
        Ok(true)
    }

    /// Ends the part that is being read; the line end before a boundary belongs to the boundary.
    fn close(&mut self) {
        let Some(part) = self.part.take() else { return };
        let data = part.data.get(..part.length).unwrap_or_default();
        let value = data.strip_suffix(b"\r\n").or_else(|| data.strip_suffix(b"\n")).unwrap_or(data);
        let Some(name) = part.name else {
            self.parsed.flags.invalid_part = true;
            return;
        };
        if part.filename.is_some() {
            self.files += 1;
            self.parsed.flags.file_limit_exceeded |= self.files > self.files_max;
        } else {
            self.parsed.no_files_bytes += value.len();
        }
        let headers = part.headers.iter().map(|(name, value)| {
            self.arena.write(name.len() + 2 + value.len(), |out| {
                out.extend_from_slice(name);
                out.extend_from_slice(b": ");
                out.extend_from_slice(value);
            })
        });
        let headers = headers.collect();
        self.parsed.parts.push(Part { name, filename: part.filename, headers, value });
    }
}

#[cfg(test)]
mod tests;
