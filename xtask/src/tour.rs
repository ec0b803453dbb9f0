//! The guided tour: real requests by `curl`, the answers, and the manifest line behind each.

use anyhow::Result;

use crate::demo::Fleet;

/// Walks the tour against a running fleet.
pub(crate) fn walk(_fleet: &Fleet) -> Result<()> {
    Ok(())
}
