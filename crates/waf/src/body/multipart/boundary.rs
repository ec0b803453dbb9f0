//! The boundary: found in the `Content-Type`, and what looks like one in the body.

use crate::body::multipart::Flags;
use crate::cursor::{is_space, split_once, trim_start};

/// A line that is a boundary.
pub(super) struct Boundary {
    pub(super) is_final: bool,
    pub(super) is_crlf: bool,
}

/// The boundary that a `Content-Type` names. One that two readers may read in two ways is an error.
pub(super) fn find<'a>(
    content_type: &'a [u8],
    flags: &mut Flags,
) -> Result<&'a [u8], &'static str> {
    const BYTES_MAX: usize = 1_024;
    if content_type.len() > BYTES_MAX {
        return Err("invalid boundary in C-T (length)");
    }
    let form = content_type.split_at_checked(19);
    let Some((_, parameters)) =
        form.filter(|(form, _)| form.eq_ignore_ascii_case(b"multipart/form-data"))
    else {
        return Err("invalid MIME type");
    };
    if count(content_type) > 1 {
        return Err("multiple boundary parameters in C-T");
    }
    let Some(at) = memchr::memmem::find(parameters, b"boundary") else {
        return Err(if count(content_type) > 0 {
            "invalid boundary in C-T (case sensitivity)"
        } else {
            "boundary not found in C-T"
        });
    };
    let (before, found) = parameters.split_at_checked(at).unwrap_or_default();
    let signs: Vec<u8> = before.iter().copied().filter(|byte| !is_space(*byte)).collect();
    match signs.as_slice() {
        b";" => {}
        b"" => flags.missing_semicolon = true,
        _ => return Err("invalid boundary in C-T (malformed)"),
    }
    value(found.get(8..).unwrap_or_default(), flags)
}

/// After the word `boundary`.
fn value<'a>(text: &'a [u8], flags: &mut Flags) -> Result<&'a [u8], &'static str> {
    let Some((between, value)) = split_once(text, b'=') else {
        return Err("invalid boundary in C-T (malformed)");
    };
    if !between.iter().all(|byte| is_space(*byte)) {
        return Err("invalid boundary in C-T (parameter name)");
    }
    let is_spaced = value.first().is_some_and(|byte| is_space(*byte));
    flags.boundary_whitespace |= !between.is_empty() || is_spaced;
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let boundary = match quoted {
        Some(boundary) => {
            flags.boundary_quoted = true;
            boundary
        }
        None if value.starts_with(b"\"") || value.ends_with(b"\"") => {
            return Err("invalid boundary in C-T (quote)");
        }
        None => value,
    };
    if count(boundary) > 0 {
        return Err("invalid boundary in C-T (content)");
    }
    let (last, _) = boundary.split_last().ok_or("invalid boundary in C-T (empty)")?;
    if *last == b' ' || !boundary.iter().all(|byte| is_boundary(*byte)) {
        return Err("invalid boundary in C-T (characters)");
    }
    Ok(boundary)
}

/// RFC 2046, section 5.1.1.
fn is_boundary(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+_,-./:=?".contains(&byte)
}

/// How often `boundary` stands before a `=`, in any case.
fn count(text: &[u8]) -> usize {
    let lower = text.to_ascii_lowercase();
    memchr::memmem::find_iter(&lower, b"boundary")
        .filter(|at| lower.get(at + 8..).is_some_and(|after| after.contains(&b'=')))
        .count()
}

/// A line that begins as a boundary and is none: with quotes or spaces around the true one it is
/// an error, since others may read it as the boundary.
pub(super) fn check_unmatched(
    dashed: &[u8],
    boundary: &[u8],
    flags: Flags,
) -> Result<(), &'static str> {
    let is_quoted = dashed.strip_prefix(b"\"").is_some_and(|line| line.starts_with(boundary));
    if flags.boundary_quoted && is_quoted {
        return Err("invalid boundary (quotes)");
    }
    let unspaced = trim_start(dashed);
    if unspaced.len() < dashed.len() && unspaced.starts_with(boundary) {
        return Err("invalid boundary (whitespace)");
    }
    Ok(())
}
