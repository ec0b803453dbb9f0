use std::sync::Arc;

use super::*;
use crate::{Ask, Load, Member, Settings};

const NOW: Duration = Duration::from_secs(100);

fn group(count: u64) -> Group {
    let member = |key| Member { state: Arc::new(State::new(key, None)), weight: 1, rank: 0 };
    Group::new((0..count).map(member).collect(), Settings::default(), Arc::new(Load::default()))
}

fn fail(group: &Group, index: usize, times: u32, now: Duration) -> bool {
    (0..times).any(|_| group.report(index, Outcome::Failure, now))
}

fn is_in(group: &Group, index: usize, now: Duration) -> bool {
    group.state(index).unwrap().is_available(now)
}

#[test]
fn the_fifth_failure_in_a_row_ejects_and_a_success_starts_the_count_again() {
    let four = group(4);
    assert!(!fail(&four, 0, 4, NOW));
    four.report(0, Outcome::Success, NOW);
    assert!(!fail(&four, 0, 4, NOW));
    assert!(fail(&four, 0, 1, NOW));
    assert!(!is_in(&four, 0, NOW + Duration::from_millis(9_999)));
    assert!(is_in(&four, 0, NOW + Duration::from_secs(10)));
    assert_eq!(four.state(0).unwrap().tally().failures, 9);
}

#[test]
fn after_its_time_one_request_finds_out_and_the_next_stay_is_longer() {
    let four = group(4);
    fail(&four, 0, 5, NOW);
    let later = NOW + Duration::from_secs(10);
    let busy = four.state(0).unwrap().enter();
    assert!(!is_in(&four, 0, later));
    drop(busy);
    assert!(fail(&four, 0, 1, later));
    assert!(!is_in(&four, 0, later + Duration::from_millis(19_999)));
    let well = later + Duration::from_secs(20);
    four.report(0, Outcome::Success, well);
    let _busy = four.state(0).unwrap().enter();
    assert!(is_in(&four, 0, well));
}

#[test]
fn an_old_answer_does_not_end_an_ejection() {
    let four = group(4);
    fail(&four, 0, 5, NOW);
    four.report(0, Outcome::Success, NOW + Duration::from_secs(1));
    assert!(!is_in(&four, 0, NOW + Duration::from_secs(2)));
}

#[test]
fn clients_that_cause_failures_can_eject_half_and_no_more() {
    for (count, most) in [(1, 0), (2, 1), (3, 1), (4, 2), (10, 5)] {
        let some = group(count);
        let out = (0..some.len()).filter(|index| fail(&some, *index, 50, NOW));
        assert_eq!(out.count(), most, "of {count}");
    }
}

#[test]
fn unreachable_members_are_out_at_once_whatever_their_share() {
    let three = group(3);
    for index in 0..3 {
        assert!(three.report(index, Outcome::Unreachable, NOW));
        assert!(!is_in(&three, index, NOW));
    }
    assert!(three.pick(&Ask { now: NOW, ..Ask::default() }).is_some());
    assert!(is_in(&three, 0, NOW + Duration::from_secs(1)));
    let alone = group(1);
    assert!(!alone.report(0, Outcome::Unreachable, NOW));
}

#[test]
fn a_member_that_fails_now_and_then_is_found_when_the_others_do_not() {
    let four = group(4);
    let round = |failing: usize| {
        for (request, index) in
            (0..200).flat_map(|request| (0..4).map(move |index| (request, index)))
        {
            let is_bad = index == failing && request % 4 == 0;
            four.report(index, if is_bad { Outcome::Failure } else { Outcome::Success }, NOW);
        }
    };
    four.judge_if_due(micros(NOW));
    round(2);
    assert!(is_in(&four, 2, NOW));
    four.judge_if_due(micros(NOW + Duration::from_secs(10)));
    let now = NOW + Duration::from_secs(11);
    assert_eq!([0, 1, 2, 3].map(|index| is_in(&four, index, now)), [true, true, false, true]);
}
