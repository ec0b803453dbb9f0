//! Messages of the domain name system (RFC 1035), without trust in any length or pointer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::ServiceHost;

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    A,
    Aaaa,
    Srv,
}

/// What was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    pub(super) id: u16,
    pub(super) is_answer: bool,
    pub(super) is_cut: bool,
    pub(super) code: u8,
    pub(super) question: String,
    pub(super) answers: Vec<Answer>,
}

/// One line of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Answer {
    owner: String,
    ttl: Duration,
    record: Record,
}

/// The records that are understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Record {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME: the owner is another name for this one.
    Alias(String),
    /// Anything else.
    Other,
    /// SRV.
    Service(ServiceHost),
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MessageError {
    /// It ends within a field.
    #[error("the message is cut off")]
    Short,
    /// A name is too long, or its pointers go on for ever.
    #[error("a name is not one")]
    Name,
    /// It answers another question.
    #[error("it answers another question")]
    Other,
}

/// Asks for records of a name. `None` when it is not one.
pub(super) fn query(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(64);
    message.extend(id.to_be_bytes());
    // Recursion desired; one question, one record more (EDNS).
    message.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return None;
    }
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            return None;
        }
        message.push(length);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(kind.number().to_be_bytes());
    message.extend(INTERNET.to_be_bytes());
    // RFC 6891: we take 1232 bytes (what passes every path), version 0.
    message.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    Some(message)
}

/// Reads a message.
///
/// # Errors
/// When it is none.
pub fn read_message(bytes: &[u8]) -> Result<Message, MessageError> {
    let mut cursor = Cursor { whole: bytes, at: 0 };
    let id = cursor.u16()?;
    let [high, low] = cursor.take()?;
    let (questions, answers) = (cursor.u16()?, cursor.u16()?);
    let [_, _, _, _] = cursor.take()?;
    let mut question = String::new();
    for _ in 0..questions {
        question = cursor.name()?;
        let [_, _, _, _] = cursor.take()?;
    }
    let answers = (0..answers.min(ANSWERS_MAX)).map(|_| cursor.answer()).collect::<Result<_, _>>();
    Ok(Message {
        id,
        is_answer: high & 0x80 != 0,
        is_cut: high & 0x02 != 0,
        code: low & 0x0f,
        question,
        // One that is cut ends within a record: only that it is cut counts.
        answers: if high & 0x02 != 0 { Vec::new() } else { answers? },
    })
}

impl Message {
    /// Whether it answers the question with this number about this name.
    pub(super) fn answers(&self, id: u16, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.is_answer && self.id == id && self.question.eq_ignore_ascii_case(name)
    }

    /// The records of a name, through its aliases.
    pub(super) fn about(&self, name: &str, kind: Kind) -> Vec<(Record, Duration)> {
        let mut owner = name.strip_suffix('.').unwrap_or(name).to_owned();
        let mut ttl_max = Duration::MAX;
        for _ in 0..ALIASES_MAX {
            let of = |answer: &&Answer| answer.owner.eq_ignore_ascii_case(&owner);
            let found: Vec<(Record, Duration)> = self
                .answers
                .iter()
                .filter(of)
                .filter(|answer| kind.is_of(&answer.record))
                .map(|answer| (answer.record.clone(), answer.ttl.min(ttl_max)))
                .collect();
            if !found.is_empty() {
                return found;
            }
            let alias = self.answers.iter().filter(of).find_map(|answer| match &answer.record {
                Record::Alias(other) => Some((other.clone(), answer.ttl)),
                Record::Address(_) | Record::Other | Record::Service(_) => None,
            });
            let Some((other, ttl)) = alias else { break };
            (owner, ttl_max) = (other, ttl_max.min(ttl));
        }
        Vec::new()
    }
}

