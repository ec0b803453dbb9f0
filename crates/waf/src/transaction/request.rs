//! The request to variables: line, headers, cookies, arguments, body.

use crate::body::{json, multipart, xml};
use crate::cursor::{split_once, trim, trim_start};
use crate::rule::{Phase, Processor};
use crate::settings::OverLimit;
use crate::transaction::state::List;
use crate::transaction::{RequestHead, Transaction};
use crate::transform::{decode_form, decode_path};
use crate::variable::Variable;

impl<'a> Transaction<'a> {
    pub(super) fn read_head(&mut self, head: RequestHead<'a>) {
        self.read_connection();
        self.read_line(head);
        for (name, value) in head.headers {
            self.state.push(List::RequestHeaders, name, trim(value));
            if name.eq_ignore_ascii_case(b"cookie") {
                self.read_cookies(value);
            }
        }
        self.read_headers();
        for flag in FLAGS {
            self.state.set(*flag, b"0");
        }
        self.count_arguments();
        if self.rules.needs_full_request {
            self.begin_full_request(head.headers);
        }
    }

    fn read_connection(&mut self) {
        let connection = self.connection;
        let address = connection.client_address.as_bytes();
        self.state.set(Variable::RemoteAddr, address);
        self.state.set(Variable::RemoteHost, address);
        let port = self.arena.number(i64::from(connection.client_port));
        self.state.set(Variable::RemotePort, port);
        self.state.set(Variable::ServerAddr, connection.server_address.as_bytes());
        let port = self.arena.number(i64::from(connection.server_port));
        self.state.set(Variable::ServerPort, port);
        self.state.set(Variable::UniqueId, connection.unique_id.as_bytes());
        self.state.set(Variable::RemoteUser, connection.user.as_bytes());
        self.state.set(Variable::Webappid, &self.rules.settings.web_app_id);
        self.state.set(Variable::ModsecBuild, b"020909099");
        self.state.set(Variable::Duration, b"0");
        self.read_time();
    }

    /// In UTC, so that one moment has one name everywhere.
    fn read_time(&mut self) {
        let secs = i64::try_from(self.connection.now_secs).unwrap_or(0);
        let (days, of_day) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        let numbers = [
            (Variable::TimeEpoch, secs),
            (Variable::TimeYear, year),
            (Variable::TimeMon, month),
            (Variable::TimeDay, day),
            // 1970-01-01 was a Thursday; Sunday is 0.
            (Variable::TimeWday, (days + 4).rem_euclid(7)),
            (Variable::TimeHour, hour),
            (Variable::TimeMin, minute),
            (Variable::TimeSec, second),
        ];
        for (variable, number) in numbers {
            let text = self.arena.number(number);
            self.state.set(variable, text);
        }
        let clock = self.arena.keep(format!("{hour:02}:{minute:02}:{second:02}").as_bytes());
        self.state.set(Variable::Time, clock);
    }

    fn read_line(&mut self, head: RequestHead<'a>) {
        let line = self.arena.write(head.target.len() + 32, |out| {
            out.extend_from_slice(head.method);
            for word in [head.target, head.protocol].into_iter().filter(|word| !word.is_empty()) {
                out.push(b' ');
                out.extend_from_slice(word);
            }
        });
        self.state.set(Variable::RequestLine, line);
        self.state.set(Variable::RequestMethod, head.method);
        self.state.set(Variable::RequestProtocol, head.protocol);
        self.state.set(Variable::RequestUriRaw, head.target);
        let origin = origin_form(head.target);
        let end = memchr::memchr(b'#', origin).unwrap_or(origin.len());
        let uri = origin.get(..end).unwrap_or_default();
        self.state.set(Variable::RequestUri, uri);
        // Split first, decode then: an escaped question mark belongs to the path.
        let (path, query) = split_once(uri, b'?').unwrap_or((uri, &[]));
        let path = decode_path(path, self.arena).unwrap_or(path);
        self.state.set(Variable::RequestFilename, path);
        // There is no script here of which it would be the rest: the whole path, as in
        // libmodsecurity 3.
        self.state.set(Variable::PathInfo, path);
        let base = path.iter().rposition(|byte| matches!(byte, b'/' | b'\\'));
        let base = base.map_or(path, |at| path.get(at + 1..).unwrap_or_default());
        self.state.set(Variable::RequestBasename, base);
        self.state.set(Variable::QueryString, query);
        self.read_arguments(List::ArgsGet, query);
    }

