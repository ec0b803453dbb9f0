//! CPU time of the process per audit event, beside serializing and hashing alone.
//!
//! Prints one JSON object a line. CPU time and not waiting time, because the machine may be busy.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ringwall_audit::{Log, Settings, canonical};
use ringwall_base::{
    Algorithm, Class, Clock, Event, Outcome, SignError, Signer, Sink, SystemClock, SystemEntropy,
    Timestamp, Ulid,
};

const ROUNDS: usize = 7;
const EVENTS: u32 = 50_000;
/// Callers that wait for their event to be durable.
const IN_FLIGHT: u32 = 256;

#[derive(Debug)]
struct Key(Ed25519KeyPair);

impl Signer for Key {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDsa
    }

    fn key_id(&self) -> &'static str {
        "bench"
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    measure("serialize + SHA-256", "us_cpu", |_| serialize_and_hash())?;
    measure("ringwall", "us_cpu", |round| append(&folder.path().join(format!("a{round}"))))?;
    measure("ringwall durable at 256", "events_per_s", |round| {
        durable(&folder.path().join(format!("d{round}")))
    })
}

fn measure(contender: &str, unit: &str, run: impl Fn(usize) -> io::Result<f64>) -> io::Result<()> {
    let mut values = (0..ROUNDS).map(run).collect::<io::Result<Vec<f64>>>()?;
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    let (median, min, max) = (at(ROUNDS / 2), at(0), at(ROUNDS - 1));
    writeln!(
        io::stdout(),
        "{{\"bench\":\"audit\",\"contender\":\"{contender}\",\"unit\":\"{unit}\",\
         \"median\":{median:.2},\"min\":{min:.2},\"max\":{max:.2},\"n\":{ROUNDS}}}"
    )
}

fn serialize_and_hash() -> io::Result<f64> {
    let (event, entropy) = (event(Class::Group), SystemEntropy::open()?);
    let before = cpu_micros()?;
    for number in 0..EVENTS {
        let at = Timestamp::from_micros(1_795_300_200_000_000 + u64::from(number));
        let id = Ulid::generate(at, &entropy)?;
        let line = canonical(&event.notice(), at, id, u64::from(number));
        std::hint::black_box(digest(&SHA256, &line));
    }
    Ok((cpu_micros()? - before) / f64::from(EVENTS))
}

fn append(dir: &Path) -> io::Result<f64> {
    let log = open(dir)?;
    let before = cpu_micros()?;
    // As the gateway puts them: borrowed.
    let event = event(Class::Group);
    for _ in 0..EVENTS {
        log.note(&event.notice()).map_err(io::Error::other)?;
    }
    log.flush().map_err(io::Error::other)?;
    let used = cpu_micros()? - before;
    drop(log);
    fs::remove_dir_all(dir)?;
    Ok(used / f64::from(EVENTS))
}

fn durable(dir: &Path) -> io::Result<f64> {
    let (log, clock) = (Arc::new(open(dir)?), SystemClock::start());
    let threads: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                (0..EVENTS / IN_FLIGHT).try_for_each(|_| log.put(event(Class::Sync)))
            })
        })
        .collect();
    for thread in threads {
        let done = thread.join().map_err(|_panic| io::Error::other("a thread has ended"))?;
        done.map_err(io::Error::other)?;
    }
    let rate = f64::from(EVENTS) / clock.monotonic().as_secs_f64();
    drop(log);
    fs::remove_dir_all(dir)?;
    Ok(rate)
}

fn open(dir: &Path) -> io::Result<Log> {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(io::Error::other)?;
    let settings =
        Settings { public_key: key.public_key().as_ref().to_vec(), ..Settings::default() };
    let (clock, entropy) = (SystemClock::start(), SystemEntropy::open()?);
    Log::open(dir, settings, Arc::new(Key(key)), Arc::new(clock), Arc::new(entropy))
        .map_err(io::Error::other)
}

/// What the gateway records of a denied request.
fn event(class: Class) -> Event {
    Event {
        action: "access-denied",
        class,
        outcome: Outcome::Failure,
        person: Some("01KAH2V3N8Q4S5T6V7W8X9YZAB".to_owned()),
        person_name: Some("ann@example.org".to_owned()),
        roles: vec!["customer".to_owned(), "support".to_owned()],
        caller: Some("orders".to_owned()),
        source: Some("203.0.113.7".to_owned()),
        service: Some("payments".to_owned()),
        operation: Some("refundPayment".to_owned()),
        method: Some("POST".to_owned()),
        path: Some("/payments/4711/refunds".to_owned()),
        status: Some(403),
        request: Some("r-01KAH2V3N8Q4S5T6V7W8X9YZAB".to_owned()),
        trace: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        code: Some("RW3001"),
        reason: Some("no line allows `orders` to call `payments.refundPayment`".to_owned()),
        stage: Some("authorize"),
        duration_micros: Some(143),
        manifest: Some(12),
        ..Event::default()
    }
}

/// User and system time of all threads: fields 14 and 15 of proc(5) `stat` are too coarse, so the
/// scheduler's own count is read.
fn cpu_micros() -> io::Result<f64> {
    let mut nanos = 0.0;
    for thread in fs::read_dir("/proc/self/task")? {
        // A thread that ends while it is counted has no file any more.
        let text = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let own = text.split_whitespace().next().and_then(|own| own.parse::<f64>().ok());
        nanos += own.unwrap_or_default();
    }
    Ok(nanos / 1_000.0)
}
