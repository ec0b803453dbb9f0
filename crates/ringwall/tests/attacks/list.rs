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
    crate::logout::ROWS,
    crate::keys::ROWS,
    crate::operator::ROWS,
];

/// What has no row, and why.
const ABSENT: &[(&str, &str)] = &[
    ("C11", "no client names an address of keys: also those of other platforms come as a file"),
    ("U1", "no row reads a letter yet; identity has its own in tests/it/mail.rs"),
    ("U2", "no row reads a letter yet; identity has its own in tests/it/mail.rs"),
    ("U3", "people do not register, and no account is linked to another issuer's"),
    ("U4", "nobody signs in at another issuer"),
    (
        "U8",
        "no row drives an authenticator through the program yet; crates/webauthn and identity have their own attacks",
    ),
    ("L3", "no row listens for a logout token yet; mod_auth_openidc does, in it/foreign.rs"),
    (
        "M1",
        "there is one tenant; no row asks the admin API yet, identity does in tests/it/admin.rs",
    ),
    ("M2", "no row asks the admin API yet, identity does in tests/it/admin.rs"),
    ("M3", "no row asks the admin API yet, identity does in tests/it/admin.rs"),
    ("M4", "no row asks the admin API yet, identity does in tests/it/management.rs"),
    ("M5", "no accounts, clients or policies are imported"),
    ("K2", "no keys are fetched from anywhere: those of other issuers come as a file"),
    ("K4", "`ringwall key revoke` has no row here yet"),
];

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
