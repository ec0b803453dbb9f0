//! Upstreams that fail as they are told, and clients that count what comes back.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What an upstream does with the requests that it reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mood {
    Answers,
    /// Answers 503.
    Fails,
    /// Sends what is not HTTP.
    Garbles,
    /// Reads, and never answers.
    Hangs,
    /// Answers when it is told to do something else.
    Holds,
    /// Closes in the middle of the body.
    Breaks,
    /// Closes without an answer, after the whole request was read.
    Drops,
    /// Answers after this many milliseconds.
    Slow(u64),
}

/// A running upstream. It keeps connections open.
pub(crate) struct Faulty {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    mood: Mutex<Mood>,
    is_dead: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    /// Requests that were read whole.
    seen: AtomicUsize,
    /// How often each id was seen.
    ids: Mutex<HashMap<String, usize>>,
    heads: Mutex<Vec<String>>,
    busy: AtomicUsize,
    busiest: AtomicUsize,
}

impl Faulty {
    pub(crate) fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind((own_address(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            mood: Mutex::new(mood),
            is_dead: AtomicBool::new(false),
            open: Mutex::default(),
            seen: AtomicUsize::new(0),
            ids: Mutex::default(),
            heads: Mutex::default(),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
        });
        accept(listener, Arc::clone(&shared));
        Self { address, shared }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// Closes the listener and all connections.
    pub(crate) fn kill(&self) {
        self.shared.is_dead.store(true, Ordering::SeqCst);
        // Wakes the listener, which then goes away; wait until it has.
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
        for stream in self.shared.open.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    /// Listens again, at the same address.
    pub(crate) fn revive(&self) {
        self.shared.is_dead.store(false, Ordering::SeqCst);
        accept(TcpListener::bind(self.address).unwrap(), Arc::clone(&self.shared));
    }

    pub(crate) fn seen(&self) -> usize {
        self.shared.seen.load(Ordering::SeqCst)
    }

    pub(crate) fn busiest(&self) -> usize {
        self.shared.busiest.load(Ordering::SeqCst)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }
}

/// A loopback address that nobody else uses: the port must still be free when it listens again.
fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high.max(1), low, NEXT.fetch_add(1, Ordering::SeqCst))
}

/// The most often that any id was seen, over all upstreams.
pub(crate) fn most_doubled(all: &[&Faulty]) -> usize {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for one in all {
        for (id, count) in &*one.shared.ids.lock().unwrap() {
            *counts.entry(id.clone()).or_default() += count;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

fn accept(listener: TcpListener, shared: Arc<Shared>) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if shared.is_dead.load(Ordering::SeqCst) {
                return;
            }
            shared.open.lock().unwrap().push(stream.try_clone().unwrap());
            let shared = Arc::clone(&shared);
            thread::spawn(move || while serve(&stream, &shared).is_some() {});
        }
    });
}

/// One request. `None` ends the connection.
fn serve(mut stream: &TcpStream, shared: &Shared) -> Option<()> {
    let (head, _body) = read_message(stream)?;
    shared.seen.fetch_add(1, Ordering::SeqCst);
    if let Some(id) = field(&head, "x-id") {
        *shared.ids.lock().unwrap().entry(id.to_owned()).or_default() += 1;
    }
    shared.heads.lock().unwrap().push(head);
    let busy = shared.busy.fetch_add(1, Ordering::SeqCst) + 1;
    shared.busiest.fetch_max(busy, Ordering::SeqCst);
    let mood = *shared.mood.lock().unwrap();
    let answer = match mood {
        Mood::Answers => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        Mood::Breaks => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\":",
        Mood::Drops => "",
        Mood::Fails => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        Mood::Garbles => "\u{1}\u{2}garbage\r\n\r\n",
        Mood::Hangs => {
            // Until the other side gives up.
            stream.read_exact(&mut [0]).ok();
            ""
        }
        Mood::Holds => {
            while *shared.mood.lock().unwrap() == Mood::Holds {
                thread::park_timeout(Duration::from_millis(1));
            }
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
        }
        Mood::Slow(millis) => {
            #[expect(clippy::disallowed_methods, reason = "to be slow is what this one is for")]
            thread::sleep(Duration::from_millis(millis));
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
        }
    };
    shared.busy.fetch_sub(1, Ordering::SeqCst);
    stream.write_all(answer.as_bytes()).ok()?;
    if matches!(mood, Mood::Answers | Mood::Fails | Mood::Holds | Mood::Slow(_)) {
        return Some(());
    }
    stream.shutdown(Shutdown::Both).ok();
    None
}

/// What became of requests.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    /// Whole answers with status 200.
    pub(crate) answered: usize,
    /// Whole answers with another status.
    pub(crate) refused: usize,
    /// No answer, or half of one.
    pub(crate) lost: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.refused += other.refused;
        self.lost += other.lost;
    }
}

/// Sends requests on kept connections, from several threads at once.
pub(crate) fn load(edge: SocketAddr, line: &str, clients: usize, each: usize) -> Tally {
    let sent = AtomicUsize::new(0);
    load_while(edge, line, clients, &|| sent.fetch_add(1, Ordering::Relaxed) < clients * each)
}

/// The same, as long as there is more to do. `goes_on` is asked by one client at a time: what it does to
/// an upstream is done before the next request goes out.
pub(crate) fn load_while(
    edge: SocketAddr,
    line: &str,
    clients: usize,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Tally {
    let mut all = Tally::default();
    let turn = Mutex::new(goes_on);
    let goes_on: &(dyn Fn() -> bool + Sync) = &|| turn.lock().unwrap()();
    thread::scope(|scope| {
        let run = |client: usize| client_of(edge, line, client, goes_on);
        let threads: Vec<_> = (0..clients).map(|client| scope.spawn(move || run(client))).collect();
        for thread in threads {
            all.add(&thread.join().unwrap());
        }
    });
    all
}

fn client_of(edge: SocketAddr, line: &str, client: usize, goes_on: &dyn Fn() -> bool) -> Tally {
    let (mut tally, mut kept) = (Tally::default(), None);
    while goes_on() {
        tally.sent += 1;
        let id = format!("{client}-{}", tally.sent);
        let length = if line.starts_with("POST") { "content-length: 2\r\n" } else { "" };
        let body = if line.starts_with("POST") { "{}" } else { "" };
        let text = format!(
            "{line} HTTP/1.1\r\nhost: shop.localhost:8443\r\nx-id: {id}\r\n{length}\r\n{body}"
        );
        let stream = kept.take().unwrap_or_else(|| TcpStream::connect(edge).unwrap());
        match exchange(&stream, &text) {
            Some(head) => {
                let is_answered = head.starts_with("HTTP/1.1 200");
                tally.answered += usize::from(is_answered);
                tally.refused += usize::from(!is_answered);
                let closes = field(&head, "connection").is_some_and(|value| value == "close");
                kept = (!closes).then_some(stream);
            }
            None => tally.lost += 1,
        }
    }
    tally
}

fn exchange(mut stream: &TcpStream, text: &str) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    stream.write_all(text.as_bytes()).ok()?;
    read_message(stream).map(|(head, _)| head)
}

/// Head and body.
type Message = (String, Vec<u8>);

/// Reads a head, and a body with a length.
fn read_message(mut stream: &TcpStream) -> Option<Message> {
    let (mut bytes, mut buffer) = (Vec::new(), [0_u8; 4096]);
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length: usize =
                field(&head, "content-length").map_or(0, |text| text.parse().unwrap());
            if bytes.len() >= end + length {
                return Some((head, bytes.split_off(end)));
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
