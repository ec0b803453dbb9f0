//! The body of a request to variables, by the reader that its type, a rule or its beginning chose.

use crate::body::{beginning, json, multipart, xml};
use crate::cursor::trim_start;
use crate::limits::{FILE_STEPS, READ_STEPS};
use crate::rule::{Phase, Processor, XmlIntoArgs};
use crate::settings::OverLimit;
use crate::transaction::Transaction;
use crate::transaction::state::List;
use crate::variable::Variable;

impl<'a> Transaction<'a> {
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
        if self.is_stopped() || self.work.is_spent() {
            return;
        }
        let content_type = self.content_type();
        let (processor, is_guess) = self.processor_for(body);
        let content = if is_guess { beginning::without_mark(body) } else { body };
        // What was chosen in phase 1 may turn out to be nothing.
        self.state.set(Variable::ReqbodyProcessor, processor.map_or(&b""[..], Processor::name));
        if self.control.forces_request_body || processor == Some(Processor::UrlEncoded) {
            self.state.set(Variable::RequestBody, body);
        }
        self.add_to_full_request(&[body]);
        // Its size before it is read: only files may be larger, and what nobody reads is one.
        let is_whole = !matches!(processor, None | Some(Processor::Multipart));
        if is_whole {
            self.check_size(body.len());
            self.work.take(body.len().saturating_mul(READ_STEPS));
        }
        if !self.is_stopped() && !self.work.is_spent() {
            self.run_processor(processor, is_guess, content_type, content);
        }
        self.count_arguments();
    }

    /// Arguments that the caller read. Where there are more than may be, the request has no verdict.
    pub(super) fn take_arguments(&mut self, arguments: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
        if !self.control.reads_request_body {
            return;
        }
        let mut bytes = 0_usize;
        for (name, value) in arguments {
            if !self.has_room_for_arguments() {
                self.give_up(Phase::RequestBody);
                break;
            }
            bytes = bytes.saturating_add(value.len());
            self.work.take(name.len().saturating_add(value.len()).saturating_mul(READ_STEPS));
            self.state.push(List::ArgsPost, name, value);
        }
        let length = self.arena.number(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.state.set(Variable::RequestBodyLength, length);
        self.check_size(bytes);
        self.count_arguments();
    }

    /// Who reads a body that begins so, and whether its beginning says it.
    fn processor_for(&self, body: &[u8]) -> (Option<Processor>, bool) {
        let content_type = self.content_type();
        let processor = self.control.processor.or_else(|| processor_of(content_type));
        if processor != Some(Processor::ByContent) {
            return (processor, false);
        }
        (beginning::processor(content_type, beginning::without_mark(body)), true)
    }

    pub(super) fn is_body_looked_at(&self, beginning: &[u8]) -> bool {
        self.processor_for(beginning).0.is_some()
            || self.control.forces_request_body
            || self.rules.needs_full_request
    }

    fn content_type(&self) -> &'a [u8] {
        let found = self.header(List::RequestHeaders, b"content-type");
        found.map(trim_start).unwrap_or_default()
    }

    /// Of what is no file.
    fn check_size(&mut self, no_files_bytes: usize) {
        if no_files_bytes > self.rules.settings.no_files_bytes_max {
            self.over_limit();
        }
    }

    /// The body, or what of it is no file, is larger than it may be.
    fn over_limit(&mut self) {
        self.state.set(Variable::InboundDataError, b"1");
        if self.rules.settings.request.over_limit == OverLimit::Reject {
            self.reject(Phase::RequestBody, 413);
        }
    }

    fn run_processor(
        &mut self,
        processor: Option<Processor>,
        is_guess: bool,
        content_type: &'a [u8],
        body: &'a [u8],
    ) {
        let (what, read) = match processor {
            None | Some(Processor::ByContent) => return,
            Some(Processor::UrlEncoded) => return self.read_arguments(List::ArgsPost, body),
            Some(Processor::Multipart) => return self.read_multipart(content_type, body),
            Some(Processor::Json) => ("JSON", self.read_json(body)),
            Some(Processor::Xml) => ("XML", self.read_xml(body)),
        };
        if !is_guess {
            self.body_error(what, read.err());
        } else if read.is_err() && beginning::is_text(content_type, body) {
            // Nobody said that it is what it looked like.
            self.state.set(Variable::ReqbodyProcessor, Processor::UrlEncoded.name());
            self.read_arguments(List::ArgsPost, body);
        }
    }

    fn read_json(&mut self, body: &'a [u8]) -> Result<(), &'static str> {
        let settings = &self.rules.settings;
        let used = self.state.list(List::ArgsGet).len();
        let pairs_max = settings.arguments_max.saturating_sub(used);
        let depth_max = settings.json_depth_max;
        let mut leaves = json::Leaves { depth_max, pairs_max, ..json::Leaves::default() };
        let read = json::parse(body, self.arena, &mut leaves);
        for (name, value) in leaves.pairs {
            self.state.push(List::ArgsPost, name, value);
        }
        if leaves.is_too_large {
            self.give_up(Phase::RequestBody);
        }
        read
    }

    fn read_xml(&mut self, body: &'a [u8]) -> Result<(), &'static str> {
        let used = self.state.list(List::ArgsGet).len();
        let most = self.rules.settings.arguments_max.saturating_sub(used);
        let into_args = self.control.xml_into_args;
        let most = (into_args != XmlIntoArgs::Off).then_some(most);
        let (document, read) = xml::parse(body, self.arena, most);
        for (name, value) in document.arguments {
            self.state.push(List::ArgsPost, name, value);
        }
        if document.is_too_large {
            self.give_up(Phase::RequestBody);
        }
        if into_args == XmlIntoArgs::OnlyArgs {
            return read;
        }
        if !document.text.is_empty() || read.is_ok() {
            self.state.push(List::XmlText, b"/*", document.text);
        }
        for value in document.attributes {
            self.state.push(List::XmlAttributes, b"//@*", value);
        }
        read
    }

    fn read_multipart(&mut self, content_type: &'a [u8], body: &'a [u8]) {
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
        self.work.take(parsed.no_files_bytes.saturating_mul(READ_STEPS));
        self.work.add(bytes.saturating_mul(FILE_STEPS));
        self.check_size(parsed.no_files_bytes);
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

/// By the beginning of the `Content-Type`, so that parameters do not matter. JSON and XML are
/// chosen by rules, as the language has it.
pub(super) fn processor_of(content_type: &[u8]) -> Option<Processor> {
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
