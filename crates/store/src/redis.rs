//! Counts and collections in Redis, or Valkey: one script for each that changes many at once.
//!
//! The script runs whole or not at all, so two gateways that say the same name at the same time
//! lose nothing (reading, adding and writing from here would). It takes the time from the server,
//! so that gateways need no common clock. Every count has a time to live: the store forgets what
//! nobody needs.

mod collections;
mod reply;

use std::fmt::{self, Debug};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use ringwall_base::Secret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Mutex;
use tokio::time::timeout;

pub use reply::{Parsed, Reply, parse_reply};

use crate::shared::{Count, Exchanging, Shared, SharedError, Tally, Total};

/// A connection to the server, made by whoever may open sockets.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection on its way.
pub type Wiring = Pin<Box<dyn Future<Output = io::Result<Box<dyn Wire>>> + Send>>;

/// Opens a connection to the server.
pub type Connect = Box<dyn Fn() -> Wiring + Send + Sync>;

/// How the server is spoken to.
#[derive(Debug)]
pub struct RedisSettings {
    /// Put in front of every name: several fleets may share a server.
    pub prefix: String,
    /// Its password, if it has one.
    pub password: Option<Secret<String>>,
    /// Longest time for one exchange, connecting included.
    pub time: Duration,
}

/// A connection that is open.
type Open = Box<dyn Wire>;

/// Counts in Redis.
pub struct Redis {
    settings: RedisSettings,
    connect: Connect,
    /// One at a time: exchanges follow each other anyway.
    wire: Mutex<Option<Open>>,
}

impl Redis {
    /// Connects when it is first needed.
    pub fn new(settings: RedisSettings, connect: Connect) -> Self {
        Self { settings, connect, wire: Mutex::default() }
    }

    async fn add(&self, tallies: &[Tally]) -> Result<Vec<Total>, SharedError> {
        if tallies.is_empty() {
            return self.ask(&ping(), ANSWER_BYTES_MAX).await.map(|_pong| Vec::new());
        }
        let mut totals = Vec::with_capacity(tallies.len());
        for part in tallies.chunks(NAMES_MAX) {
            totals.extend(read(&self.ask(&self.script(part), ANSWER_BYTES_MAX).await?, part)?);
        }
        Ok(totals)
    }

    /// Sends one command and reads its answer.
    async fn ask(&self, command: &Command, bytes_max: usize) -> Result<Reply, SharedError> {
        let mut held = self.wire.lock().await;
        // Taken out: one that fails half-way, or is given up, is not used again, because a late
        // answer would be read as the answer to the next question.
        let mut wire = match held.take() {
            Some(wire) => wire,
            None => self.open().await?,
        };
        let reply = ask(&mut wire, command, bytes_max).await?;
        *held = Some(wire);
        Ok(reply)
    }

    async fn open(&self) -> Result<Open, SharedError> {
        let mut wire = (self.connect)().await?;
        if let Some(password) = &self.settings.password {
            let mut command = Command::default();
            command.word(b"AUTH").word(password.expose().as_bytes());
            ask(&mut wire, &command, ANSWER_BYTES_MAX).await?;
        }
        Ok(wire)
    }

    fn script(&self, tallies: &[Tally]) -> Command {
        let mut command = Command::default();
        command
            .word(b"EVAL")
            .word(SCRIPT.as_bytes())
            .number(u64::try_from(tallies.len()).unwrap_or(0));
        for tally in tallies {
            command.word(format!("{}{}", self.settings.prefix, tally.name).as_bytes());
        }
        for tally in tallies {
            match tally.count {
                Count::Rate { taken, age, ahead } => {
                    command.word(b"r").micros(taken).micros(age).micros(ahead);
                }
                Count::Quota { used, total, ends } => {
                    command.word(b"q").number(used).number(total).micros(ends);
                }
            }
        }
        command
    }
}

