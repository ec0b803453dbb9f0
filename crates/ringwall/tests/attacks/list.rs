//! The attack list, whole, and the proof that nothing of it is forgotten.

use crate::suite::Attack;

/// Groups, and how many items each has.
const LIST: &[(&str, usize)] = &[
    ("J", 22),
    ("C", 13),
    ("A", 15),
    ("T", 9),
    ("D", 8),
    ("X", 5),
    ("V", 5),
    ("U", 11),
    ("L", 4),
    ("M", 6),
    ("K", 4),
    ("Q", 5),
];

/// All rows that there are.
const ROWS: &[&[Attack]] = &[
    crate::jose::ROWS,
    crate::client_auth::ROWS,
    crate::authorization::ROWS,
    crate::token::ROWS,
    crate::sender::ROWS,
    crate::exchange::ROWS,
    crate::device::ROWS,
    crate::users::ROWS,
    crate::users::COUNTED,
    crate::links::ROWS,
    crate::upstream::ROWS,
    crate::upstream::FETCHES,
    crate::passkey::ROWS,
    crate::logout::ROWS,
    crate::told::ROWS,
    crate::keys::ROWS,
    crate::emergency::ROWS,
    crate::operator::ROWS,
    crate::admin::ROWS,
    crate::registration::ROWS,
];

/// What has no row, and why.
const ABSENT: &[(&str, &str)] = &[("M5", "no accounts, clients or policies are imported")];

#[test]
fn every_attack_of_the_list_is_made_or_said_to_be_absent() {
    let all =
        LIST.iter().flat_map(|(group, count)| (1..=*count).map(move |at| format!("{group}{at}")));
    let all: Vec<String> = all.collect();
    let made: Vec<&str> = ROWS.iter().flat_map(|rows| rows.iter().map(|row| row.id)).collect();
    let absent: Vec<&str> = ABSENT.iter().map(|(id, _)| *id).collect();
    for id in &all {
        let (is_made, is_absent) = (made.contains(&id.as_str()), absent.contains(&id.as_str()));
        assert!(is_made != is_absent, "{id}: made {is_made}, absent {is_absent}");
    }
    for id in made.iter().chain(&absent) {
        assert!(all.iter().any(|other| other == id), "{id} is not in the list");
    }
    assert!(ABSENT.iter().all(|(_, why)| why.len() > 20), "each absence has its reason");
}
