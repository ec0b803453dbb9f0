//! The verdicts of libmodsecurity 3.0.15 on the same stages, in blocking mode.

use std::collections::HashMap;

use ringwall_testkit::{vectors, vectors_folder};
use serde::Deserialize;

use crate::{crs, crs_4, ftw};

#[derive(Debug, Deserialize)]
struct Verdict {
    rule: u64,
    tid: u64,
    stage: usize,
    block: Option<(u8, u16)>,
}

/// Compares whether a stage is stopped; `(same, different)`.
fn compare(file: &str, paranoia: u8) -> (usize, Vec<String>) {
    let verdicts: Vec<Verdict> = serde_json::from_slice(&vectors(file)).unwrap();
    let verdicts: HashMap<String, Option<(u8, u16)>> = verdicts
        .into_iter()
        .map(|one| {
            let stage = if one.stage == 0 { String::new() } else { format!("/{}", one.stage) };
            (format!("{}-{}{stage}", one.rule, one.tid), one.block)
        })
        .collect();
    let rules = crs_4::rules("On", paranoia);
    let mut same = 0;
    let mut different = Vec::new();
    for (name, stage) in ftw::stages(&vectors_folder().join("crs-4-tests")) {
        let Some(theirs) = verdicts.get(&name) else { continue };
        let Some(ours) = crs::judge(&rules, &stage) else { continue };
        if ours.stopped.is_some() == theirs.is_some() {
            same += 1;
        } else {
            different.push(format!(
                "{name}: ours {:?}, theirs {theirs:?}, ids {:?}",
                ours.stopped, ours.ids
            ));
        }
    }
    (same, different)
}

#[track_caller]
fn check(file: &str, paranoia: u8) {
    let (same, different) = compare(file, paranoia);
    let share = different.len() * 1_000 / (same + different.len()).max(1);
    assert!(share < 5, "same {same}, different {}:\n{}", different.len(), different.join("\n"));
}

#[test]
#[ignore = "needs the rules of CRS 4.28.0: name their folder in RINGWALL_CRS_4"]
fn verdicts_at_paranoia_1_are_those_of_libmodsecurity() {
    check("waf/libmodsecurity-3.0.15-block1.json", 1);
}

#[test]
#[ignore = "needs the rules of CRS 4.28.0: name their folder in RINGWALL_CRS_4"]
fn verdicts_at_paranoia_2_are_those_of_libmodsecurity() {
    check("waf/libmodsecurity-3.0.15-block2.json", 2);
}
