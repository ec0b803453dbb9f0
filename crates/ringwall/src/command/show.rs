//! `ringwall show`: the manifest as a matrix, a graph, or lists.

use anyhow::Result;
use ringwall_manifest::{Graph, Matrix, View, data, routes, secrets, surface};

use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;

/// What to show.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// What to show
    #[arg(value_enum)]
    what: What,
    /// The graph as DOT
    #[arg(long, conflicts_with = "svg")]
    dot: bool,
    /// The graph as SVG
    #[arg(long)]
    svg: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Which data class goes where
    Data,
    /// Who talks to whom
    Graph,
    /// Callers by operations
    Matrix,
    /// All operations with method and path
    Routes,
    /// Secrets and their readers
    Secrets,
    /// What people can reach
    Surface,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let loaded = Loaded::read(place)?;
    let model = match loaded.model(out)? {
        Ok(model) => model,
        Err(exit) => return Ok(exit),
    };
    let view = match args.what {
        What::Graph => {
            let graph = Graph::of(model);
            match (out.format(), args.dot, args.svg) {
                (Format::Json, ..) => out.json(&graph.to_json())?,
                (_, true, _) => out.data(&graph.to_dot())?,
                (_, _, true) => out.data(&graph.to_svg())?,
                _ => out.data(&graph.to_text())?,
            }
            return Ok(Exit::Ok);
        }
        What::Data => data(model),
        What::Matrix => Matrix::of(model).view(),
        What::Routes => routes(model),
        What::Secrets => secrets(model),
        What::Surface => surface(model),
    };
    print(&view, out)?;
    Ok(Exit::Ok)
}

fn print(view: &View, out: &mut Out) -> std::io::Result<()> {
    if out.format() == Format::Json { out.json(&view.json) } else { out.data(&view.to_text()) }
}
