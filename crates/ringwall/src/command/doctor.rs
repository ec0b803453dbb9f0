//! `ringwall doctor`: what could stand in the way, each with its fix.

use anyhow::{Result, bail};

use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// Runs the command.
pub(crate) fn run(place: &Place, _out: &mut Out) -> Result<Exit> {
    bail!("not yet: {}", place.manifest.display())
}
