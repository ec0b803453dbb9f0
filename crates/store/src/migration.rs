//! Brings the tables forward, one numbered step at a time, and never back.

use std::collections::BTreeMap;

use ringwall_base::Timestamp;
use rusqlite::Connection;

use crate::{OpenError, Row, StoreError, Transaction, Value, View};

/// One step of an area's tables. Once released, its text never changes.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Whose tables: the package's name. Areas are independent of each other.
    pub area: &'static str,
    /// From one, without gaps.
    pub version: u32,
    /// Statements, in the shared subset.
    pub sql: &'static str,
}

/// The text of each step that was applied, by area and version.
type Applied = BTreeMap<(String, u32), String>;

/// Applies what is missing. Each step and its record are one transaction, so that a crash leaves
/// the step done or not begun.
pub(crate) fn migrate(
    connection: &mut Connection,
    now: Timestamp,
    migrations: &[Migration],
) -> Result<(), OpenError> {
    let known = last_versions(migrations)?;
    connection.execute_batch(LEDGER).map_err(StoreError::from)?;
    let applied = applied(connection)?;
    for (area, version) in applied.keys() {
        let last = known.get(area.as_str()).copied().unwrap_or(0);
        if *version > last {
            let (area, found) = (area.clone(), *version);
            return Err(OpenError::Newer { area, found, known: last });
        }
    }
    for migration in migrations {
        let Migration { area, version, sql } = *migration;
        match applied.get(&(area.to_owned(), version)) {
            Some(text) if text == sql => {}
            Some(_) => return Err(OpenError::Changed { area: area.to_owned(), version }),
            None => apply(connection, now, migration).map_err(|source| OpenError::Migration {
                area: area.to_owned(),
                version,
                source,
            })?,
        }
    }
    Ok(())
}

fn last_versions(migrations: &[Migration]) -> Result<BTreeMap<&'static str, u32>, OpenError> {
    let mut last = BTreeMap::new();
    for Migration { area, version, .. } in migrations {
        let before = last.insert(*area, *version).unwrap_or(0);
        if before.checked_add(1) != Some(*version) {
            return Err(OpenError::Order { area: (*area).to_owned(), version: *version });
        }
    }
    Ok(last)
}

fn applied(connection: &Connection) -> Result<Applied, StoreError> {
    let read = |row: Row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    let rows = View::new(connection)
        .query("SELECT area, version, statements FROM store_migration", &[])?;
    rows.into_iter().map(read).collect()
}

fn apply(
    connection: &mut Connection,
    now: Timestamp,
    migration: &Migration,
) -> Result<(), StoreError> {
    let open = connection.transaction()?;
    open.execute_batch(migration.sql)?;
    let record: [Value; 4] =
        [migration.area.into(), migration.version.into(), migration.sql.into(), now.into()];
    Transaction::new(&open).execute(
        "INSERT INTO store_migration (area, version, statements, applied) VALUES (?1, ?2, ?3, ?4)",
        &record,
    )?;
    Ok(open.commit()?)
}

/// The whole text is kept in the place of a checksum: it cannot collide, and it shows an operator
/// what made the tables.
const LEDGER: &str = "CREATE TABLE IF NOT EXISTS store_migration (
    area TEXT NOT NULL,
    version BIGINT NOT NULL,
    statements TEXT NOT NULL,
    applied BIGINT NOT NULL,
    PRIMARY KEY (area, version)
)";
