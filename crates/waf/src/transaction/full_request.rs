//! `FULL_REQUEST`: all that came, put together when a rule asks for it.

use crate::transaction::Transaction;
use crate::variable::Variable;

impl Transaction<'_> {
    /// The line and the headers, and what follows them.
    pub(super) fn begin_full_request(&mut self, headers: &[(&[u8], &[u8])]) {
        let line = self.state.scalar(Variable::RequestLine);
        let headers = headers.iter().flat_map(|(name, value)| [&b"\r\n"[..], name, b": ", value]);
        let texts: Vec<&[u8]> =
            std::iter::once(line).chain(headers).chain([&b"\r\n\r\n"[..]]).collect();
        self.add_to_full_request(&texts);
    }

    pub(super) fn add_to_full_request(&mut self, texts: &[&[u8]]) {
        if !self.rules.needs_full_request {
            return;
        }
        let so_far = self.state.scalar(Variable::FullRequest);
        let length = so_far.len() + texts.iter().map(|text| text.len()).sum::<usize>();
        let whole = self.arena.write(length, |out| {
            out.extend_from_slice(so_far);
            for text in texts {
                out.extend_from_slice(text);
            }
        });
        self.state.set(Variable::FullRequest, whole);
        let length = self.arena.number(i64::try_from(whole.len()).unwrap_or(i64::MAX));
        self.state.set(Variable::FullRequestLength, length);
    }
}
