//! Time of one choice among a hundred endpoints, beside the budget of 50 ns.
//!
//! Prints one JSON object a line: CPU-bound and single-threaded, so waiting time is CPU time.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringwall_balance::{Ask, Group, Load, Member, Method, Settings, State, hash};

const ENDPOINTS: u64 = 100;
const PICKS: u32 = 2_000_000;
const ROUNDS: usize = 7;

fn main() -> io::Result<()> {
    for (name, method) in
        [("least", Method::Least), ("round-robin", Method::RoundRobin), ("hash", Method::Hash)]
    {
        measure(name, method)?;
    }
    Ok(())
}

fn measure(name: &str, method: Method) -> io::Result<()> {
    let member = |number: u64| Member {
        state: Arc::new(State::new(hash(&number.to_le_bytes()), None)),
        weight: 1,
        rank: 0,
    };
    let settings = Settings { method, ..Settings::default() };
    let group =
        Group::new((0..ENDPOINTS).map(member).collect(), settings, Arc::new(Load::default()));
    let mut values: Vec<f64> = (0..ROUNDS).map(|_| round(&group)).collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    let (median, min, max) = (at(ROUNDS / 2), at(0), at(ROUNDS - 1));
    writeln!(
        io::stdout(),
        "{{\"bench\":\"pick\",\"contender\":\"{name}\",\"unit\":\"ns\",\
         \"median\":{median:.1},\"min\":{min:.1},\"max\":{max:.1},\"n\":{ROUNDS}}}"
    )
}

#[expect(clippy::disallowed_methods, reason = "a bench measures with the machine's clock")]
fn round(group: &Group) -> f64 {
    let started = Instant::now();
    for turn in 0..PICKS {
        // Everything that a request pays: the choice, the count in and the count out.
        let ask = Ask {
            now: Duration::from_micros(u64::from(turn) / 10),
            bits: u64::from(turn),
            ..Ask::default()
        };
        let index = group.pick(&ask);
        let state = index.and_then(|index| group.state(index));
        black_box(state.map(|state| state.enter()));
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(PICKS)
}
