//! The tables. Every row names its tenant; nothing secret is in clear.
//!
//! What belongs to a person and is found by them is under the person's tenant: account, password,
//! roles, addresses, authenticators, recovery codes, consents. What is found before its person is
//! known (a session by its cookie; codes, refresh families, device codes, login steps, links, passkeys,
//! and what is told of sessions) is under [`INSTANCE`], so that it is found by its primary key however
//! many tenants there are, and says whose it is in `user_tenant`. The rest (clients, keys, revocations,
//! pushed requests, letters) is the instance's own. [`Whose`] writes and reads the columns: nobody has
//! a subject without its tenant.

use ringwall_base::{Person, Tenant};
use ringwall_store::{Migration, Row, StoreError, Value};

/// The tenant of what belongs to no person, or is found before its person is known.
pub(crate) const INSTANCE: &str = Tenant::DEFAULT;

/// Whose a row is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Whose {
    pub(crate) tenant: Tenant,
    pub(crate) subject: String,
}

impl Whose {
    pub(crate) fn of(person: &Person) -> Self {
        Self { tenant: person.organisation.clone(), subject: person.subject.clone() }
    }

    /// Reads tenant and subject, from two columns that follow each other.
    pub(crate) fn read(row: &Row, index: usize) -> Result<Self, StoreError> {
        Ok(Self { tenant: row.get(index)?, subject: row.get(index.saturating_add(1))? })
    }

    /// For the tables of people: tenant, subject, and more.
    pub(crate) fn and<const N: usize>(&self, more: [Value; N]) -> Vec<Value> {
        let mut values = vec![(&self.tenant).into(), (&self.subject).into()];
        values.extend(more);
        values
    }

    /// For the tables of the instance: its tenant, the person's, subject, and more.
    pub(crate) fn in_instance<const N: usize>(&self, more: [Value; N]) -> Vec<Value> {
        let mut values = vec![INSTANCE.into(), (&self.tenant).into(), (&self.subject).into()];
        values.extend(more);
        values
    }
}

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
    Migration {
        area: "identity-organisation",
        version: 1,
        sql: include_str!("tables/organisation_0001.sql"),
    },
    Migration {
        area: "identity-organisation",
        version: 2,
        sql: include_str!("tables/organisation_0002.sql"),
    },
    Migration {
        area: "identity-revocation",
        version: 1,
        sql: include_str!("tables/revocation_0001.sql"),
    },
    Migration {
        area: "identity-revocation",
        version: 2,
        sql: include_str!("tables/revocation_0002.sql"),
    },
    Migration {
        area: "identity-assertion",
        version: 1,
        sql: include_str!("tables/assertion_0001.sql"),
    },
    Migration {
        area: "identity-registration",
        version: 1,
        sql: include_str!("tables/registration_0001.sql"),
    },
    Migration {
        area: "identity-upstream",
        version: 1,
        sql: include_str!("tables/upstream_0001.sql"),
    },
    Migration {
        area: "identity-registration",
        version: 2,
        sql: include_str!("tables/registration_0002.sql"),
    },
    Migration { area: "identity-device", version: 1, sql: include_str!("tables/device_0001.sql") },
    Migration {
        area: "identity-upstream",
        version: 2,
        sql: include_str!("tables/upstream_0002.sql"),
    },
];

#[cfg(test)]
mod tests;
