//! Services that fail as they are told, and clients that count what comes back.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::house::House;
use crate::program::{Program, service};

/// `faulty.py`, a process of its own: it is killed and stopped as services are.
pub(crate) struct Faulty {
    pub(crate) address: String,
    program: Mutex<Program>,
    folder: tempfile::TempDir,
}

impl Faulty {
    pub(crate) fn start() -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let (program, address) = begin(&folder, &format!("{}:0", own_address()));
        Self { address, program: Mutex::new(program), folder }
    }

    /// What it does with requests from now on.
    pub(crate) fn set(&self, mood: &str) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "PUT /mood/{mood} HTTP/1.1\r\n\r\n").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{mood}: {line}");
    }

    /// `kill -9`.
    pub(crate) fn kill(&self) {
        self.program.lock().unwrap().kill();
    }

    /// Starts it again at the same address.
    pub(crate) fn revive(&self) {
        *self.program.lock().unwrap() = begin(&self.folder, &self.address).0;
    }

    /// It keeps its connections and does nothing, as if the machine hung.
    pub(crate) fn freeze(&self) {
        self.program.lock().unwrap().signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.program.lock().unwrap().signal("CONT");
    }

    /// How often each request arrived, by its id.
    pub(crate) fn seen(&self) -> HashMap<String, usize> {
        let mut seen = HashMap::new();
        let text = std::fs::read_to_string(self.folder.path().join("seen")).unwrap_or_default();
        for id in text.lines() {
            *seen.entry(id.to_owned()).or_default() += 1;
        }
        seen
    }

    /// How many requests arrived.
    pub(crate) fn count(&self) -> usize {
        self.seen().values().sum()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.kill();
    }
}

fn begin(folder: &tempfile::TempDir, address: &str) -> (Program, String) {
    let script = ("faulty.py", include_str!("faulty.py"));
    let (program, port) = service(script, address, &folder.path().join("seen"));
    let host = address.rsplit_once(':').unwrap().0;
    (program, format!("{host}:{port}"))
}

/// A loopback address that nobody else uses: the port must still be free when it listens again.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, NEXT.fetch_add(1, Ordering::SeqCst))
}

/// How often the request arrived that arrived most often.
pub(crate) fn most_doubled(all: &[&Faulty]) -> usize {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (id, count) in all.iter().flat_map(|one| one.seen()) {
        *counts.entry(id).or_default() += count;
    }
    counts.into_values().max().unwrap_or(0)
}

/// What became of requests.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    /// Whole answers with status 200.
    pub(crate) answered: usize,
    /// Whole answers with another status, by status.
    pub(crate) refused: HashMap<u16, usize>,
    /// No answer, or half of one.
    pub(crate) lost: usize,
}

impl Tally {
    /// Requests that were not answered by the service.
    pub(crate) fn failed(&self) -> usize {
        self.lost + self.refused.values().sum::<usize>()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.lost += other.lost;
        for (status, count) in &other.refused {
            *self.refused.entry(*status).or_default() += count;
        }
    }

    pub(crate) fn note(&mut self, outcome: Option<u16>) {
        self.sent += 1;
        match outcome {
            Some(200) => self.answered += 1,
            Some(status) => *self.refused.entry(status).or_default() += 1,
            None => self.lost += 1,
        }
    }
}

/// Sends requests from several clients, each on one connection as long as that lives. Each request
/// has a number: `goes_on` hears it and says whether it is sent. What it does meanwhile is done
/// before any request with a higher number is sent; those with lower ones may be under way.
pub(crate) fn load(
    house: &House,
    line: &str,
    clients: usize,
    goes_on: &(dyn Fn(usize) -> bool + Sync),
) -> Tally {
    let (all, numbers) = (Mutex::new(Tally::default()), Mutex::new(0..));
    let next = || {
        let mut numbers = numbers.lock().unwrap();
        numbers.next().filter(|number| goes_on(*number))
    };
    let work = || {
        let mut client = Client::new(house);
        while let Some(number) = next() {
            let outcome = client.ask(line, number);
            all.lock().unwrap().note(outcome);
        }
    };
    thread::scope(|scope| (0..clients).for_each(|_| drop(scope.spawn(work))));
    all.into_inner().unwrap()
}

/// A client with one connection.
pub(crate) struct Client<'h> {
    house: &'h House,
    config: Arc<ClientConfig>,
    kept: Option<Connection>,
}

type Connection = BufReader<StreamOwned<ClientConnection, TcpStream>>;

impl<'h> Client<'h> {
    pub(crate) fn new(house: &'h House) -> Self {
        Self { house, config: Arc::new(house.client_config()), kept: None }
    }

    /// The status of a whole answer.
    pub(crate) fn ask(&mut self, line: &str, id: usize) -> Option<u16> {
        let connect = || BufReader::new(self.house.connect_with(Arc::clone(&self.config)));
        let mut stream = self.kept.take().unwrap_or_else(connect);
        // With a body it could not be sent again anyhow; without one only the method forbids it.
        let body = if line.starts_with("GET") || id.is_multiple_of(2) { "" } else { "{}" };
        let text = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\nx-id: {id}\r\ncontent-type: text/plain\r\n\
             content-length: {}\r\n\r\n{body}",
            self.house.authority(),
            body.len(),
        );
        stream.get_mut().write_all(text.as_bytes()).ok()?;
        let (status, is_last) = answer(&mut stream)?;
        self.kept = (!is_last).then_some(stream);
        Some(status)
    }
}

/// Reads one answer to its end; gives its status, and whether it is the last of its connection.
fn answer(stream: &mut Connection) -> Option<(u16, bool)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    match length {
        Some(length) => skip(stream, length.parse().ok()?)?,
        None => unchunk(stream)?,
    }
    Some((status, head.contains("connection: close")))
}

fn unchunk(stream: &mut Connection) -> Option<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let size = u64::from_str_radix(line.trim(), 16).ok()?;
        skip(stream, size + 2)?;
        if size == 0 {
            return Some(());
        }
    }
}

fn skip(stream: &mut Connection, length: u64) -> Option<()> {
    let read = std::io::copy(&mut stream.take(length), &mut std::io::sink()).ok()?;
    (read == length).then_some(())
}
