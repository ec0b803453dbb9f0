//! Removing what has expired, in steps between which others write.

use ringwall_base::Timestamp;
use ringwall_store::{Store, StoreError};

use crate::tables::INSTANCE;

/// Removes rows with one statement again and again. It takes the tenant, the time before which a row
/// has expired, and how many to remove at most.
pub(crate) fn in_steps(
    store: &Store,
    sql: &'static str,
    before: Timestamp,
) -> Result<(), StoreError> {
    for _ in 0..STEPS_MAX {
        let removed = store.write(move |transaction| {
            transaction.execute(sql, &[INSTANCE.into(), before.into(), STEP.into()])
        })?;
        if removed < ROWS {
            break;
        }
    }
    Ok(())
}

/// About ten milliseconds of the one writer.
const STEP: i64 = 1_000;
const ROWS: usize = 1_000;
/// The rest is for the next time: whatever else is done is not kept waiting.
const STEPS_MAX: usize = 15;
