//! Sections: heads and trailers, line by line, and what a head says of the body behind it.

use memchr::memchr;

use super::{Machine, Role, State};
use crate::guard::Violation;
use crate::guard::chunk::Chunk;
use crate::guard::line::{Facts, Span};

/// A complete line of a section, without its CRLF, and where it stands there.
struct Line<'d> {
    begin: usize,
    text: &'d [u8],
}

impl Machine {
    pub(super) fn head(&mut self, data: &[u8]) -> Result<usize, Violation> {
        while let Some(Line { begin, text: line }) = self.line(data, self.limits.head_bytes_max)? {
            match (begin, line.is_empty(), self.role) {
                (0, _, Role::Request) => {
                    self.spans.clear();
                    self.facts.request_line(line, &self.limits)?;
                }
                (0, _, Role::Response) => {
                    self.spans.clear();
                    self.facts.status_line(line)?;
                }
                (_, false, _) => self.field(line, begin, false)?,
                (_, true, _) => {
                    let used = self.section_end();
                    self.facts.head.bytes = used;
                    self.head = self.facts.head;
                    self.state = self.after_head()?;
                    return Ok(used);
                }
            }
        }
        Ok(0)
    }

    fn field(&mut self, line: &[u8], begin: usize, is_trailer: bool) -> Result<(), Violation> {
        let span = self.facts.field(line, &self.limits, is_trailer)?;
        self.spans.push(Span {
            start: begin,
            colon: begin.saturating_add(span.colon),
            value: begin.saturating_add(span.value),
            end: begin.saturating_add(span.end),
        });
        Ok(())
    }

    pub(super) fn trailer(&mut self, data: &[u8]) -> Result<usize, Violation> {
        while let Some(Line { begin, text: line }) =
            self.line(data, self.limits.trailer_bytes_max)?
        {
            if begin == 0 {
                self.spans.clear();
            }
            if line.is_empty() {
                let used = self.section_end();
                self.state = self.after_body();
                return Ok(used);
            }
            self.field(line, begin, true)?;
        }
        Ok(0)
    }

    /// The next complete line, if there is one.
    fn line<'d>(
        &mut self,
        data: &'d [u8],
        bytes_max: usize,
    ) -> Result<Option<Line<'d>>, Violation> {
        let begin = self.lines_end;
        let from = begin.max(self.searched);
        let found = data.get(from..).and_then(|rest| memchr(b'\n', rest));
        let end = found.map(|at| from.saturating_add(at));
        // The limit counts the same bytes however they arrive.
        if end.map_or(data.len(), |end| end.saturating_add(1)) > bytes_max {
            return Err(self.too_large(begin == 0));
        }
        let Some(end) = end else {
            self.searched = data.len();
            return Ok(None);
        };
        let line = data.get(begin..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").ok_or(Violation::BareLf)?;
        self.lines_end = end.saturating_add(1);
        Ok(Some(Line { begin, text: line }))
    }

    fn too_large(&self, is_first: bool) -> Violation {
        match (self.role, self.state) {
            (Role::Request, State::Head) if is_first => Violation::UriTooLong,
            _other => Violation::HeadTooLarge,
        }
    }

    fn section_end(&mut self) -> usize {
        self.searched = 0;
        std::mem::take(&mut self.lines_end)
    }

    fn after_head(&mut self) -> Result<State, Violation> {
        match self.role {
            Role::Request => self.after_request_head(),
            Role::Response => Ok(self.after_response_head()),
        }
    }

    fn after_request_head(&mut self) -> Result<State, Violation> {
        if !self.facts.has_host && !self.facts.head.is_1_0 {
            return Err(Violation::Host);
        }
        self.heads = self.heads.saturating_add(1);
        Ok(match self.facts.head.length {
            _any if self.facts.head.is_chunked => State::Chunked(Chunk::START),
            Some(length @ 1..) => State::Length(length),
            Some(0) | None => self.after_body(),
        })
    }

    /// RFC 9112 section 6.3.
    fn after_response_head(&mut self) -> State {
        let status = self.facts.head.status;
        if status == 101 {
            return State::Pass;
        }
        if status < 200 {
            // Interim: the final response of the same request follows.
            self.facts = Facts::default();
            return State::Head;
        }
        self.heads = self.heads.saturating_add(1);
        let has_none = self.is_head_only || status == 204 || status == 304;
        match self.facts.head.length {
            _any if has_none => self.after_body(),
            _any if self.facts.head.is_chunked => State::Chunked(Chunk::START),
            Some(length @ 1..) => State::Length(length),
            Some(0) => self.after_body(),
            None => State::UntilClose,
        }
    }

    pub(super) fn after_body(&mut self) -> State {
        let is_upgrade = self.role == Role::Request && self.facts.head.is_upgrade;
        self.facts = Facts::default();
        if is_upgrade { State::Upgrade } else { State::Head }
    }
}
