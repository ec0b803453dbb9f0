//! What follows from the resolved manifest: shared paths, promises, waste, what is not enforced.

pub(crate) mod paths;
pub(crate) mod promises;
mod names;
mod waste;
pub(crate) mod not_yet;

use crate::resolve::Checker;

/// Runs every analysis. Each adds its findings.
pub(crate) fn run(checker: &mut Checker<'_>) {
    paths::run(checker);
    // Broken names would make broken promises and unused things: first things first.
    if checker.findings.is_invalid() {
        return;
    }
    promises::run(checker);
    names::run(checker);
    waste::run(checker);
    not_yet::run(checker);
}
