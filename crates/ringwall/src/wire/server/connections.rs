//! Connections of clients, as `status` and `/metrics` tell them.

use std::collections::BTreeMap;
use std::fmt::Write;

use ringwall_net::WorkerCounts;

/// Open connections, and those since the start.
pub(super) fn sums(counts: &[WorkerCounts]) -> (u64, u64) {
    let sum = |of: fn(&WorkerCounts) -> u64| counts.iter().map(of).sum();
    (sum(|count| count.open), sum(|count| count.accepted))
}

/// Refused connections by reason, where there are any.
pub(super) fn refused(counts: &[WorkerCounts]) -> Vec<(String, u64)> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (why, count) in counts.iter().flat_map(|counts| &counts.refused) {
        let sum = sums.entry((*why).to_owned()).or_default();
        *sum = sum.saturating_add(*count);
    }
    sums.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Writes the samples of a family.
type Lines<'f> = &'f dyn Fn(&mut String);

/// Puts the counts of each thread before the end of the `OpenMetrics` text.
pub(super) fn add(text: &str, counts: &[WorkerCounts]) -> String {
    let Some(before) = text.strip_suffix("# EOF\n") else { return text.to_owned() };
    let mut text = before.to_owned();
    let mut family = |name: &str, kind: &str, help: &str, lines: Lines<'_>| {
        writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}").ok();
        lines(&mut text);
    };
    let each = |text: &mut String, name: &str, of: fn(&WorkerCounts) -> u64| {
        for (worker, count) in counts.iter().enumerate() {
            writeln!(text, "{name}{{worker=\"{worker}\"}} {}", of(count)).ok();
        }
    };
    family(OPEN, "gauge", "Connections of clients that are open", &|text| {
        each(text, OPEN, |count| count.open);
    });
    family(ACCEPTED, "counter", "Connections of clients since the start", &|text| {
        each(text, &format!("{ACCEPTED}_total"), |count| count.accepted);
    });
    family(REFUSED, "counter", "Connections closed before their first request", &|text| {
        for (worker, count) in counts.iter().enumerate() {
            for (why, number) in &count.refused {
                let labels = format!("worker=\"{worker}\",reason=\"{why}\"");
                writeln!(text, "{REFUSED}_total{{{labels}}} {number}").ok();
            }
        }
    });
    family(
        CURBED,
        "counter",
        "Limits that clients passed on connections that were open",
        &|text| {
            for (worker, count) in counts.iter().enumerate() {
                for (what, number) in &count.curbed {
                    let labels = format!("worker=\"{worker}\",limit=\"{what}\"");
                    writeln!(text, "{CURBED}_total{{{labels}}} {number}").ok();
                }
            }
        },
    );
    text + "# EOF\n"
}

const OPEN: &str = "ringwall_connections_open";
const ACCEPTED: &str = "ringwall_connections_accepted";
const REFUSED: &str = "ringwall_connections_refused";
const CURBED: &str = "ringwall_limits_reached";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_has_its_own_lines_before_the_end() {
        let curbed = vec![("slow_body", 3)];
        let counts =
            WorkerCounts { accepted: 9, open: 2, refused: vec![("descriptors", 1)], curbed };
        let text = add("# TYPE a counter\n# EOF\n", &[counts.clone(), counts.clone()]);
        for line in [
            "ringwall_connections_open{worker=\"1\"} 2\n",
            "ringwall_connections_accepted_total{worker=\"0\"} 9\n",
            "ringwall_connections_refused_total{worker=\"0\",reason=\"descriptors\"} 1\n",
            "ringwall_limits_reached_total{worker=\"1\",limit=\"slow_body\"} 3\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
        assert_eq!(sums(&[counts.clone(), counts.clone()]), (4, 18));
        assert_eq!(refused(&[counts.clone(), counts]), [("descriptors".to_owned(), 2)]);
    }
}
