//! `ringwall tap`: requests as they are recorded, masked.

use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Result, bail};
use ringwall_api::{Reply, Request, Tapped};

use crate::control;
use crate::exit::Exit;
use crate::out::{Format, Out};
use crate::paths::Place;

/// What to show.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ringwall tap                 everything that is recorded
  ringwall tap refused         with this word in a line
  ringwall tap orders 403      with all of these words")]
pub(crate) struct Args {
    /// Words that a line has to contain
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// End after that many requests
    #[arg(long, value_name = "N")]
    count: Option<usize>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let (mut from, mut shown) = (None, 0_usize);
    loop {
        let taps = match control::over_socket(&Request::Tap { from }, place)? {
            Some(Reply::Tap(taps)) => taps,
            Some(other) => return control::print(other, out),
            None if from.is_some() => bail!("the server has ended"),
            None => {
                out.problem("RW4002", "no server runs here", None);
                return Ok(Exit::Unreachable);
            }
        };
        if taps.dropped > 0 {
            out.talk(&format!("‼ {} requests were not shown", taps.dropped));
        }
        if from.is_none() {
            out.talk("looking; Ctrl-C ends");
        }
        for entry in &taps.entries {
            let line = line(entry);
            if !args.filter.iter().all(|word| line.contains(word.as_str())) {
                continue;
            }
            match out.format() {
                Format::Json => out.data(&serde_json::to_string(entry)?)?,
                Format::Human | Format::Plain => out.data(&line)?,
            }
            shown = shown.saturating_add(1);
            if args.count.is_some_and(|count| shown >= count) {
                return Ok(Exit::Ok);
            }
        }
        from = Some(taps.next);
        pause(INTERVAL);
    }
}

fn line(entry: &Tapped) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
    let time = entry.at.split('T').nth(1).unwrap_or(&entry.at);
    let status = entry.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let millis = entry.micros.map_or_else(String::new, |micros| format!(" {} ms", micros / 1_000));
    let who = entry.person.as_ref().or(entry.caller.as_ref());
    format!(
        "{time} {} {status} {} {} {}.{} {}{}{millis}",
        entry.request,
        entry.outcome,
        text(&entry.method),
        text(&entry.service),
        text(&entry.operation),
        text(&entry.path),
        who.map_or_else(String::new, |who| format!(" by {who}")),
    )
}

/// Waits. Nobody ever sends.
pub(super) fn pause(time: Duration) {
    let (_sender, nothing) = mpsc::channel::<()>();
    nothing.recv_timeout(time).ok();
}

/// Fast enough for eyes.
const INTERVAL: Duration = Duration::from_millis(200);
