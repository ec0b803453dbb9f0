//! `ringwall serve`: the same engine for production. It starts no services.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;
use crate::wire::{self, Options, Role};

/// How to run.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
The vault opens with RINGWALL_ROOT_KEY, with the systemd credential `root-key`, or with root.key in
the state folder. SIGHUP reads the manifest again, SIGTERM drains.")]
pub(crate) struct Args {
    /// Another address than 0.0.0.0 and the manifest's port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    workers: usize,
    /// Certificate chain of the public door (PEM) [default: the local authority]
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// HTTP without TLS: only behind something that terminates TLS on this machine
    #[arg(long)]
    danger_plain_http: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let options = Options {
        role: Role::Serve,
        workers: args.workers,
        listen: args.listen,
        certificate: args.certificate.clone().zip(args.key.clone()),
        danger_plain_http: args.danger_plain_http,
        is_open: false,
        program: std::env::current_exe()?,
    };
    wire::serve(&options, place, out)
}
