//! The tables. Every row names its tenant; nothing secret is in clear.

use ringwall_store::Migration;

/// The one tenant of this version.
pub(crate) const TENANT: &str = "default";

/// The steps, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration { area: "identity", version: 1, sql: include_str!("tables/0001.sql") },
    Migration { area: "identity", version: 2, sql: include_str!("tables/refresh.sql") },
    Migration { area: "identity", version: 3, sql: include_str!("tables/dpop.sql") },
    Migration { area: "identity", version: 4, sql: include_str!("tables/par.sql") },
    Migration { area: "identity", version: 5, sql: include_str!("tables/device.sql") },
    Migration { area: "identity-people", version: 1, sql: include_str!("tables/people_0001.sql") },
    Migration {
        area: "identity-refresh",
        version: 1,
        sql: include_str!("tables/refresh_0001.sql"),
    },
    Migration { area: "identity-opaque", version: 1, sql: include_str!("tables/opaque_0001.sql") },
    Migration { area: "identity-opaque", version: 2, sql: include_str!("tables/opaque_0002.sql") },
    Migration { area: "identity-passkeys", version: 1, sql: include_str!("tables/passkeys.sql") },
    Migration {
        area: "identity-consent",
        version: 1,
        sql: include_str!("tables/consent_0001.sql"),
    },
    Migration { area: "identity-logout", version: 1, sql: include_str!("tables/logout_0001.sql") },
    Migration { area: "identity-mail", version: 1, sql: include_str!("tables/mail_0001.sql") },
];

#[cfg(test)]
mod tests;
