//! `multipart/form-data` (RFC 7578): parts with their names and bytes, in one reading.

use percent_encoding::percent_decode_str;

use crate::limits::{PARAMETERS_MAX, PART_HEAD_BYTES_MAX, PARTS_MAX};

/// One part.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// The name of the field.
    pub(crate) name: String,
    /// The file's name, in both spellings where both are there; empty for what is no file.
    pub(crate) file_names: Vec<String>,
    /// What its sender says that it is.
    pub(crate) media_type: Option<String>,
    pub(crate) content: &'a [u8],
}

/// Name and value.
pub(crate) type Parameter = (String, String);

/// The name of a field, and those of its file.
type Names = (String, Vec<String>);

/// The parts of a body. `Err` says what has more than one reading.
pub(crate) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, &'static str> {
    let parameters = parameters(content_type)?;
    // `boundary*=` is another boundary for those who read it.
    if parameters.iter().any(|(name, _)| name.contains('*')) {
        return Err("a boundary in another coding");
    }
    let boundary = parameters
        .into_iter()
        .find_map(|(name, value)| (name == "boundary").then_some(value))
        .filter(|boundary| (1..=70).contains(&boundary.len()))
        .ok_or("multipart without a boundary")?;
    let first = format!("--{boundary}");
    let delimiter = format!("\r\n{first}");
    let mut rest = body.strip_prefix(first.as_bytes()).ok_or("bytes before the first part")?;
    let finder = memchr::memmem::Finder::new(delimiter.as_bytes());
    let inner = memchr::memmem::Finder::new(first.as_bytes());
    let mut parts = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            return match end {
                b"" | b"\r\n" => Ok(parts),
                _ => Err("bytes after the last part"),
            };
        }
        if parts.len() >= PARTS_MAX {
            return Err("too many parts");
        }
        let part = rest.strip_prefix(b"\r\n").ok_or("a boundary goes on where it should end")?;
        let end = finder.find(part).ok_or("the last boundary is missing")?;
        let (content, after) = part.split_at_checked(end).ok_or("the last boundary is missing")?;
        // Some frameworks also take a boundary after a bare LF or CR.
        if inner.find(content).is_some() {
            return Err("a boundary inside a part");
        }
        parts.push(read(content)?);
        rest = after.get(delimiter.len()..).unwrap_or_default();
    }
}

fn read(part: &[u8]) -> Result<Part<'_>, &'static str> {
    let end = memchr::memmem::find(part, b"\r\n\r\n").ok_or("a part without a head")?;
    if end > PART_HEAD_BYTES_MAX {
        return Err("the head of a part is too long");
    }
    let (head, content) = part.split_at_checked(end).ok_or("a part without a head")?;
    let head = std::str::from_utf8(head).or(Err("the head of a part is not UTF-8"))?;
    let (mut disposition, mut media_type) = (None, None);
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("a broken line in the head of a part")?;
        // No folded line, and no bare CR or LF, which ends a line for some frameworks.
        if !name.bytes().all(is_name_byte) || value.contains(['\r', '\n']) {
            return Err("a broken line in the head of a part");
        }
        let value = value.trim();
        let seen = match name.to_ascii_lowercase().as_str() {
            "content-disposition" => disposition.replace(value),
            "content-type" => media_type.replace(value),
            // Some undo it, some do not: RFC 7578 section 4.7 has no use for it.
            "content-transfer-encoding" if !is_plain_coding(value) => {
                return Err("a part in a transfer encoding");
            }
            _ => None,
        };
        if seen.is_some() {
            return Err("a part that says the same thing twice");
        }
    }
    let disposition = disposition.ok_or("a part without a disposition")?;
    let (name, file_names) = names(disposition)?;
    let media_type = media_type.map(|text| essence(text).to_ascii_lowercase());
    if media_type.as_deref().is_some_and(|one| one.starts_with("multipart/")) {
        return Err("parts inside a part");
    }
    Ok(Part { name, file_names, media_type, content: content.get(4..).unwrap_or_default() })
}

fn names(disposition: &str) -> Result<Names, &'static str> {
    if !essence(disposition).eq_ignore_ascii_case("form-data") {
        return Err("a part that is not form-data");
    }
    let (mut name, mut file_names) = (None, Vec::new());
    for (key, value) in parameters(disposition)? {
        match key.as_str() {
            "name" => name = Some(value),
            "filename" => file_names.push(value),
            "filename*" => file_names.push(extended(&value).ok_or("a file name that is broken")?),
            key if key.contains('*') => return Err("a name in pieces"),
            _ => {}
        }
    }
    Ok((name.ok_or("a part without a name")?, file_names))
}

