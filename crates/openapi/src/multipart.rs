//! `multipart/form-data` (RFC 7578): the parts, with one reading.

use crate::media_type;

/// More parts are refused.
const PARTS_MAX: usize = 1_000;

/// Bytes of one part's head.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// One part.
#[derive(Clone, Debug)]
pub(crate) struct Part<'b> {
    pub(crate) name: String,
    pub(crate) is_file: bool,
    /// What a browser sends for a file that nobody chose.
    pub(crate) is_none: bool,
    /// Header fields in the order of the text, except `content-disposition`.
    pub(crate) fields: Vec<(&'b str, &'b str)>,
    pub(crate) content: &'b [u8],
}

impl<'b> Part<'b> {
    /// The value of a header field, and whether there is only one.
    pub(crate) fn field(&self, name: &str) -> Result<Option<&'b str>, &'static str> {
        let mut values = self.fields.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Err("part with a field that is there twice"),
            (one, _) => Ok(one.map(|(_, value)| *value)),
        }
    }

    /// The content as a text.
    pub(crate) fn text(&self) -> Result<&'b str, &'static str> {
        std::str::from_utf8(self.content).or(Err("field is not UTF-8"))
    }
}

/// Reads the parts. `Err` says what is malformed.
pub(crate) fn parts<'b>(parameters: &str, body: &'b [u8]) -> Result<Vec<Part<'b>>, &'static str> {
    let boundary = media_type::parameter(parameters, "boundary")
        .ok()
        .flatten()
        .filter(|boundary| (1..=70).contains(&boundary.len()))
        .ok_or("multipart without one boundary")?;
    let first = format!("--{boundary}");
    let mut rest = body.strip_prefix(first.as_bytes()).ok_or("malformed multipart")?;
    let delimiter = format!("\r\n--{boundary}");
    let finder = memchr::memmem::Finder::new(delimiter.as_bytes());
    let mut parts = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            // An epilogue would be read by some and not by others.
            return match end {
                b"" | b"\r\n" => Ok(parts),
                _ => Err("bytes after the last part"),
            };
        }
        if parts.len() >= PARTS_MAX {
            return Err("too many parts");
        }
        let part = rest.strip_prefix(b"\r\n").ok_or("malformed multipart")?;
        let end = finder.find(part).ok_or("unfinished multipart")?;
        let (content, after) = part.split_at_checked(end).ok_or("unfinished multipart")?;
        // Some frameworks also take a boundary after a bare LF or CR.
        if memchr::memmem::find(content, first.as_bytes()).is_some() {
            return Err("boundary inside a part");
        }
        parts.push(read(content)?);
        rest = after.get(delimiter.len()..).unwrap_or_default();
    }
}

fn read(part: &[u8]) -> Result<Part<'_>, &'static str> {
    let end = memchr::memmem::find(part, b"\r\n\r\n").ok_or("part without a head")?;
    if end > HEAD_BYTES_MAX {
        return Err("head of a part is too long");
    }
    let (head, value) = part.split_at_checked(end).ok_or("part without a head")?;
    let head = std::str::from_utf8(head).or(Err("head of a part is not UTF-8"))?;
    let mut disposition = None;
    let mut fields = Vec::new();
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("malformed head of a part")?;
        // No folded line, and no bare CR or LF, which ends a line for some frameworks.
        if !name.bytes().all(is_name_byte) || value.contains(['\r', '\n', '\0']) {
            return Err("malformed head of a part");
        }
        if !name.eq_ignore_ascii_case("content-disposition") {
            fields.push((name, value.trim()));
        } else if disposition.replace(value.trim()).is_some() {
            return Err("part with two dispositions");
        }
    }
    let (name, file) = named(disposition.ok_or("part without a disposition")?)?;
    let content = value.get(4..).unwrap_or_default();
    let is_none = content.is_empty() && file.as_deref() == Some("");
    let part = Part { name, is_file: file.is_some(), is_none, fields, content };
    // RFC 7578 section 4.7: what is coded once more is read so by some and not by others.
    let coding = part.field("content-transfer-encoding")?.unwrap_or("binary");
    if !["7bit", "8bit", "binary"].iter().any(|known| coding.eq_ignore_ascii_case(known)) {
        return Err("part with a transfer encoding");
    }
    Ok(part)
}

/// A name, and that of a file.
type Named = (String, Option<String>);

/// The name in a disposition, and that of a file.
fn named(disposition: &str) -> Result<Named, &'static str> {
    let (kind, parameters) = disposition.split_once(';').ok_or("part without a name")?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err("part that is not form-data");
    }
    let known = media_type::parameters(parameters);
    let known = known.map_err(|()| "part with a name that has several readings")?;
    // `name*` and `filename*` are read by some frameworks; RFC 7578 section 4.2 forbids the latter.
    if known.iter().any(|(key, _)| key.contains('*')) {
        return Err("part with an encoded name");
    }
    let twice = "part with two names";
    let name = media_type::parameter(parameters, "name").map_err(|()| twice)?;
    let file = media_type::parameter(parameters, "filename").map_err(|()| twice)?;
    let name = name.ok_or("part without a name")?;
    // A quote in a name, as browsers write it, is one for some frameworks only.
    if name.contains("%22") {
        return Err("part with an escaped quote");
    }
    Ok((name, file))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
