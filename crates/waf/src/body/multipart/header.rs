//! The header lines of a part.

use crate::body::multipart::{Reader, disposition};
use crate::cursor::{is_space, split_once, trim_start};

impl<'a> Reader<'a> {
    pub(super) fn header_line(&mut self, line: &'a [u8]) -> Result<(), &'static str> {
        if line.contains(&0) {
            return Err("nul byte in part headers");
        }
        self.parsed.no_files_bytes += line.len();
        let flags = &mut self.parsed.flags;
        let is_crlf = line.ends_with(b"\r\n");
        flags.crlf_line |= is_crlf;
        flags.lf_line |= !is_crlf;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match text.first() {
            None => self.headers_end(),
            Some(first) if is_space(*first) => self.folded(text),
            Some(_) => self.header(text),
        }
    }

    fn folded(&mut self, text: &'a [u8]) -> Result<(), &'static str> {
        let flags = &mut self.parsed.flags;
        flags.header_folding = true;
        let more = trim_start(text);
        let prefix = text.get(..text.len() - more.len()).unwrap_or_default();
        flags.invalid_header_folding |= prefix.iter().any(|byte| !matches!(byte, b' ' | b'\t'));
        let last = self.part.as_mut().and_then(|part| part.headers.last_mut());
        let Some((_, value)) = last else { return Err("invalid part header (folding error)") };
        *value = self.arena.write(value.len() + more.len() + 1, |out| {
            out.extend_from_slice(value);
            out.push(b' ');
            out.extend_from_slice(more);
        });
        Ok(())
    }

    fn header(&mut self, text: &'a [u8]) -> Result<(), &'static str> {
        let Some((name, value)) = split_once(text, b':') else {
            return Err("invalid part header (colon missing)");
        };
        if name.is_empty() {
            return Err("invalid part header (header name missing)");
        }
        if !name.iter().all(u8::is_ascii_graphic) {
            return Err("invalid part header (contains invalid character)");
        }
        let start = value.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
        let value = value.get(start.unwrap_or(value.len())..).unwrap_or_default();
        let Some(part) = &mut self.part else { return Ok(()) };
        if part.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Err("duplicate part header");
        }
        part.headers.push((name, value));
        Ok(())
    }

    /// The empty line: data follows.
    fn headers_end(&mut self) -> Result<(), &'static str> {
        let Some(part) = &mut self.part else { return Ok(()) };
        let known = part
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(b"content-disposition"))
            .ok_or("part missing Content-Disposition header")?;
        let named = disposition::parse(known.1, self.arena, &mut self.parsed.flags)?;
        // Some read the header by looking for this text alone.
        if named.filename.is_some() && memchr::memmem::find(known.1, b"filename=").is_none() {
            return Err("invalid Content-Disposition header (filename)");
        }
        part.name = Some(named.name.ok_or("Content-Disposition header missing name field")?);
        part.filename = named.filename;
        part.is_in_data = true;
        Ok(())
    }
}
