//! `ringwall why WHO OPERATION` and `ringwall why REQUEST-ID`.

use anyhow::Result;
use ringwall_api::{Reply, Request};
use ringwall_base::RequestId;
use ringwall_manifest::why;

use crate::control;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;

/// A pair, or a request.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  ringwall why support users.getUser\n  ringwall why r-0123456789"
)]
pub(crate) struct Args {
    /// A role, `anyone` or a service; or a request id
    who: String,
    /// An operation, as in users.getUser
    operation: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    match &args.operation {
        Some(operation) => pair(&args.who, operation, place, out),
        None if RequestId::parse(&args.who).is_some() => request(&args.who, place, out),
        None => {
            let help = "give who and operation (`ringwall why anyone users.getUser`), or a request id (`r-…`, from the answer)";
            out.problem("RW4005", &format!("`{}` is no request id", args.who), Some(help));
            Ok(Exit::Failed)
        }
    }
}

fn pair(who: &str, operation: &str, place: &Place, out: &mut Out) -> Result<Exit> {
    let loaded = Loaded::read(place)?;
    let model = match loaded.model(out)? {
        Ok(model) => model,
        Err(exit) => return Ok(exit),
    };
    match why(model, who, operation) {
        Ok(explanation) => {
            if out.format() == Format::Json {
                out.json(&explanation.to_json())?;
            } else {
                out.data(&explanation.to_text())?;
            }
            Ok(Exit::Ok)
        }
        Err(error) => {
            out.problem("RW4005", &error.to_string(), None);
            Ok(Exit::Failed)
        }
    }
}

fn request(id: &str, place: &Place, out: &mut Out) -> Result<Exit> {
    let reply = control::ask(&Request::Why { request: id.to_owned() }, place)?;
    match reply {
        Reply::Values { values } if out.format() != Format::Json => {
            for value in values {
                if let Some(text) = value.get("text").and_then(serde_json::Value::as_str) {
                    out.data(text)?;
                }
            }
            Ok(Exit::Ok)
        }
        other => control::print(other, out),
    }
}
