//! CRS 3.3.4, as Debian ships it, with its own regression tests.

use std::fs;

use ringwall_testkit::vectors_folder;
use ringwall_waf::{Evaluation, Ruleset};

use crate::crs::{folder, load, run_all};

/// What the rule set's own test bench sets, beside its example.
fn setup() -> String {
    crate::crs_4::setup("DetectionOnly", 4).replace(
        "SecAction \"id:900005,phase:1,nolog,pass,",
        "SecAction \"id:900005,phase:1,nolog,pass,ctl:ruleRemoveById=910000,\
         setvar:tx.paranoia_level=4,",
    )
}

fn rules() -> Ruleset {
    with_setup(&setup())
}

/// As an operator runs it: at the first paranoia level, and stopping.
pub(crate) fn blocking_rules() -> Ruleset {
    with_setup(&crate::crs_4::setup("On", 1))
}

fn with_setup(setup: &str) -> Ruleset {
    let folder = folder("RINGWALL_CRS_3", "/usr/share/modsecurity-crs");
    let example = ["crs-setup.conf.example", "/etc/modsecurity/crs/crs-setup.conf"]
        .iter()
        .find_map(|name| fs::read_to_string(folder.join(name)).ok());
    load(&folder, &format!("{setup}{}", example.unwrap()))
}

#[test]
fn all_rules_load() {
    let rules = rules();
    assert!(rules.rule_count() > 600, "{}", rules.rule_count());
    assert!(rules.has_rule(942_100) && rules.has_rule(980_145));
}

#[test]
fn the_regression_tests_pass() {
    let mut outcome = run_all(
        &rules().with_evaluation(Evaluation::Verified),
        &vectors_folder().join("crs-3.3.4-tests"),
    );
    outcome
        .failed
        .retain(|failed| !crate::crs_4::BY_APACHE.iter().any(|known| failed.starts_with(known)));
    let failed = outcome.failed.join("\n");
    let (passed, door) = (outcome.passed, outcome.for_the_door.len());
    assert!(
        outcome.failed.is_empty(),
        "{failed}\npassed {passed}, failed {}, door {door}: {:?}",
        outcome.failed.len(),
        outcome.for_the_door
    );
}
