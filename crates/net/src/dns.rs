//! A small stub resolver: A, AAAA and SRV records from the servers of `resolv.conf`.
//!
//! The system's resolver says neither how long an address holds nor what an SRV record names, and
//! it blocks. Each question goes out from a socket of its own, connected to the server, with a
//! number nobody can guess, so that a stranger's answer does not fit. What came too long for UDP
//! is asked again over TCP.

mod conf;
mod message;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ringwall_base::Entropy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use conf::Conf;
use message::{Kind, Message, query};
pub use message::{MessageError, Record, read_message};

/// How names are looked up.
#[derive(Clone, Debug)]
pub struct ResolverSettings {
    /// Servers and search list (`resolv.conf(5)`; `[address]:port` is understood too).
    pub conf: PathBuf,
    /// Names that need no server (`hosts(5)`).
    pub hosts: PathBuf,
    /// Longest wait for one server.
    pub time: Duration,
    /// Addresses taken of one name, or hosts of one service.
    pub records_max: usize,
}

/// Looks names up.
#[derive(Debug)]
pub struct Resolver {
    settings: ResolverSettings,
    entropy: Arc<dyn Entropy>,
}

/// Records, and how long they hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Records<T> {
    /// In a stable order.
    pub all: Vec<T>,
    /// The shortest time that any of them holds.
    pub ttl: Duration,
}

/// One host of an SRV record (RFC 2782).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ServiceHost {
    /// Lower ones are used first.
    pub priority: u16,
    /// Its share beside others of its priority.
    pub weight: u16,
    /// Its port.
    pub port: u16,
    /// Its name.
    pub host: String,
}

