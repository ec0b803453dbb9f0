//! `ringwall top`: rate, errors and times of each operation, from two looks at the counters.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use ringwall_api::{Top, TopRow, TopUpstream};

use super::tap::pause;
use crate::control;
use crate::exit::Exit;
use crate::out::{Format, Out};
use crate::paths::Place;

/// How to show it.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Show it once and end
    #[arg(long)]
    once: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    every: f64,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let every = Duration::try_from_secs_f64(args.every.clamp(0.1, 3_600.0))?;
    let Some(mut before) = look(place)? else {
        out.problem("RW4002", "no server runs here", None);
        return Ok(Exit::Unreachable);
    };
    loop {
        pause(every);
        let now = look(place)?.context("the server has ended")?;
        let top = compare(&before, &now, every.as_secs_f64());
        match out.format() {
            Format::Json => out.json(&serde_json::to_value(&top)?)?,
            Format::Plain => out.data(&text(&top))?,
            // Home, then clear: no flicker.
            Format::Human if args.once => out.data(&text(&top))?,
            Format::Human => out.data(&format!("\u{1b}[H\u{1b}[2J{}", text(&top)))?,
        }
        if args.once {
            return Ok(Exit::Ok);
        }
        before = now;
    }
}

/// Counters at one moment.
#[derive(Debug, Default)]
struct Look {
    in_flight: u64,
    connections: u64,
    operations: BTreeMap<(String, String), Counts>,
    upstreams: BTreeMap<(String, String), Endpoint>,
}

/// Of all who call it: a service in front has endpoints of its own.
#[derive(Clone, Debug, Default)]
struct Endpoint {
    is_left_out: bool,
    in_flight: u64,
    attempts: f64,
    failures: f64,
}