impl Record {
    /// The address, if it is one.
    pub(super) const fn as_address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Alias(_) | Self::Other | Self::Service(_) => None,
        }
    }

    /// The host of a service, if it is one.
    pub(super) fn as_service(&self) -> Option<ServiceHost> {
        match self {
            Self::Service(host) => Some(host.clone()),
            Self::Address(_) | Self::Alias(_) | Self::Other => None,
        }
    }
}

impl Kind {
    const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
            Self::Srv => 33,
        }
    }

    const fn is_of(self, record: &Record) -> bool {
        matches!(
            (self, record),
            (Self::A, Record::Address(IpAddr::V4(_)))
                | (Self::Aaaa, Record::Address(IpAddr::V6(_)))
                | (Self::Srv, Record::Service(_))
        )
    }
}

struct Cursor<'a> {
    whole: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let rest = self.whole.get(self.at..).ok_or(MessageError::Short)?;
        let taken = rest.first_chunk::<N>().ok_or(MessageError::Short)?;
        self.at = self.at.saturating_add(N);
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, MessageError> {
        self.take().map(u16::from_be_bytes)
    }

    /// RFC 1035 section 4.1.4. A pointer leads only backwards, so it cannot go round.
    fn name(&mut self) -> Result<String, MessageError> {
        let mut name = String::new();
        let mut after = None;
        let mut before = self.at;
        loop {
            let [length] = self.take()?;
            match length {
                0 => break,
                1..=63 => self.label(usize::from(length), &mut name)?,
                0xc0.. => {
                    let [low] = self.take()?;
                    after.get_or_insert(self.at);
                    self.at = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    before = earlier(self.at, before)?;
                }
                _ => return Err(MessageError::Name),
            }
        }
        self.at = after.unwrap_or(self.at);
        Ok(name)
    }

    fn label(&mut self, length: usize, name: &mut String) -> Result<(), MessageError> {
        let end = self.at.saturating_add(length);
        let label = self.whole.get(self.at..end).ok_or(MessageError::Short)?;
        if !label.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'.') {
            return Err(MessageError::Name);
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.extend(label.iter().map(|byte| char::from(*byte)));
        self.at = end;
        if name.len() > NAME_BYTES_MAX { Err(MessageError::Name) } else { Ok(()) }
    }

    fn answer(&mut self) -> Result<Answer, MessageError> {
        let owner = self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        let ttl = u32::from_be_bytes(self.take()?);
        // RFC 2181 section 8: with the highest bit set it is zero.
        let ttl = if ttl > u32::MAX >> 1 { 0 } else { ttl };
        let length = self.u16()?;
        let end = self.at.saturating_add(usize::from(length));
        if end > self.whole.len() {
            return Err(MessageError::Short);
        }
        let record = match (kind, class, length) {
            (1, INTERNET, 4) => Record::Address(Ipv4Addr::from(self.take::<4>()?).into()),
            (28, INTERNET, 16) => Record::Address(Ipv6Addr::from(self.take::<16>()?).into()),
            (5, INTERNET, _) => Record::Alias(self.name()?),
            (33, INTERNET, _) => Record::Service(ServiceHost {
                priority: self.u16()?,
                weight: self.u16()?,
                port: self.u16()?,
                host: self.name()?,
            }),
            _ => Record::Other,
        };
        // What a record says of its length holds, whatever was read in it.
        self.at = end;
        Ok(Answer { owner, ttl: Duration::from_secs(ttl.into()), record })
    }
}

/// Where a pointer leads, if that is before what was read so far.
const fn earlier(to: usize, before: usize) -> Result<usize, MessageError> {
    if to < before { Ok(to) } else { Err(MessageError::Name) }
}

const INTERNET: u16 = 1;

/// RFC 1035 section 2.3.4.
const NAME_BYTES_MAX: usize = 253;

/// More lines than any service has.
const ANSWERS_MAX: u16 = 512;

/// As many aliases of aliases as resolvers follow.
const ALIASES_MAX: usize = 8;

#[cfg(test)]
mod tests;