/// Why a name was not looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The server cannot be spoken to.
    #[error("the name server cannot be reached")]
    Io(#[from] io::Error),
    /// What came back is no answer.
    #[error("the name server answers nonsense: {0}")]
    Malformed(#[from] MessageError),
    /// It is not a name.
    #[error("not a name that can be looked up")]
    Name,
    /// The name has no records of this kind, or does not exist.
    #[error("the name has no addresses")]
    None,
    /// `resolv.conf` names none.
    #[error("no name server is configured")]
    NoServer,
    /// The server does not want to say, or cannot (RFC 1035 section 4.1.1).
    #[error("the name server refuses: response code {0}")]
    Refused(u8),
    /// No server answered in time.
    #[error("no name server answered in time")]
    Time,
}

impl Resolver {
    /// A resolver. Its files are read at each look-up: they change under a running machine.
    pub fn new(settings: ResolverSettings, entropy: Arc<dyn Entropy>) -> Self {
        Self { settings, entropy }
    }

    /// The IPv4 and IPv6 addresses of a name.
    ///
    /// # Errors
    /// When there is none, or nobody says.
    pub async fn addresses(&self, name: &str) -> Result<Records<IpAddr>, LookupError> {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(Records { all: vec![address], ttl: Duration::MAX });
        }
        let conf = Conf::read(&self.settings.conf, &self.settings.hosts).await;
        let known = conf.host(name);
        if !known.is_empty() {
            return Ok(Records { all: known, ttl: HOSTS_TTL });
        }
        let mut last = LookupError::None;
        for candidate in conf.candidates(name) {
            let v4 = self.ask(&conf, &candidate, Kind::A).await;
            let v6 = self.ask(&conf, &candidate, Kind::Aaaa).await;
            match (v4, v6) {
                (Ok(v4), Ok(v6)) => return Ok(self.joined(&[v4, v6])),
                // Some servers know no AAAA and fail instead of saying so.
                (Ok(some), Err(_)) | (Err(_), Ok(some)) => return Ok(self.joined(&[some])),
                (Err(error), Err(_)) => last = error,
            }
            if !matches!(last, LookupError::None) {
                break;
            }
        }
        Err(last)
    }

    /// The hosts of a service, such as `_http._tcp.users.internal`.
    ///
    /// # Errors
    /// When there is none, or nobody says.
    pub async fn service(&self, name: &str) -> Result<Records<ServiceHost>, LookupError> {
        let conf = Conf::read(&self.settings.conf, &self.settings.hosts).await;
        let mut last = LookupError::None;
        for candidate in conf.candidates(name) {
            match self.ask(&conf, &candidate, Kind::Srv).await {
                Ok(records) => return self.hosts(&records),
                Err(LookupError::None) => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn hosts(&self, records: &[Line]) -> Result<Records<ServiceHost>, LookupError> {
        let mut hosts: Vec<ServiceHost> =
            records.iter().filter_map(|(record, _)| record.as_service()).collect();
        hosts.sort();
        hosts.dedup();
        // RFC 2782: a single root target means that the service is not offered.
        hosts.retain(|host| !host.host.is_empty());
        hosts.truncate(self.settings.records_max);
        if hosts.is_empty() {
            return Err(LookupError::None);
        }
        Ok(Records { all: hosts, ttl: shortest(records) })
    }

    fn joined(&self, lists: &[Vec<Line>]) -> Records<IpAddr> {
        let ttl = lists.iter().map(|records| shortest(records)).min().unwrap_or_default();
        let addresses: BTreeSet<IpAddr> =
            lists.iter().flatten().filter_map(|(record, _)| record.as_address()).collect();
        Records { all: addresses.into_iter().take(self.settings.records_max).collect(), ttl }
    }

    /// Asks each server in turn until one answers.
    async fn ask(&self, conf: &Conf, name: &str, kind: Kind) -> Result<Vec<Line>, LookupError> {
        let mut last = LookupError::NoServer;
        for server in &conf.servers {
            let asked = self.ask_one(*server, name, kind).await;
            match asked.and_then(|message| lines(&message, name, kind)) {
                Ok(lines) => return Ok(lines),
                Err(LookupError::None) => return Err(LookupError::None),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn ask_one(
        &self,
        server: SocketAddr,
        name: &str,
        kind: Kind,
    ) -> Result<Message, LookupError> {
        let mut id = [0; 2];
        self.entropy.fill(&mut id).map_err(io::Error::other)?;
        let id = u16::from_be_bytes(id);
        let question = query(id, name, kind).ok_or(LookupError::Name)?;
        let limit = self.settings.time;
        let udp = timeout(limit, over_udp(server, &question, id, name));
        let message = udp.await.map_err(|_elapsed| LookupError::Time)??;
        if !message.is_cut {
            return Ok(message);
        }
        let tcp = timeout(limit, over_tcp(server, &question, id, name));
        tcp.await.map_err(|_elapsed| LookupError::Time)?
    }
}

impl ResolverSettings {
    /// Those of this machine.
    pub fn system() -> Self {
        Self {
            conf: PathBuf::from("/etc/resolv.conf"),
            hosts: PathBuf::from("/etc/hosts"),
            time: Duration::from_secs(2),
            records_max: 64,
        }
    }
}

async fn over_udp(
    server: SocketAddr,
    question: &[u8],
    id: u16,
    name: &str,
) -> Result<Message, LookupError> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut answer = vec![0; UDP_BYTES_MAX];
    loop {
        let length = socket.recv(&mut answer).await?;
        let text = answer.get(..length).unwrap_or_default();
        // What does not fit the question may be a guess of somebody else: the true answer may
        // still come.
        if let Ok(message) = read_message(text)
            && message.answers(id, name)
        {
            return Ok(message);
        }
    }
}

async fn over_tcp(
    server: SocketAddr,
    question: &[u8],
    id: u16,
    name: &str,
) -> Result<Message, LookupError> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).map_err(|_long| LookupError::Name)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    let message = read_message(&answer)?;
    if message.answers(id, name) { Ok(message) } else { Err(MessageError::Other.into()) }
}

/// A record, and how long it holds.
type Line = (Record, Duration);

fn lines(message: &Message, name: &str, kind: Kind) -> Result<Vec<Line>, LookupError> {
    match message.code {
        0 => {
            let lines = message.about(name, kind);
            if lines.is_empty() { Err(LookupError::None) } else { Ok(lines) }
        }
        NO_SUCH_NAME => Err(LookupError::None),
        code => Err(LookupError::Refused(code)),
    }
}

fn shortest(records: &[Line]) -> Duration {
    records.iter().map(|(_record, ttl)| *ttl).min().unwrap_or_default()
}

/// RFC 1035 section 4.1.1.
const NO_SUCH_NAME: u8 = 3;

/// What we say that we take: larger packets are cut on the way (DNS flag day 2020).
const UDP_BYTES_MAX: usize = 4_096;

/// A line in `hosts` holds until it is edited.
const HOSTS_TTL: Duration = Duration::from_secs(5);
