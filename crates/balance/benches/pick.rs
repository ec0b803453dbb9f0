//! Time of one choice among a hundred endpoints, beside the budget of 50 ns.
//!
//! Prints one JSON object a line. CPU time of the process, because the machine may be busy.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

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

fn round(group: &Group) -> f64 {
    let started = spent();
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
    spent().saturating_sub(started).as_secs_f64() * 1e9 / f64::from(PICKS)
}

/// Time that the process ran (proc(5), `schedstat`).
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}
