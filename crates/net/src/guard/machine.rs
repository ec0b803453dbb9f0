//! The state machine: bytes in, "so many have one reading" or a violation out. No I/O.

mod section;

use super::Violation;
use super::chunk::Chunk;
use super::line::{Facts, Head, Span};
use crate::HeadLimits;

/// Follows the messages of one direction of one connection.
#[derive(Debug)]
pub struct Machine {
    role: Role,
    limits: HeadLimits,
    state: State,
    facts: Facts,
    /// What the last whole head said, and where the fields of the last whole section stand.
    head: Head,
    spans: Vec<Span>,
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

/// What the next bytes are, for one who takes messages apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// The beginning of something: give it again, with more.
    More,
    /// A whole head: see [`Machine::last_head`] and [`Machine::spans`].
    Head,
    /// Sizes and line ends of the chunked coding.
    Framing,
    /// Bytes of a body.
    Data,
    /// A whole trailer section: see [`Machine::spans`].
    Trailers,
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
            head: Head::default(),
            spans: Vec::new(),
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

    /// Says what `data` begins with, and how many of its bytes are that. The same reading as
    /// [`Machine::feed`], one part at a time.
    ///
    /// # Errors
    /// The violation. It stays.
    pub(crate) fn next(&mut self, data: &[u8]) -> Result<(Part, usize), Violation> {
        if let Some(violation) = self.failed {
            return Err(violation);
        }
        let part = match self.state {
            State::Head => Part::Head,
            State::Trailer => Part::Trailers,
            State::Chunked(Chunk::Data { .. })
            | State::Length(_)
            | State::UntilClose
            | State::Pass => Part::Data,
            State::Chunked(_) | State::Upgrade => Part::Framing,
        };
        let mut used = 0_usize;
        while let Some(rest) = data.get(used..).filter(|rest| !rest.is_empty()) {
            let count = self.step(rest).inspect_err(|violation| self.failed = Some(*violation))?;
            used = used.saturating_add(count);
            let is_data = matches!(self.state, State::Chunked(Chunk::Data { .. }));
            let is_framing = matches!(self.state, State::Chunked(_)) && !is_data;
            if part != Part::Framing || !is_framing {
                break;
            }
        }
        Ok(if used == 0 { (Part::More, 0) } else { (part, used) })
    }

    /// Checks what of the present message is in `data`, without going on.
    ///
    /// # Errors
    /// The violation, as if it was reached now.
    pub(crate) fn foresee(&self, mut data: &[u8]) -> Result<(), Violation> {
        // No other body can break.
        if !matches!(self.state, State::Chunked(_)) || data.is_empty() {
            return Ok(());
        }
        let mut ahead = Self { state: self.state, ..Self::new(self.role, self.limits) };
        ahead.facts.fields = self.facts.fields;
        while ahead.is_in_body() {
            match ahead.next(data)? {
                (Part::More, _) => break,
                (_any, used) => data = data.get(used..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// What the last whole head said.
    pub(crate) fn last_head(&self) -> Head {
        self.head
    }

    /// Where the fields of the last whole head or trailer section stand in it.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Gives memory back that only a head needs.
    pub(crate) fn rest(&mut self) {
        if self.is_between() {
            self.spans = Vec::new();
        }
    }

    /// Bytes of the body that are known to follow.
    pub(crate) fn known_rest(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            State::Head | State::Upgrade => Some(0),
            State::Chunked(_) | State::Trailer | State::UntilClose | State::Pass => None,
        }
    }

    /// Whether the body ends with the connection.
    pub(crate) fn is_until_close(&self) -> bool {
        self.state == State::UntilClose
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
}

#[cfg(test)]
mod tests;
