//! `ringwall __cell`: runs inside a service's namespaces, started by `dev` and `run` only.

use anyhow::Result;

use crate::exit::Exit;

/// Runs the command.
pub(crate) fn run() -> Result<Exit> {
    let code = ringwall_cell::shim_main()?;
    Ok(Exit::Child(code))
}
