//! Ringwall: one binary and one file secure a fleet of services.
//!
//! Read this file first, then `crates/gateway/src/pipeline.rs`, then any file beside it in `stage/`.
//! One `match` on the command; each command is one file in `command/`.

mod cli;
mod exit;
mod out;
mod render;
mod load;
mod rules;
mod requests;
mod lessons;
mod tree;
mod paths;
mod control;
mod prompt;
mod command;
mod wire;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::out::Out;

/// Many small blocks of short life, made and freed on one thread: what a request needs
/// (docs/adr/0024-mimalloc-and-thin-lto.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == ringwall_cell::SHIM_COMMAND
    {
        // Before any thread: only a single-threaded process may enter a user namespace.
        return ringwall_cell::shim_main(rest);
    }
    let cli = Cli::parse();
    let mut out = Out::new(cli.output.format(), cli.output.uses_color());
    let exit = run(&cli, &mut out).unwrap_or_else(|error| {
        out.problem("RW4000", &format!("{error:#}"), None);
        Exit::Failed
    });
    exit.code()
}

fn run(cli: &Cli, out: &mut Out) -> anyhow::Result<Exit> {
    let place =
        paths::Place::find(cli.manifest.as_deref(), cli.state.as_deref(), cli.env.as_deref());
    match &cli.command {
        Command::Audit(args) => command::audit::run(args, &place, out),
        Command::Check => command::check::run(&place, out),
        Command::Certificate(args) => command::certificate::run(args, &place, out),
        Command::Client(args) => command::client::run(args, &place, out),
        Command::Completion(args) => command::completion::run(args, out),
        Command::Dev(args) => command::dev::run(args, &place, out),
        Command::Doctor => command::doctor::run(&place, out),
        Command::Explain(args) => command::explain::run(args, out),
        Command::Learn(args) => command::learn::run(args, &place, out),
        Command::Export(args) => command::export::run(args, &place, out),
        Command::Fmt(args) => command::fmt::run(args, &place, out),
        Command::Init(args) => command::init::run(args, out),
        Command::Key(args) => command::key::run(args, &place, out),
        Command::Organisation(args) => command::organisation::run(args, &place, out),
        Command::Plan(args) => command::plan::run(args, &place, out),
        Command::Reference(args) => command::reference::run(args, out),
        Command::Role(args) => command::role::run(args, &place, out),
        Command::Run(args) => command::run::run(args, &place, out),
        Command::Secret(args) => command::secret::run(args, &place, out),
        Command::Serve(args) => command::serve::run(args, &place, out),
        Command::Show(args) => command::show::run(args, &place, out),
        Command::Status => command::status::run(&place, out),
        Command::Tap(args) => command::tap::run(args, &place, out),
        Command::Token(args) => command::token::run(args, &place, out),
        Command::Top(args) => command::top::run(args, &place, out),
        Command::Upgrade => command::upgrade::run(&place, out),
        Command::User(args) => command::user::run(args, &place, out),
        Command::Waf(args) => command::waf::run(args, &place, out),
        Command::Why(args) => command::why::run(args, &place, out),
    }
}
