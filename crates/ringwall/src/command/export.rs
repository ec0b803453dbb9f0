//! `ringwall export`: the manifest in another form.

mod gateway_api;
mod systemd;

use anyhow::Result;
use ringwall_manifest::{Model, schema};

use crate::exit::Exit;
use crate::load::Loaded;
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
    /// Hardened systemd units: the service, and the sockets that outlive its restarts
    Systemd,
    /// Kubernetes Gateway API: a Gateway and its routes, as a List in JSON
    GatewayApi,
}

/// Writes one form.
type Print = fn(&Model, &Place, &mut Out) -> Result<()>;

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let print: Print = match args.what {
        What::Schema => {
            out.json(&schema())?;
            return Ok(Exit::Ok);
        }
        What::Systemd => |model, place, out| Ok(out.data(&systemd::units(model, place)?)?),
        What::GatewayApi => |model, _, out| {
            for left in gateway_api::left_out(model) {
                out.talk(&format!("‼ not in the Gateway API: {left}"));
            }
            Ok(out.json(&gateway_api::list(model))?)
        },
    };
    let loaded = Loaded::read(place)?;
    match loaded.model(out)? {
        Ok(model) => print(model, place, out)?,
        Err(exit) => return Ok(exit),
    }
    Ok(Exit::Ok)
}
