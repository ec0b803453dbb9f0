//! `ringwall export`: the manifest in another form.

use anyhow::Result;
use ringwall_manifest::schema;

use crate::exit::Exit;
use crate::out::Out;
use crate::paths::Place;

/// Which form.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Which form
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// JSON Schema of ringwall.toml, for completion in editors
    Schema,
}

/// Runs the command.
pub(crate) fn run(args: &Args, _place: &Place, out: &mut Out) -> Result<Exit> {
    match args.what {
        What::Schema => out.json(&schema())?,
    }
    Ok(Exit::Ok)
}
