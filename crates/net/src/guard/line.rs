//! One line of a head: the first line, and header fields.

use memchr::{memchr, memmem};

use super::Violation;
use crate::HeadLimits;

/// What the head has said so far about where the message ends.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) fields: usize,
    pub(super) has_host: bool,
    pub(super) head: Head,
    /// Of a request in absolute form. Rare: the only allocation.
    authority: Option<Box<[u8]>>,
}

/// What a head says about its message and its connection.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent findings of one pass, not a state")]
pub(crate) struct Head {
    /// Bytes of the head, its last empty line included.
    pub(crate) bytes: usize,
    /// Bytes of the method. The target begins after the space behind it.
    pub(crate) method: usize,
    /// Bytes of the target.
    pub(crate) target: usize,
    /// Of a response.
    pub(crate) status: u16,
    pub(crate) is_1_0: bool,
    pub(crate) length: Option<u64>,
    pub(crate) is_chunked: bool,
    pub(crate) is_upgrade: bool,
    /// `Connection: close`.
    pub(crate) closes: bool,
    /// `Connection: keep-alive`.
    pub(crate) keeps: bool,
    /// `Expect: 100-continue`.
    pub(crate) continues: bool,
    /// `TE: trailers`.
    pub(crate) takes_trailers: bool,
}

/// Where a field stands in its section.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    /// Of the name.
    pub(crate) start: usize,
    /// After the name.
    pub(crate) colon: usize,
    /// Of the value, without white space around it.
    pub(crate) value: usize,
    /// After the value.
    pub(crate) end: usize,
}

impl Facts {
    /// `METHOD SP target SP HTTP/1.x`, RFC 9112 section 3, without its leniencies.
    pub(super) fn request_line(
        &mut self,
        line: &[u8],
        limits: &HeadLimits,
    ) -> Result<(), Violation> {
        let (line, version) =
            line.split_at_checked(line.len().saturating_sub(9)).unwrap_or_default();
        self.head.is_1_0 = match version {
            b" HTTP/1.1" => false,
            b" HTTP/1.0" => true,
            _other => return Err(Violation::StartLine),
        };
        let space = memchr(b' ', line).ok_or(Violation::StartLine)?;
        let (method, target) = line.split_at_checked(space).unwrap_or_default();
        let target = target.get(1..).unwrap_or_default();
        if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return Err(Violation::StartLine);
        }
        if target.len() > limits.uri_bytes_max {
            return Err(Violation::UriTooLong);
        }
        // Visible ASCII only; a fragment is never sent (RFC 9112 section 3.2).
        let is_bad = |byte: &u8| !byte.is_ascii_graphic() || *byte == b'#';
        if target.is_empty() || target.iter().any(is_bad) {
            return Err(Violation::StartLine);
        }
        if method == b"CONNECT" {
            return Err(Violation::Connect);
        }
        (self.head.method, self.head.target) = (method.len(), target.len());
        self.target(method, target)
    }

    fn target(&mut self, method: &[u8], target: &[u8]) -> Result<(), Violation> {
        if target.first() == Some(&b'/') {
            return path(target);
        }
        if target == b"*" {
            return if method == b"OPTIONS" { Ok(()) } else { Err(Violation::StartLine) };
        }
        let rest = strip_scheme(target).ok_or(Violation::StartLine)?;
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end).unwrap_or_default();
        self.authority = Some(authority.into());
        path(rest)
    }

    /// `HTTP/1.x SP 3DIGIT SP reason`, RFC 9112 section 4. The last space may be missing.
    pub(super) fn status_line(&mut self, line: &[u8]) -> Result<(), Violation> {
        let (version, rest) = line.split_at_checked(9).ok_or(Violation::StartLine)?;
        self.head.is_1_0 = match version {
            b"HTTP/1.1 " => false,
            b"HTTP/1.0 " => true,
            _other => return Err(Violation::StartLine),
        };
        let (status, reason) = rest.split_at_checked(3).ok_or(Violation::StartLine)?;
        let digits = number(status).ok_or(Violation::StartLine)?;
        self.head.status = u16::try_from(digits).map_err(|_overflow| Violation::StartLine)?;
        let is_separated = reason.first().is_none_or(|byte| *byte == b' ');
        if self.head.status < 100 || !is_separated {
            return Err(Violation::StartLine);
        }
        if has_control(reason) { Err(Violation::ControlByte) } else { Ok(()) }
    }

    /// One header field, and where it stands in its line. `is_trailer` ones may not frame, route or
    /// authenticate.
    pub(super) fn field(
        &mut self,
        line: &[u8],
        limits: &HeadLimits,
        is_trailer: bool,
    ) -> Result<Span, Violation> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(Violation::ObsFold);
        }
        let colon = memchr(b':', line).ok_or(Violation::FieldName)?;
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        if matches!(name.last(), Some(b' ' | b'\t')) {
            return Err(Violation::SpaceBeforeColon);
        }
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Violation::FieldName);
        }
        let padded = value.get(1..).unwrap_or_default();
        let value = trim(padded);
        if has_control(value) {
            return Err(Violation::ControlByte);
        }
        self.fields = self.fields.saturating_add(1);
        if self.fields > limits.fields_max {
            return Err(Violation::TooManyFields);
        }
        self.known(Known::of(name), value, is_trailer)?;
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let before = padded.iter().position(|byte| !blank(byte)).unwrap_or(padded.len());
        let start = colon.saturating_add(1).saturating_add(before);
        Ok(Span { start: 0, colon, value: start, end: start.saturating_add(value.len()) })
    }

    fn known(&mut self, name: Known, value: &[u8], is_trailer: bool) -> Result<(), Violation> {
        match name {
            Known::Connection
            | Known::ContentLength
            | Known::Credential
            | Known::Host
            | Known::TransferEncoding
            | Known::Upgrade
                if is_trailer =>
            {
                return Err(Violation::Trailer);
            }
            Known::Host => return self.host(value),
            Known::ContentLength => return self.content_length(value),
            Known::TransferEncoding => return self.transfer_encoding(value),
            Known::Connection => return self.connection(value),
            Known::Upgrade => self.head.is_upgrade = true,
            Known::Expect if !is_trailer => {
                self.head.continues |= value.eq_ignore_ascii_case(b"100-continue");
            }
            Known::Te if !is_trailer => self.head.takes_trailers |= names(value, b"trailers"),
            Known::Credential | Known::Expect | Known::Te | Known::Other => {}
        }
        Ok(())
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.has_host {
            return Err(Violation::Hosts);
        }
        self.has_host = true;
        let is_host_byte = |byte: &u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        };
        if value.is_empty() || !value.iter().all(is_host_byte) {
            return Err(Violation::Host);
        }
        match &self.authority {
            Some(authority) if !authority.eq_ignore_ascii_case(value) => Err(Violation::Authority),
            Some(_) | None => Ok(()),
        }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.head.length.is_some() {
            return Err(Violation::Lengths);
        }
        if self.head.is_chunked {
            return Err(Violation::LengthAndEncoding);
        }
        // A leading zero is octal to somebody.
        let is_plain = value == b"0" || value.first() != Some(&b'0');
        self.head.length = Some(number(value).filter(|_| is_plain).ok_or(Violation::Length)?);
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.head.length.is_some() {
            return Err(Violation::LengthAndEncoding);
        }
        if self.head.is_chunked || self.head.is_1_0 || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Violation::TransferEncoding);
        }
        self.head.is_chunked = true;
        Ok(())
    }

    /// A named header is dropped on the way: none that frames or authenticates may be named.
    fn connection(&mut self, value: &[u8]) -> Result<(), Violation> {
        for name in value.split(|byte| *byte == b',').map(trim) {
            match Known::of(name) {
                Known::ContentLength
                | Known::Credential
                | Known::Host
                | Known::TransferEncoding
                | Known::Connection => return Err(Violation::Connection),
                Known::Other if name.eq_ignore_ascii_case(b"close") => self.head.closes = true,
                Known::Other if name.eq_ignore_ascii_case(b"keep-alive") => self.head.keeps = true,
                Known::Other | Known::Upgrade | Known::Expect | Known::Te => {}
            }
        }
        Ok(())
    }
}