impl Shared for Redis {
    fn exchange<'a>(&'a self, tallies: &'a [Tally]) -> Exchanging<'a> {
        Box::pin(async move {
            let added = timeout(self.settings.time, self.add(tallies)).await;
            added.unwrap_or(Err(SharedError::Time))
        })
    }
}

impl Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.settings.prefix).finish_non_exhaustive()
    }
}

/// A command as the protocol writes it: an array of texts.
#[derive(Default)]
struct Command {
    words: u64,
    text: Vec<u8>,
}

impl Command {
    fn word(&mut self, word: &[u8]) -> &mut Self {
        self.words = self.words.saturating_add(1);
        self.text.extend(format!("${}\r\n", word.len()).into_bytes());
        self.text.extend(word);
        self.text.extend(b"\r\n");
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.word(number.to_string().as_bytes())
    }

    fn micros(&mut self, span: Duration) -> &mut Self {
        self.word(span.as_micros().to_string().as_bytes())
    }

    fn whole(&self) -> Vec<u8> {
        let mut whole = format!("*{}\r\n", self.words).into_bytes();
        whole.extend(&self.text);
        whole
    }
}

fn ping() -> Command {
    let mut command = Command::default();
    command.word(b"PING");
    command
}

async fn ask(wire: &mut Open, command: &Command, bytes_max: usize) -> Result<Reply, SharedError> {
    wire.write_all(&command.whole()).await?;
    wire.flush().await?;
    let mut answer = Vec::new();
    loop {
        if wire.read_buf(&mut answer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match parse_reply(&answer).map_err(SharedError::Malformed)? {
            Some((Reply::Error(why), _)) => return Err(SharedError::Refused(why)),
            Some((reply, length)) if length == answer.len() => return Ok(reply),
            Some(_) => return Err(SharedError::Malformed("more than one answer")),
            None if answer.len() > bytes_max => {
                return Err(SharedError::Malformed("an answer without end"));
            }
            None => {}
        }
    }
}

/// Two numbers for each name.
fn read(reply: &Reply, tallies: &[Tally]) -> Result<Vec<Total>, SharedError> {
    let Reply::Array(numbers) = reply else {
        return Err(SharedError::Malformed("not a list"));
    };
    let (pairs, rest) = numbers.as_chunks::<2>();
    if pairs.len() != tallies.len() || !rest.is_empty() {
        return Err(SharedError::Malformed("not two numbers a name"));
    }
    let total = |pair: &[Reply; 2]| match pair {
        [Reply::Integer(ahead), Reply::Integer(used)] => Ok(Total {
            ahead: Duration::from_micros(u64::try_from(*ahead).unwrap_or(0)),
            used: u64::try_from(*used).unwrap_or(0),
        }),
        _ => Err(SharedError::Malformed("not a number")),
    };
    pairs.iter().map(total).collect()
}

/// Of a rate the key holds the theoretical arrival time in microseconds of the server's clock, of
/// a quota how much was used. A key that the server lost is filled up with what we know.
const SCRIPT: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local totals = {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 4
  local a, b, c = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local held = tonumber(redis.call('GET', key) or '0') or 0
  if ARGV[at + 1] == 'r' then
    local arrival = math.max(math.max(held, now - b) + a, now + c)
    local ahead = math.max(math.ceil(arrival - now), 0)
    if ahead > 0 then
      redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.ceil(ahead / 1000))
    end
    totals[i * 2 - 1], totals[i * 2] = ahead, 0
  else
    local left = redis.call('PTTL', key)
    if left <= 0 then left = math.max(math.ceil(c / 1000), 1) end
    local used = math.max(held + a, b)
    redis.call('SET', key, string.format('%.0f', used), 'PX', left)
    totals[i * 2 - 1], totals[i * 2] = left * 1000, used
  end
end
return totals
";

/// The server does nothing else while the script runs: 128 names take it about 0.2 ms.
const NAMES_MAX: usize = 128;

/// Two numbers of 20 digits for each name are 6 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
