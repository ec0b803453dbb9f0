//! `multipart/form-data` (RFC 7578): the fields, with one reading.
//!
//! Files are only counted by name: what is in them is for the rules, not for a schema.

use crate::media_type;

/// More parts are refused.
const PARTS_MAX: usize = 1_000;

/// Bytes of one part's head.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Name and value.
pub(crate) type Field = (String, String);

/// Names and values of the parts; a file's value is empty. `Err` says what is malformed.
pub(crate) fn fields(parameters: &str, body: &[u8]) -> Result<Vec<Field>, &'static str> {
    let boundary = media_type::parameter(parameters, "boundary")
        .ok()
        .flatten()
        .filter(|boundary| (1..=70).contains(&boundary.len()))
        .ok_or("multipart without one boundary")?;
    let first = format!("--{boundary}");
    let mut rest = body.strip_prefix(first.as_bytes()).ok_or("malformed multipart")?;
    let delimiter = format!("\r\n--{boundary}");
    let finder = memchr::memmem::Finder::new(delimiter.as_bytes());
    let mut fields = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            // An epilogue would be read by some and not by others.
            return match end {
                b"" | b"\r\n" => Ok(fields),
                _ => Err("bytes after the last part"),
            };
        }
        if fields.len() >= PARTS_MAX {
            return Err("too many parts");
        }
        let part = rest.strip_prefix(b"\r\n").ok_or("malformed multipart")?;
        let end = finder.find(part).ok_or("unfinished multipart")?;
        let (content, after) = part.split_at_checked(end).ok_or("unfinished multipart")?;
        // Some frameworks also take a boundary after a bare LF or CR.
        if memchr::memmem::find(content, first.as_bytes()).is_some() {
            return Err("boundary inside a part");
        }
        fields.push(field(content)?);
        rest = after.get(delimiter.len()..).unwrap_or_default();
    }
}

fn field(part: &[u8]) -> Result<Field, &'static str> {
    let end = memchr::memmem::find(part, b"\r\n\r\n").ok_or("part without a head")?;
    if end > HEAD_BYTES_MAX {
        return Err("head of a part is too long");
    }
    let (head, value) = part.split_at_checked(end).ok_or("part without a head")?;
    let head = std::str::from_utf8(head).or(Err("head of a part is not UTF-8"))?;
    let mut disposition = None;
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("malformed head of a part")?;
        // No folded line, and no bare CR or LF, which ends a line for some frameworks.
        if !name.bytes().all(is_name_byte) || value.contains(['\r', '\n', '\0']) {
            return Err("malformed head of a part");
        }
        let is_disposition = name.eq_ignore_ascii_case("content-disposition");
        if is_disposition && disposition.replace(value.trim()).is_some() {
            return Err("part with two dispositions");
        }
    }
    let disposition = disposition.ok_or("part without a disposition")?;
    let (kind, parameters) = disposition.split_once(';').ok_or("part without a name")?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err("part that is not form-data");
    }
    if parameters.contains("\\\"") {
        return Err("part with an escaped quote");
    }
    let twice = "part with two names";
    let name = media_type::parameter(parameters, "name").map_err(|()| twice)?;
    let file = media_type::parameter(parameters, "filename").map_err(|()| twice)?;
    let name = name.ok_or("part without a name")?;
    // `name*` and `filename*` are read by some frameworks; RFC 7578 section 4.2 forbids the latter.
    let key = |parameter: &str| parameter.split_once('=').map(|(key, _)| key.contains('*'));
    if media_type::split(parameters).filter_map(key).any(|is_encoded| is_encoded) {
        return Err("part with an encoded name");
    }
    if file.is_some() {
        return Ok((name, String::new()));
    }
    let value = value.get(4..).unwrap_or_default();
    let value = std::str::from_utf8(value).or(Err("field is not UTF-8"))?;
    Ok((name, value.to_owned()))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
