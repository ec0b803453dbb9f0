//! The state machine: bytes in, "so many have one reading" or a violation out. No I/O.

use memchr::memchr;

use super::Violation;
use super::chunk::Chunk;
use super::line::Facts;
use crate::HeadLimits;

/// Follows the messages of one direction of one connection.
#[derive(Debug)]
pub struct Machine {
    role: Role,
    limits: HeadLimits,
    state: State,
    facts: Facts,
    /// Of an unfinished head or trailer section: where its complete lines end, and how far the
    /// next line end was looked for.
    lines_end: usize,
    searched: usize,
    heads: u64,
    is_head_only: bool,
    /// Whether the head of the current message was settled by an earlier call.
    is_mid_message: bool,
    failed: Option<Violation>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    Request,
    Response,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// At the start of a message or in its head.
    Head,
    /// In a body of known length.
    Length(u64),
    /// In a chunked body.
    Chunked(Chunk),
    /// After the last chunk.
    Trailer,
    /// After a request that asks for an upgrade: nothing may come before its answer.
    Upgrade,
    /// In a response that ends with the connection.
    UntilClose,
    /// Upgraded: no longer HTTP.
    Pass,
}

/// A complete line of a section, without its CRLF.
struct Line<'d> {
    is_first: bool,
    text: &'d [u8],
}

impl Machine {
    /// For what a client sends.
    pub fn request(limits: HeadLimits) -> Self {
        Self::new(Role::Request, limits)
    }

    /// For what an upstream sends. Say [`Machine::expect`] before each response.
    pub fn response(limits: HeadLimits) -> Self {
        Self::new(Role::Response, limits)
    }

    fn new(role: Role, limits: HeadLimits) -> Self {
        Self {
            role,
            limits,
            state: State::Head,
            facts: Facts::default(),
            lines_end: 0,
            searched: 0,
            heads: 0,
            is_head_only: false,
            is_mid_message: false,
            failed: None,
        }
    }

    /// Follows `data` and says how many of its bytes are settled. What is not settled is the
    /// beginning of a head or trailer section: give it again, with more.
    ///
    /// Settled bytes may be passed on. After `Ok` look at [`Machine::violation`]: a violation
    /// behind settled bytes is found there.
    ///
    /// # Errors
    /// The violation, when nothing of `data` may be passed on. It stays.
    pub fn feed(&mut self, data: &[u8]) -> Result<usize, Violation> {
        if let Some(violation) = self.failed {
            return Err(violation);
        }
        // If the current message began in `data`: where. It is withheld from there if it fails.
        let mut start = (self.state == State::Head).then_some(0);
        self.is_mid_message = start.is_none();
        let mut settled = 0_usize;
        while let Some(rest) = data.get(settled..).filter(|rest| !rest.is_empty()) {
            match self.step(rest) {
                Ok(0) => break,
                Ok(used) => settled = settled.saturating_add(used),
                Err(violation) => return self.fail(violation, start),
            }
            if self.state == State::Head {
                start = Some(settled);
            }
        }
        Ok(settled)
    }

    /// `start`: where the failed message began, if its head was not settled by an earlier call.
    fn fail(&mut self, violation: Violation, start: Option<usize>) -> Result<usize, Violation> {
        self.failed = Some(violation);
        self.is_mid_message = start.is_none();
        if start.is_some() && self.state != State::Head {
            // Its head was counted just now, and is withheld with the rest.
            self.heads = self.heads.saturating_sub(1);
        }
        match start {
            Some(start @ 1..) => Ok(start),
            Some(0) | None => Err(violation),
        }
    }

    /// What was found, here or earlier.
    pub fn violation(&self) -> Option<Violation> {
        self.failed
    }

    /// Messages whose heads were checked, interim responses not counted.
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether the last call began, or its violation stands, behind a head that was settled before.
    pub fn is_mid_message(&self) -> bool {
        self.is_mid_message
    }

    /// Whether a message border was reached and no byte of the next message is known.
    pub fn is_between(&self) -> bool {
        self.state == State::Head && self.lines_end == 0 && self.searched == 0
    }

    /// Whether bytes of a body are still to come.
    pub fn is_in_body(&self) -> bool {
        matches!(self.state, State::Length(_) | State::Chunked(_) | State::Trailer)
    }

    /// Whether an upgrade waits for its answer.
    pub fn awaits_upgrade(&self) -> bool {
        self.state == State::Upgrade
    }

    /// The upgrade was refused: HTTP goes on.
    pub fn resume(&mut self) {
        if self.state == State::Upgrade {
            self.state = State::Head;
        }
    }