/// Field names that mean something here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Known {
    Connection,
    ContentLength,
    Credential,
    Expect,
    Host,
    Other,
    Te,
    TransferEncoding,
    Upgrade,
}

impl Known {
    fn of(name: &[u8]) -> Self {
        // The length decides almost always, so that most names are compared with nothing.
        let (candidate, known): (&[u8], Self) = match name.len() {
            2 => (b"te", Self::Te),
            4 => (b"host", Self::Host),
            6 if matches!(name.first(), Some(b'e' | b'E')) => (b"expect", Self::Expect),
            6 => (b"cookie", Self::Credential),
            7 => (b"upgrade", Self::Upgrade),
            10 => (b"connection", Self::Connection),
            13 => (b"authorization", Self::Credential),
            14 => (b"content-length", Self::ContentLength),
            17 => (b"transfer-encoding", Self::TransferEncoding),
            _other => return Self::Other,
        };
        if name.eq_ignore_ascii_case(candidate) { known } else { Self::Other }
    }
}

/// Whether a list of members with parameters has this one.
fn names(list: &[u8], wanted: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|member| trim(member).eq_ignore_ascii_case(wanted))
}

/// Refuses `.` and `..` segments, spelled with `%2e` too: upstreams resolve them, we match without.
fn path(target: &[u8]) -> Result<(), Violation> {
    let end = memchr(b'?', target).unwrap_or(target.len());
    let path = target.get(..end).unwrap_or_default();
    if has_dot_segment(path) { Err(Violation::DotSegment) } else { Ok(()) }
}

/// Whether a path has a `.` or `..` segment, also after one decoding.
pub(crate) fn has_dot_segment(path: &[u8]) -> bool {
    let is_suspect = memchr(b'.', path).is_some() || memmem::find(path, b"%2").is_some();
    is_suspect && path.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots)
}

fn is_dots(mut segment: &[u8]) -> bool {
    let mut dots = 0_usize;
    loop {
        segment = match segment {
            [] => return matches!(dots, 1 | 2),
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _other => return false,
        };
        dots = dots.saturating_add(1);
    }
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    [b"http://".as_slice(), b"https://"].into_iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// Digits only: no sign, no white space, no list. At most 19 digits, so it fits.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

pub(super) fn trim(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// NUL, CR, LF and their like. A tab is none.
pub(super) fn has_control(value: &[u8]) -> bool {
    // Without short cuts, so that the compiler uses vectors.
    let count = |sum: u8, byte: &u8| {
        let is_bad = (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
        sum | u8::from(is_bad)
    };
    value.iter().fold(0, count) != 0
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    TOKEN.get(usize::from(byte)).copied().unwrap_or(false)
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut left: &[u8] =
        b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    while let [byte, rest @ ..] = left {
        #[expect(
            clippy::indexing_slicing,
            clippy::as_conversions,
            reason = "evaluated at compile time"
        )]
        {
            table[*byte as usize] = true;
        }
        left = rest;
    }
    table
};