    fn read_headers(&mut self) {
        let host = self.header(List::RequestHeaders, b"host").unwrap_or_default();
        let name = match host.strip_prefix(b"[") {
            Some(v6) => v6.split(|byte| *byte == b']').next().unwrap_or_default(),
            None => host.split(|byte| *byte == b':').next().unwrap_or_default(),
        };
        self.state.set(Variable::ServerName, name);
        let authorization = self.header(List::RequestHeaders, b"authorization");
        let scheme = authorization.and_then(|value| value.split(|byte| *byte == b' ').next());
        self.state.set(Variable::AuthType, scheme.unwrap_or_default());
        // A body is announced: who will read it is known before it comes.
        let length = self.header(List::RequestHeaders, b"content-length");
        let is_chunked = self.header(List::RequestHeaders, b"transfer-encoding").is_some();
        let content_type = self.header(List::RequestHeaders, b"content-type").unwrap_or_default();
        if let Some(processor) = processor_of(content_type)
            && (is_chunked || length.is_some_and(|length| length != b"0"))
        {
            self.state.set(Variable::ReqbodyProcessor, processor.name());
        }
    }

    pub(super) fn header(&self, list: List, name: &[u8]) -> Option<&'a [u8]> {
        let found = self.state.list(list).iter().find(|one| one.name.eq_ignore_ascii_case(name));
        found.map(|one| one.value)
    }

    /// `a=1; b=2`, not decoded. One without a name is kept: some readers take it as a value.
    fn read_cookies(&mut self, header: &'a [u8]) {
        for one in header.split(|byte| *byte == b';') {
            let (name, value) = split_once(one, b'=').unwrap_or((one, &[]));
            let (name, value) = (trim(name), trim(value));
            if !name.is_empty() || !value.is_empty() {
                self.state.push(List::RequestCookies, name, value);
            }
        }
    }

    fn read_arguments(&mut self, list: List, text: &'a [u8]) {
        let separator = self.rules.settings.argument_separator;
        let pairs = text.split(|byte| *byte == separator).filter(|pair| !pair.is_empty());
        let mut has_broken = false;
        for pair in pairs {
            if !self.has_room_for_arguments() {
                break;
            }
            let (name, value) = split_once(pair, b'=').unwrap_or((pair, &[]));
            let (new_name, broken_name) = decode_form(name, self.arena);
            let (new_value, broken_value) = decode_form(value, self.arena);
            has_broken |= broken_name || broken_value;
            self.state.push(list, new_name.unwrap_or(name), new_value.unwrap_or(value));
        }
        if has_broken {
            self.state.set(Variable::UrlencodedError, b"1");
        }
    }

    fn has_room_for_arguments(&self) -> bool {
        let count = self.state.list(List::ArgsGet).len() + self.state.list(List::ArgsPost).len();
        count < self.rules.settings.arguments_max
    }

    fn count_arguments(&mut self) {
        let members =
            [List::ArgsGet, List::ArgsPost].into_iter().flat_map(|one| self.state.list(one));
        let bytes: usize = members.map(|one| one.name.len() + one.value.len()).sum();
        let size = self.arena.number(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.state.set(Variable::ArgsCombinedSize, size);
    }

    pub(super) fn read_request_body(&mut self, body: &'a [u8]) {
        let length = self.arena.number(i64::try_from(body.len()).unwrap_or(i64::MAX));
        self.state.set(Variable::RequestBodyLength, length);
        if !self.control.reads_request_body || body.is_empty() {
            return;
        }
        let max = self.control.request_bytes_max;
        let body = body.get(..max).map_or(body, |cut| {
            if cut.len() < body.len() {
                self.over_limit();
            }
            cut
        });
        if self.intervention.is_some() {
            return;
        }
        let content_type =
            self.header(List::RequestHeaders, b"content-type").map(trim_start).unwrap_or_default();
        let processor = self.control.processor.or_else(|| processor_of(content_type));
        if let Some(processor) = processor {
            self.state.set(Variable::ReqbodyProcessor, processor.name());
        }
        if self.control.forces_request_body || processor == Some(Processor::UrlEncoded) {
            self.state.set(Variable::RequestBody, body);
        }
        self.add_to_full_request(&[body]);
        let no_files_bytes = self.run_processor(processor, content_type, body);
        if no_files_bytes > self.rules.settings.no_files_bytes_max {
            self.over_limit();
        }
        self.count_arguments();
    }

    /// The body, or what of it is no file, is larger than it may be.
    fn over_limit(&mut self) {
        self.state.set(Variable::InboundDataError, b"1");
        if self.rules.settings.request.over_limit == OverLimit::Reject {
            self.reject(Phase::RequestBody, 413);
        }
    }

    /// Gives the bytes that are no content of files.
    fn run_processor(
        &mut self,
        processor: Option<Processor>,
        content_type: &'a [u8],
        body: &'a [u8],
    ) -> usize {
        match processor {
            None => {}
            Some(Processor::UrlEncoded) => self.read_arguments(List::ArgsPost, body),
            Some(Processor::Json) => self.read_json(body),
            Some(Processor::Xml) => self.read_xml(body),
            Some(Processor::Multipart) => return self.read_multipart(content_type, body),
        }
        body.len()
    }

    fn read_json(&mut self, body: &'a [u8]) {
        let settings = &self.rules.settings;
        let used = self.state.list(List::ArgsGet).len();
        let pairs_max = settings.arguments_max.saturating_sub(used);
        let depth_max = settings.json_depth_max;
        let mut leaves = json::Leaves { depth_max, pairs_max, ..json::Leaves::default() };
        let read = json::parse(body, self.arena, &mut leaves);
        for (name, value) in leaves.pairs {
            self.state.push(List::ArgsPost, name, value);
        }
        self.body_error("JSON", read.err());
        if leaves.is_too_large {
            self.give_up(Phase::RequestBody);
        }
    }

    fn read_xml(&mut self, body: &'a [u8]) {
        let (document, read) = xml::parse(body, self.arena);
        if !document.text.is_empty() || read.is_ok() {
            self.state.push(List::XmlText, b"/*", document.text);
        }
        for value in document.attributes {
            self.state.push(List::XmlAttributes, b"//@*", value);
        }
        self.body_error("XML", read.err());
    }

    fn read_multipart(&mut self, content_type: &'a [u8], body: &'a [u8]) -> usize {
        let files_max = self.rules.settings.files_max;
        let parsed = multipart::parse(content_type, body, self.arena, files_max);
        for part in &parsed.parts {
            self.read_part(part);
        }
        let files = self.state.list(List::FilesTmpContent).iter();
        let bytes: usize = files.map(|file| file.value.len()).sum();
        let size = self.arena.number(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.state.set(Variable::FilesCombinedSize, size);
        self.read_flags(parsed.flags);
        self.body_error("Multipart", parsed.error);
        parsed.no_files_bytes
    }

    fn read_part(&mut self, part: &multipart::Part<'a>) {
        self.state.push(List::MultipartName, part.name, part.name);
        for header in &part.headers {
            self.state.push(List::PartHeaders, part.name, header);
        }
        match part.filename {
            Some(filename) => {
                self.state.push(List::Files, part.name, filename);
                self.state.push(List::MultipartFilename, part.name, filename);
                self.state.push(List::FilesTmpContent, part.name, part.value);
                let size = i64::try_from(part.value.len()).unwrap_or(i64::MAX);
                self.state.push(List::FilesSizes, part.name, self.arena.number(size));
            }
            None if self.has_room_for_arguments() => {
                self.state.push(List::ArgsPost, part.name, part.value);
            }
            None => {}
        }
    }

    fn read_flags(&mut self, flags: multipart::Flags) {
        let values = [
            (Variable::MultipartBoundaryQuoted, flags.boundary_quoted),
            (Variable::MultipartBoundaryWhitespace, flags.boundary_whitespace),
            (Variable::MultipartCrlfLfLines, flags.crlf_line && flags.lf_line),
            (Variable::MultipartDataAfter, flags.data_after),
            (Variable::MultipartDataBefore, flags.data_before),
            (Variable::MultipartFileLimitExceeded, flags.file_limit_exceeded),
            (Variable::MultipartHeaderFolding, flags.header_folding),
            (Variable::MultipartInvalidHeaderFolding, flags.invalid_header_folding),
            (Variable::MultipartInvalidPart, flags.invalid_part),
            (Variable::MultipartInvalidQuoting, flags.invalid_quoting),
            (Variable::MultipartLfLine, flags.lf_line),
            (Variable::MultipartMissingSemicolon, flags.missing_semicolon),
            (Variable::MultipartStrictError, flags.is_strict_error()),
            (Variable::MultipartUnmatchedBoundary, flags.unmatched_boundary),
        ];
        for (variable, is_set) in values {
            self.state.set(variable, if is_set { b"1" } else { b"0" });
        }
    }

    fn body_error(&mut self, what: &str, error: Option<&'static str>) {
        if let Some(error) = error {
            self.state.set(Variable::ReqbodyError, b"1");
            let text = self.arena.keep(format!("{what} parsing error: {error}").as_bytes());
            self.state.set(Variable::ReqbodyErrorMsg, text);
        }
    }
}

/// Scalars that are 0 until something sets them.
const FLAGS: &[Variable] = &[
    Variable::FilesCombinedSize,
    Variable::InboundDataError,
    Variable::MultipartBoundaryQuoted,
    Variable::MultipartBoundaryWhitespace,
    Variable::MultipartCrlfLfLines,
    Variable::MultipartDataAfter,
    Variable::MultipartDataBefore,
    Variable::MultipartFileLimitExceeded,
    Variable::MultipartHeaderFolding,
    Variable::MultipartInvalidHeaderFolding,
    Variable::MultipartInvalidPart,
    Variable::MultipartInvalidQuoting,
    Variable::MultipartLfLine,
    Variable::MultipartMissingSemicolon,
    Variable::MultipartStrictError,
    Variable::MultipartUnmatchedBoundary,
    Variable::OutboundDataError,
    Variable::ReqbodyError,
    Variable::RequestBodyLength,
    Variable::UrlencodedError,
];

/// By the beginning of the `Content-Type`, so that parameters do not matter. JSON and XML are
/// chosen by rules, as the language has it.
fn processor_of(content_type: &[u8]) -> Option<Processor> {
    let begins = |with: &[u8]| {
        content_type.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if begins(b"application/x-www-form-urlencoded") {
        Some(Processor::UrlEncoded)
    } else if begins(b"multipart/form-data") {
        Some(Processor::Multipart)
    } else {
        None
    }
}

/// A target without scheme and host.
fn origin_form(target: &[u8]) -> &[u8] {
    let Some(at) = memchr::memmem::find(target, b"://") else { return target };
    let is_scheme = target.get(..at).is_some_and(|scheme| {
        scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
    });
    if !is_scheme {
        return target;
    }
    let after = target.get(at + 3..).unwrap_or_default();
    let path = after.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    path.map_or(b"/", |path| after.get(path..).unwrap_or_default())
}

/// Days since the epoch to year, month, day (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
