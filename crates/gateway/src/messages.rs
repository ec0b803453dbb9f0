//! Messages of gRPC, held to the descriptors of their method before the service gets them.
//!
//! One message of a method that takes one is held back, checked and shown to the rules. Of a stream,
//! each message is checked while it passes, and nothing else is held back: a violation ends the
//! stream before the message that is at fault. Answers are not looked at.

mod coding;
mod frames;
mod late;
mod shown;
mod spent;
mod stream;

use std::sync::Arc;

use http::HeaderMap;
use ringwall_manifest::Grpc;
use ringwall_protobuf::{Kind, Method, Rules, Schema, Show, Unknown, Violation};

use crate::Refusal;
pub(crate) use coding::Coding;
pub(crate) use frames::{Frames, Message};
pub(crate) use late::Late;
pub(crate) use shown::{Argument, Shown};
use spent::Spent;
pub(crate) use stream::Checked;

/// What the messages of one method are held to.
#[derive(Debug)]
pub(crate) struct Messages {
    schema: Arc<Schema>,
    method: Method,
    rules: Rules,
    bytes_max: usize,
    count_max: Option<u32>,
}

/// Why a message is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    why: String,
    is_limit: bool,
}

impl Messages {
    /// For the operation of this path; `None` where it is no method of the descriptors.
    pub(crate) fn build(
        schema: &Arc<Schema>,
        grpc: &Grpc,
        path: &str,
        body_bytes_max: usize,
    ) -> Option<Self> {
        let method = schema.method(path)?.clone();
        let unknown = if grpc.passes_unknown { Unknown::Pass } else { Unknown::Refuse };
        let own = grpc.message_bytes_max.and_then(|bytes| usize::try_from(bytes).ok());
        Some(Self {
            schema: Arc::clone(schema),
            method,
            rules: Rules { unknown, ..Rules::default() },
            bytes_max: own.map_or(body_bytes_max, |own| own.min(body_bytes_max)),
            count_max: grpc.messages_max,
        })
    }

    /// Whether a client sends any number of messages.
    pub(crate) const fn is_stream(&self) -> bool {
        self.method.client_streams
    }

    /// How messages of this request are packed.
    pub(crate) fn coding(fields: &HeaderMap) -> Result<Coding, Verdict> {
        Coding::of(fields)
    }

    /// A reader of the messages of one body.
    pub(crate) fn frames(&self) -> Frames {
        Frames::new(self.bytes_max)
    }

    /// Holds one message to its descriptor, and shows its leaves.
    pub(crate) fn check(
        &self,
        message: &Message,
        coding: Coding,
        show: &mut Show<'_>,
    ) -> Result<(), Verdict> {
        let bytes = coding.unpack(message, self.bytes_max)?;
        let checked = self.schema.check(&self.method, &bytes, &self.rules, show);
        checked.map_err(|violation| Verdict::from(&violation))
    }

    /// Holds the next message of a stream to its descriptor, within what the stream may cost.
    fn check_next(
        &self,
        message: &Message,
        coding: Coding,
        spent: &mut Spent,
    ) -> Result<(), Verdict> {
        let bytes = coding.unpack(message, spent.come(message, self.bytes_max))?;
        let rules = Rules { limits: spent.limits(self.rules.limits), ..self.rules };
        spent.unpacked = spent.unpacked.saturating_add(bytes.len());
        let weight = self.schema.weigh(&self.method, &bytes, &rules);
        let weight = weight.map_err(|violation| Verdict::from(&violation))?;
        spent.weight = spent.weight.saturating_add(weight);
        Ok(())
    }

    /// Whether a client may send so many messages.
    fn count(&self, count: u32) -> Result<(), Verdict> {
        match self.count_max {
            Some(most) if count > most => Err(Verdict::limit("more messages than the limit")),
            _ => Ok(()),
        }
    }
}

impl Verdict {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_limit: false }
    }

    pub(crate) fn limit(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_limit: true }
    }

    pub(crate) fn refusal(&self) -> Refusal {
        Refusal::Message { why: self.why.clone(), is_limit: self.is_limit }
    }
}

impl From<&Violation> for Verdict {
    fn from(violation: &Violation) -> Self {
        Self { why: violation.to_string(), is_limit: violation.kind == Kind::Limit }
    }
}