impl Endpoint {
    fn add(&mut self, name: &str, value: f64) {
        match name {
            "ringwall_upstream_available" => self.is_left_out |= value < 1.0,
            "ringwall_upstream_in_flight" => {
                self.in_flight = self.in_flight.saturating_add(whole(value));
            }
            "ringwall_upstream_attempts_total" => self.attempts += value,
            _failures => self.failures += value,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Counts {
    all: f64,
    errors: f64,
    /// Upper bound in seconds, as written, and how many were at most that long.
    buckets: BTreeMap<String, f64>,
}

impl Counts {
    fn add(&mut self, labels: &Labels<'_>, value: f64) {
        if let Some(bound) = labels.get("le") {
            *self.buckets.entry((*bound).to_owned()).or_default() += value;
            return;
        }
        self.all += value;
        let label = |key: &str| labels.get(key).copied().unwrap_or_default();
        let is_refused = !label("error_type").is_empty();
        if is_refused || label("http_response_status_code").starts_with('5') {
            self.errors += value;
        }
    }
}

fn look(place: &Place) -> Result<Option<Look>> {
    Ok(control::get("/metrics", place)?.map(|text| read(&text)))
}

fn read(text: &str) -> Look {
    let mut look = Look::default();
    for (name, labels, value) in text.lines().filter_map(sample) {
        let label = |key: &str| labels.get(key).copied().unwrap_or_default();
        match name {
            "http_server_active_requests" => look.in_flight = whole(value),
            "ringwall_connections_open" => {
                look.connections = look.connections.saturating_add(whole(value));
            }
            "http_server_request_duration_seconds_count"
            | "http_server_request_duration_seconds_bucket" => {
                let service = label("ringwall_service").to_owned();
                let key = (service, label("ringwall_operation").to_owned());
                look.operations.entry(key).or_default().add(&labels, value);
            }
            "ringwall_upstream_available"
            | "ringwall_upstream_in_flight"
            | "ringwall_upstream_attempts_total"
            | "ringwall_upstream_endpoint_failures_total" => {
                let key =
                    (label("ringwall_service").to_owned(), label("server_address").to_owned());
                look.upstreams.entry(key).or_default().add(name, value);
            }
            _other => {}
        }
    }
    look
}

/// The labels of a sample.
type Labels<'t> = BTreeMap<&'t str, &'t str>;

/// A name, its labels and the value.
type Sample<'t> = (&'t str, Labels<'t>, f64);

/// Name, labels and value of a line. Our own labels have no quotes within.
fn sample(line: &str) -> Option<Sample<'_>> {
    let (head, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, labels)) = head.split_once('{') else {
        return Some((head, Labels::new(), value));
    };
    let labels = labels.strip_suffix("\"}").unwrap_or(labels);
    let labels = labels.split("\",").filter_map(|label| label.split_once("=\"")).collect();
    Some((name, labels, value))
}

fn compare(before: &Look, now: &Look, seconds: f64) -> Top {
    let none = Counts::default();
    let mut rows: Vec<TopRow> = now
        .operations
        .iter()
        .map(|(key, counts)| {
            let old = before.operations.get(key).unwrap_or(&none);
            let (all, errors) = (counts.all - old.all, counts.errors - old.errors);
            let quantile = |share| quantile(old, counts, share);
            TopRow {
                service: key.0.clone(),
                operation: key.1.clone(),
                rate: all / seconds,
                errors: if all > 0.0 { 100.0 * errors / all } else { 0.0 },
                p50_millis: quantile(0.5),
                p99_millis: quantile(0.99),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.rate.total_cmp(&a.rate));
    let upstreams = upstreams(before, now, seconds);
    Top { seconds, in_flight: now.in_flight, connections: now.connections, rows, upstreams }
}

fn upstreams(before: &Look, now: &Look, seconds: f64) -> Vec<TopUpstream> {
    let none = Endpoint::default();
    let row = |(key, endpoint): (&(String, String), &Endpoint)| {
        let old = before.upstreams.get(key).unwrap_or(&none);
        let all = endpoint.attempts - old.attempts;
        let failed = endpoint.failures - old.failures;
        TopUpstream {
            service: key.0.clone(),
            address: key.1.clone(),
            is_available: !endpoint.is_left_out,
            in_flight: endpoint.in_flight,
            rate: all / seconds,
            errors: if all > 0.0 { 100.0 * failed / all } else { 0.0 },
        }
    };
    let mut rows: Vec<TopUpstream> = now.upstreams.iter().map(row).collect();
    rows.sort_by(|a, b| a.is_available.cmp(&b.is_available).then(b.rate.total_cmp(&a.rate)));
    rows
}

/// The bound of the bucket that contains it, in milliseconds.
fn quantile(old: &Counts, new: &Counts, share: f64) -> Option<f64> {
    let mut buckets: Vec<(f64, f64)> = new
        .buckets
        .iter()
        .filter_map(|(bound, count)| {
            let before = old.buckets.get(bound).copied().unwrap_or_default();
            Some((bound.parse::<f64>().ok()?, count - before))
        })
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all = new.all - old.all;
    if all <= 0.0 {
        return None;
    }
    let reached = buckets.iter().find(|(bound, count)| *count >= all * share && bound.is_finite());
    let last = buckets.iter().rev().find(|(bound, _)| bound.is_finite());
    reached.or(last).map(|(bound, _)| bound * 1_000.0)
}

fn whole(value: f64) -> u64 {
    format!("{value:.0}").parse().unwrap_or(0)
}

fn text(top: &Top) -> String {
    let mut lines = vec![
        format!("{} in flight, {} connections", top.in_flight, top.connections),
        format!(
            "{:<32} {:>9} {:>8} {:>9} {:>9}",
            "OPERATION", "PER SEC", "ERRORS", "P50 MS", "P99 MS"
        ),
    ];
    for row in top.rows.iter().take(ROWS_MAX) {
        let name = match (row.service.as_str(), row.operation.as_str()) {
            ("", _) => "(no operation)".to_owned(),
            (service, operation) => format!("{service}.{operation}"),
        };
        let millis =
            |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("≤{time:.0}"));
        lines.push(format!(
            "{name:<32} {:>9.1} {:>7.1}% {:>9} {:>9}",
            row.rate,
            row.errors,
            millis(row.p50_millis),
            millis(row.p99_millis),
        ));
    }
    if !top.upstreams.is_empty() {
        lines.push(format!(
            "\n{:<32} {:>9} {:>8} {:>9} {:>9}",
            "UPSTREAM", "PER SEC", "ERRORS", "IN FLIGHT", "STATE"
        ));
    }
    for one in top.upstreams.iter().take(UPSTREAMS_MAX) {
        let name = format!("{} {}", one.service, one.address);
        let state = if one.is_available { "asked" } else { "left out" };
        lines.push(format!(
            "{name:<32} {:>9.1} {:>7.1}% {:>9} {state:>9}",
            one.rate, one.errors, one.in_flight
        ));
    }
    lines.join("\n")
}

/// A screen.
const ROWS_MAX: usize = 40;
const UPSTREAMS_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &str = "ringwall_service=\"books\",ringwall_operation=\"list\"";

    fn metrics(ok: u32, denied: u32) -> String {
        let all = ok + denied;
        format!(
            "# HELP x y\nhttp_server_active_requests 3\n\
             ringwall_connections_open{{worker=\"0\"}} 2\nringwall_connections_open{{worker=\"1\"}} 5\n\
             http_server_request_duration_seconds_count{{{LABELS},http_response_status_code=\"200\",error_type=\"\"}} {ok}\n\
             http_server_request_duration_seconds_count{{{LABELS},http_response_status_code=\"403\",error_type=\"RW3001\"}} {denied}\n\
             http_server_request_duration_seconds_bucket{{{LABELS},le=\"0.005\"}} {}\n\
             http_server_request_duration_seconds_bucket{{{LABELS},le=\"0.25\"}} {all}\n\
             http_server_request_duration_seconds_bucket{{{LABELS},le=\"+Inf\"}} {all}\n# EOF\n",
            all / 2
        )
    }

    #[test]
    fn two_looks_make_a_row() {
        let top = compare(&read(&metrics(0, 0)), &read(&metrics(30, 10)), 2.0);
        assert_eq!((top.in_flight, top.connections), (3, 7));
        let [row] = &top.rows[..] else { panic!("{top:?}") };
        assert_eq!((row.service.as_str(), row.operation.as_str()), ("books", "list"));
        assert!((row.rate - 20.0).abs() < 1e-9 && (row.errors - 25.0).abs() < 1e-9, "{row:?}");
        assert_eq!((row.p50_millis, row.p99_millis), (Some(5.0), Some(250.0)));
        let shown = text(&top);
        assert!(shown.contains("books.list") && shown.contains("≤250"), "{shown}");
        assert!(!shown.contains("UPSTREAM"), "{shown}");
    }

    #[test]
    fn endpoints_that_are_left_out_come_first() {
        let samples = |done: u32, failed: u32| {
            let labels =
                |address| format!("ringwall_service=\"books\",server_address=\"{address}\"");
            let (one, two) = (labels("10.0.0.1:80"), labels("10.0.0.2:80"));
            format!(
                "ringwall_upstream_available{{{one}}} 1\nringwall_upstream_available{{{two}}} 0\n\
                 ringwall_upstream_in_flight{{{one}}} 4\n\
                 ringwall_upstream_attempts_total{{{one}}} {done}\n\
                 ringwall_upstream_endpoint_failures_total{{{one}}} {failed}\n"
            )
        };
        let top = compare(&read(&samples(10, 0)), &read(&samples(30, 5)), 2.0);
        let [left_out, asked] = &top.upstreams[..] else { panic!("{top:?}") };
        assert_eq!((left_out.address.as_str(), left_out.is_available), ("10.0.0.2:80", false));
        assert_eq!((asked.in_flight, asked.is_available), (4, true));
        assert!((asked.rate - 10.0).abs() < 1e-9 && (asked.errors - 25.0).abs() < 1e-9);
        let shown = text(&top);
        assert!(shown.contains("books 10.0.0.2:80") && shown.contains("left out"), "{shown}");
    }
}
