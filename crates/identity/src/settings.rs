//! What the operator decides.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::password::{Blocklist, PASSWORD_CHARS_MIN};
use crate::throttle;

/// How identity works.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The issuer URL, which is also the gateway's origin: `https://shop.example`, no slash.
    pub issuer: String,
    /// Path of the login page.
    pub login_path: String,
    /// Path that ends a session.
    pub logout_path: String,
    /// Path of a person's own page.
    pub account_path: String,
    /// Characters that a password has at least while it is the account's only factor.
    pub password_min: usize,
    /// Passwords that are not taken, besides the common ones.
    pub blocklist: Blocklist,
    /// Life of a person's access token. A program's is twice as long.
    pub access_life: Duration,
    /// A session that is not used for this long ends.
    pub session_idle: Duration,
    /// A session ends after this long, used or not.
    pub session_life: Duration,
    /// A refresh token that is not used for this long ends.
    pub refresh_idle: Duration,
    /// All refresh tokens of one grant end after this long, used or not.
    pub refresh_life: Duration,
    /// How long a rotated refresh token gives its successor again: the answer may have been lost.
    pub refresh_grace: Duration,
    /// A key is in the key set this long before it signs, so that every verifier has it.
    pub key_publish: Duration,
    /// A key signs this long.
    pub key_life: Duration,
    /// Passwords that are hashed at the same time: 19 MiB and 34 ms of one core each.
    pub hashes_max: usize,
    /// How long a login waits for its turn.
    pub hash_wait: Duration,
    /// How soon guessing passwords gets slow.
    pub throttle: throttle::Settings,
    /// Roles that count only after two factors, at the start; [`crate::Identity::elevate`] later.
    pub elevated: BTreeSet<String>,
    /// Sessions that are held at most; the one unused for longest makes room.
    pub sessions_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: "https://localhost:8443".to_owned(),
            login_path: "/login".to_owned(),
            logout_path: "/logout".to_owned(),
            account_path: "/account".to_owned(),
            password_min: PASSWORD_CHARS_MIN,
            blocklist: Blocklist::default(),
            access_life: Duration::from_mins(5),
            session_idle: Duration::from_mins(30),
            session_life: Duration::from_hours(12),
            refresh_idle: Duration::from_hours(24 * 7),
            refresh_life: Duration::from_hours(24 * 30),
            refresh_grace: Duration::from_secs(30),
            key_publish: Duration::from_hours(24),
            key_life: Duration::from_hours(24 * 60),
            hashes_max: 2,
            hash_wait: Duration::from_secs(2),
            throttle: throttle::Settings::default(),
            elevated: BTreeSet::new(),
            sessions_max: 200_000,
        }
    }
}
