//! The smallest program that can be a shim; the integration tests start their cells with it.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(2).collect();
    ringwall_cell::shim_main(&arguments)
}