/// What stands before the parameters.
pub(crate) fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// The parameters of a field's value, names in lower case. None may come twice.
pub(crate) fn parameters(value: &str) -> Result<Vec<Parameter>, &'static str> {
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest).trim_start();
    let mut list: Vec<Parameter> = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("a broken parameter")?;
        let name = name.trim().to_ascii_lowercase();
        let value;
        if let Some(quoted) = after.trim_start().strip_prefix('"') {
            let (inner, behind) = quoted.split_once('"').ok_or("an open quote")?;
            // Readers differ in whether this quote ends the value.
            if inner.ends_with('\\') {
                return Err("an escaped quote");
            }
            value = inner;
            rest = behind.trim_start();
            if !rest.is_empty() && !rest.starts_with(';') {
                return Err("bytes after a quoted value");
            }
            rest = rest.strip_prefix(';').unwrap_or_default().trim_start();
        } else {
            let (plain, behind) = after.split_once(';').unwrap_or((after, ""));
            value = plain.trim();
            rest = behind.trim_start();
            if value.contains(['"', ' ']) {
                return Err("a broken parameter");
            }
        }
        // Each is compared with all before it.
        if list.len() >= PARAMETERS_MAX {
            return Err("too many parameters");
        }
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| is_name_byte(byte) || byte == b'*');
        if !is_name || list.iter().any(|(known, _)| *known == name) {
            return Err("a parameter that comes twice, or has no name");
        }
        list.push((name, value.to_owned()));
    }
    Ok(list)
}

/// RFC 8187: `UTF-8''na%20me`.
fn extended(value: &str) -> Option<String> {
    let mut pieces = value.splitn(3, '\'');
    let (charset, _language, text) = (pieces.next()?, pieces.next()?, pieces.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn is_plain_coding(value: &str) -> bool {
    ["7bit", "8bit", "binary"].iter().any(|known| known.eq_ignore_ascii_case(value))
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(body: &str, want: &str) {
        let body = body.replace('\n', "\r\n").replace('$', "\n");
        let got = parts("multipart/form-data; boundary=x", body.as_bytes());
        assert_eq!(got.map(|parts| parts.len()).unwrap_err(), want, "{body}");
    }

    #[test]
    fn parts_have_names_types_and_bytes() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\n\
            content-disposition: form-data; filename=\"b;c.png\"; name=f\r\nContent-Type: image/PNG; a=b\r\n\r\n\
            \x00\xff\r\n--x\r\ncontent-disposition: form-data; name=g; filename=a.txt; \
            filename*=UTF-8''%c3%a4.txt\r\n\r\n\r\n--x--\r\n";
        let parts = parts("multipart/form-data; boundary=\"x\"", body).unwrap();
        let seen: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.content)).collect();
        assert_eq!(seen, [("a", &b"1"[..]), ("f", b"\x00\xff"), ("g", b"")]);
        assert_eq!(parts[1].file_names, ["b;c.png"]);
        assert_eq!(parts[1].media_type.as_deref(), Some("image/png"));
        assert_eq!(parts[2].file_names, ["a.txt", "ä.txt"]);
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        const HEAD: &str = "content-disposition: form-data; name=a";
        for (head, want) in [
            (format!("{HEAD}; name=b"), "a parameter that comes twice, or has no name"),
            (format!("{HEAD}; filename*0=b"), "a name in pieces"),
            (format!("{HEAD}; filename*=b"), "a file name that is broken"),
            (format!("{HEAD}; filename=\"b\\\"c\""), "an escaped quote"),
            (format!("{HEAD}; filename=\"b\"c"), "bytes after a quoted value"),
            (format!("{HEAD}; filename=\"b"), "an open quote"),
            (format!("{HEAD}; filename"), "a broken parameter"),
            (format!("{HEAD}\n{HEAD}"), "a part that says the same thing twice"),
            (format!("{HEAD}\n folded: 1"), "a broken line in the head of a part"),
            (format!("{HEAD}\na: b$c: d"), "a broken line in the head of a part"),
            (format!("{HEAD}\ncontent-transfer-encoding: base64"), "a part in a transfer encoding"),
            (format!("{HEAD}\ncontent-type: multipart/mixed"), "parts inside a part"),
            ("content-disposition: attachment; name=a".to_owned(), "a part that is not form-data"),
            ("content-type: text/plain".to_owned(), "a part without a disposition"),
        ] {
            refused(&format!("--x\n{head}\n\n1\n--x--\n"), want);
        }
        let names: Vec<String> = (0..99).map(|one| format!("; p{one}=1")).collect();
        let many = |count: usize| names[..count].concat();
        let head = |count| format!("--x\n{HEAD}{}\n\n1\n--x--\n", many(count));
        refused(&head(PARAMETERS_MAX), "too many parameters");
        let most = head(PARAMETERS_MAX - 1).replace('\n', "\r\n");
        assert!(parts("multipart/form-data; boundary=x", most.as_bytes()).is_ok());
        refused(&format!("hello\n--x\n{HEAD}\n\n1\n--x--\n"), "bytes before the first part");
        refused(&format!("--x\n{HEAD}\n\n1\n--x--\nmore"), "bytes after the last part");
        refused(&format!("--x\n{HEAD}\n\n1$--x--\n\n--x--\n"), "a boundary inside a part");
        refused(
            &format!("--x\n{HEAD}\n\n1\n--xy\n--x--\n"),
            "a boundary goes on where it should end",
        );
        refused(&format!("--x\n{HEAD}\n\n1\n"), "the last boundary is missing");
        refused(&format!("--x\n{HEAD}\n1\n--x--\n"), "a part without a head");
        assert_eq!(parts("multipart/form-data", b"").unwrap_err(), "multipart without a boundary");
        let coded = "multipart/form-data; boundary=x; boundary*=UTF-8''y";
        assert_eq!(parts(coded, b"").unwrap_err(), "a boundary in another coding");
    }
}
