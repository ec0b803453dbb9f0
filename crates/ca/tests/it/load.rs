//! What is stored comes back, and what is wrong is refused.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ringwall_base::Secret;
use ringwall_ca::{Authority, CreateError, IssueError, LoadError, Parts, Settings, SpiffeId};

use crate::house::{DAY, HOUR, House, NOW, house, orders, settings};

fn load(parts: &Parts) -> Result<Authority, LoadError> {
    let House { clock, entropy, .. } = house(settings());
    Authority::load(parts, settings(), clock, entropy)
}

#[test]
fn a_stored_authority_issues_below_the_same_root() {
    let House { authority, .. } = house(settings());
    let again = load(&authority.parts()).unwrap();
    assert_eq!(again.bundle_pem(), authority.bundle_pem());
    let leaf = again.issue_workload(&orders(), HOUR).unwrap();
    let intermediate = leaf.chain().last().unwrap();
    assert_eq!(intermediate.as_ref(), authority.parts().intermediate_certificate);
}

#[track_caller]
fn check(parts: &Parts, want: &LoadError) {
    assert_eq!(load(parts).map(drop).as_ref(), Err(want));
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let (ours, theirs) = (house(settings()).authority.parts(), house(settings()).authority.parts());
    let parts = Parts { root_certificate: theirs.root_certificate.clone(), ..ours.clone() };
    check(&parts, &LoadError::Chain);
    let parts = Parts { root_key: theirs.root_key.clone(), ..ours.clone() };
    check(&parts, &LoadError::Key { which: "root" });
    let parts = Parts { intermediate_key: theirs.intermediate_key, ..ours.clone() };
    check(&parts, &LoadError::Key { which: "intermediate" });
    let parts = Parts { intermediate_key: Secret::new(vec![0; 32]), ..ours.clone() };
    check(&parts, &LoadError::Malformed { which: "intermediate" });
    let mut parts = ours.clone();
    parts.root_certificate.truncate(100);
    check(&parts, &LoadError::Malformed { which: "root certificate" });
    let mut parts = ours;
    parts.intermediate_certificate.push(0);
    check(&parts, &LoadError::Malformed { which: "intermediate certificate" });
}

#[test]
fn without_the_root_key_leaves_are_issued_and_intermediates_are_not() {
    let House { authority, .. } = house(settings());
    let mut again = load(&Parts { root_key: None, ..authority.parts() }).unwrap();
    assert!(again.issue_workload(&orders(), HOUR).is_ok());
    assert!(matches!(again.renew_intermediate(), Err(IssueError::NoRootKey)));
    assert!(again.parts().root_key.is_none());
}

#[test]
fn a_life_is_between_a_second_and_a_day_and_ends_with_the_intermediate() {
    let House { authority, clock, .. } = house(settings());
    let second = Duration::from_secs(1);
    for (life, want) in
        [(second, true), (DAY, true), (Duration::ZERO, false), (DAY + second, false)]
    {
        assert_eq!(authority.issue_workload(&orders(), life).is_ok(), want, "{life:?}");
    }
    clock.advance(HOUR * (90 * 24 - 1));
    let last = authority.issue_workload(&orders(), DAY).unwrap();
    assert_eq!(last.not_after(), NOW.plus(DAY * 90));
    clock.advance(HOUR);
    let late = authority.issue_workload(&orders(), HOUR);
    assert!(matches!(late, Err(IssueError::Expired { .. })));
}

#[test]
fn a_clock_before_the_authority_was_made_issues_nothing() {
    let parts = house(settings()).authority.parts();
    let House { entropy, .. } = house(settings());
    let clock = Arc::new(ringwall_base::ManualClock::at(NOW.minus(DAY)));
    let early = Authority::load(&parts, settings(), clock, entropy).unwrap();
    let refused = early.issue_server(&["shop.localhost"]);
    assert!(matches!(refused, Err(IssueError::Expired { .. })));
}

#[test]
fn workloads_of_another_house_and_bad_names_are_refused() {
    let House { authority, .. } = house(settings());
    let other = SpiffeId::parse("spiffe://bank/service/orders").unwrap();
    let refused = authority.issue_workload(&other, HOUR);
    assert!(matches!(refused, Err(IssueError::TrustDomain { .. })));
    let none: [&str; 0] = [];
    assert!(matches!(authority.issue_server(&none), Err(IssueError::NameCount { count: 0 })));
    assert!(authority.issue_server(&["a.localhost"; 100]).is_ok());
    assert!(matches!(
        authority.issue_server(&["a.localhost"; 101]),
        Err(IssueError::NameCount { count: 101 })
    ));
    assert!(matches!(authority.issue_server(&["Shop"]), Err(IssueError::Host(_))));
    let House { clock, entropy, .. } = house(settings());
    let bad = Authority::create(Settings::new("My Shop"), clock, entropy);
    assert!(matches!(bad, Err(CreateError::TrustDomain(_))));
}

#[test]
fn serial_numbers_do_not_repeat_and_are_positive() {
    let House { authority, .. } = house(settings());
    let serials: BTreeSet<Vec<u8>> = (0..50)
        .map(|_| authority.issue_workload(&orders(), HOUR).unwrap().serial().to_vec())
        .collect();
    assert_eq!(serials.len(), 50);
    assert!(serials.iter().all(|serial| serial.len() == 17 && serial.first() == Some(&1)));
}

#[test]
fn nothing_prints_a_key() {
    let House { authority, .. } = house(settings());
    let leaf = authority.issue_workload(&orders(), HOUR).unwrap();
    let text = format!("{:?} {:?} {leaf:?}", authority, authority.parts());
    assert!(text.contains("Secret(…)") && !text.contains("BEGIN"));
    let key = format!("{:?}", leaf.key().expose());
    assert!(!text.contains(&key));
}