    /// The upgrade was accepted: what follows is not HTTP.
    pub fn pass(&mut self) {
        self.state = State::Pass;
    }

    /// Says whether the next response answers a HEAD, and has no body whatever its head says.
    pub fn expect(&mut self, is_head: bool) {
        self.is_head_only = is_head;
    }

    fn step(&mut self, data: &[u8]) -> Result<usize, Violation> {
        match self.state {
            State::Head => self.head(data),
            State::Trailer => self.trailer(data),
            State::Length(left) => {
                let used = u64::try_from(data.len()).unwrap_or(u64::MAX).min(left);
                let left = left.saturating_sub(used);
                self.state = if left == 0 { self.after_body() } else { State::Length(left) };
                Ok(usize::try_from(used).unwrap_or(data.len()))
            }
            State::Chunked(mut chunk) => {
                let used = chunk.step(data)?;
                self.state =
                    if chunk == Chunk::Last { State::Trailer } else { State::Chunked(chunk) };
                Ok(used)
            }
            State::Upgrade => Err(Violation::BytesAfterUpgrade),
            State::UntilClose | State::Pass => Ok(data.len()),
        }
    }

    fn head(&mut self, data: &[u8]) -> Result<usize, Violation> {
        while let Some(Line { is_first, text: line }) =
            self.line(data, self.limits.head_bytes_max)?
        {
            match (is_first, line.is_empty(), self.role) {
                (true, _, Role::Request) => self.facts.request_line(line, &self.limits)?,
                (true, _, Role::Response) => self.facts.status_line(line)?,
                (false, false, _) => self.facts.field(line, &self.limits, false)?,
                (false, true, _) => {
                    let used = self.section_end();
                    self.state = self.after_head()?;
                    return Ok(used);
                }
            }
        }
        Ok(0)
    }

    fn trailer(&mut self, data: &[u8]) -> Result<usize, Violation> {
        while let Some(Line { text: line, .. }) = self.line(data, self.limits.trailer_bytes_max)? {
            if line.is_empty() {
                let used = self.section_end();
                self.facts.fields = 0;
                self.state = self.after_body();
                return Ok(used);
            }
            self.facts.field(line, &self.limits, true)?;
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
        Ok(Some(Line { is_first: begin == 0, text: line }))
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
        if !self.facts.has_host && !self.facts.is_1_0 {
            return Err(Violation::Host);
        }
        self.heads = self.heads.saturating_add(1);
        Ok(match self.facts.length {
            _any if self.facts.is_chunked => State::Chunked(Chunk::START),
            Some(length @ 1..) => State::Length(length),
            Some(0) | None => self.after_body(),
        })
    }

    /// RFC 9112 section 6.3.
    fn after_response_head(&mut self) -> State {
        let status = self.facts.status;
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
        match self.facts.length {
            _any if has_none => self.after_body(),
            _any if self.facts.is_chunked => State::Chunked(Chunk::START),
            Some(length @ 1..) => State::Length(length),
            Some(0) => self.after_body(),
            None => State::UntilClose,
        }
    }

    fn after_body(&mut self) -> State {
        let is_upgrade = self.role == Role::Request && self.facts.is_upgrade;
        self.facts = Facts::default();
        if is_upgrade { State::Upgrade } else { State::Head }
    }
}

/// Splits anywhere give the same verdict; settled bytes are never more than were given.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let Some((seed, data)) = data.split_first() else {
        return;
    };
    let whole = verdict(data, &[data.len()]);
    let step = usize::from(seed >> 1).saturating_add(1);
    let pieces = vec![step; data.len().div_ceil(step)];
    assert_eq!(whole, verdict(data, &pieces), "a split at every {step} bytes changes the verdict");
}

/// The violation; without one, whether the data ends between messages.
fn verdict(data: &[u8], pieces: &[usize]) -> (Option<Violation>, bool) {
    let mut machine = Machine::request(HeadLimits::default());
    let (mut from, mut to) = (0_usize, 0_usize);
    for piece in pieces {
        to = to.saturating_add(*piece).min(data.len());
        let given = data.get(from..to).unwrap_or_default();
        match machine.feed(given) {
            Ok(settled) => {
                assert!(settled <= given.len(), "more was settled than was given");
                from = from.saturating_add(settled);
            }
            Err(_) => break,
        }
    }
    let violation = machine.violation();
    (violation, violation.is_none() && machine.is_between())
}

#[cfg(test)]
mod tests;
