//! `ringwall upgrade`: the program on disk takes over from the one that runs.

use anyhow::Result;
use ringwall_api::Request;

use crate::control;
use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// Runs the command.
pub(crate) fn run(place: &Place, out: &mut Out) -> Result<Exit> {
    if let Some(reply) = control::over_socket(&Request::Upgrade, place)? {
        return control::print(reply, out);
    }
    let help = "start one with `ringwall serve`, or name its --state folder";
    out.problem("RW4002", "no server runs here", Some(help));
    Ok(Exit::Unreachable)
}
