//! The answer to variables.

use crate::rule::Phase;
use crate::settings::OverLimit;
use crate::transaction::state::List;
use crate::transaction::{ResponseHead, Transaction};
use crate::variable::Variable;

impl<'a> Transaction<'a> {
    pub(super) fn read_response_head(&mut self, head: ResponseHead<'a>) {
        let status = self.arena.number(i64::from(head.status));
        self.state.set(Variable::ResponseStatus, status);
        self.state.set(Variable::ResponseProtocol, head.protocol);
        let line = self.arena.write(head.protocol.len() + 8, |out| {
            out.extend_from_slice(head.protocol);
            out.push(b' ');
            out.extend_from_slice(status);
        });
        self.state.set(Variable::StatusLine, line);
        for (name, value) in head.headers {
            self.state.push(List::ResponseHeaders, name, crate::cursor::trim(value));
        }
        let kind = self.header(List::ResponseHeaders, b"content-type").unwrap_or_default();
        self.state.set(Variable::ResponseContentType, kind);
        let length = self.header(List::ResponseHeaders, b"content-length").unwrap_or_default();
        self.state.set(Variable::ResponseContentLength, length);
    }

    pub(super) fn has_response_type(&self) -> bool {
        let content_type = self.state.scalar(Variable::ResponseContentType);
        self.rules.settings.has_response_type(content_type)
    }

    pub(super) fn read_response_body(&mut self, body: &'a [u8]) {
        if !self.wants_response_body() {
            return;
        }
        let cut = body.get(..self.control.response_bytes_max).unwrap_or(body);
        if cut.len() < body.len() {
            self.state.set(Variable::OutboundDataError, b"1");
            if self.rules.settings.response.over_limit == OverLimit::Reject {
                self.reject(Phase::ResponseBody, 403);
                return;
            }
        }
        self.state.set(Variable::ResponseBody, cut);
    }
}
