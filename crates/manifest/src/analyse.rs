//! What follows from the resolved manifest: shared paths, promises, waste, what is not enforced.

mod paths;

use crate::resolve::Checker;

/// Runs every analysis. Each adds its findings.
pub(crate) fn run(checker: &mut Checker<'_>) {
    paths::run(checker);
}
