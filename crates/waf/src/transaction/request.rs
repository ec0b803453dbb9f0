//! The head of a request to variables: line, headers, cookies, arguments.

use crate::cursor::{split_once, trim};
use crate::transaction::request_body::processor_of;
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

    pub(super) fn read_arguments(&mut self, list: List, text: &'a [u8]) {
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

    pub(super) fn has_room_for_arguments(&self) -> bool {
        let count = self.state.list(List::ArgsGet).len() + self.state.list(List::ArgsPost).len();
        count < self.rules.settings.arguments_max
    }

    pub(super) fn count_arguments(&mut self) {
        let members =
            [List::ArgsGet, List::ArgsPost].into_iter().flat_map(|one| self.state.list(one));
        let bytes: usize = members.map(|one| one.name.len() + one.value.len()).sum();
        let size = self.arena.number(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.state.set(Variable::ArgsCombinedSize, size);
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
