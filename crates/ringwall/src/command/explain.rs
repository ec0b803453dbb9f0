//! `ringwall explain CODE`.

use anyhow::Result;
use ringwall_manifest::{codes, page};

use crate::exit::Exit;
use crate::out::{Format, Out};

/// Which code.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Such as RW1004
    code: String,
}

/// Runs the command.
pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit> {
    let wanted = args.code.to_ascii_uppercase();
    let found = codes().find(|known| known.code == wanted);
    let Some(found) = found else {
        let near = codes().filter(|known| known.code.get(..4) == wanted.get(..4));
        let near: Vec<&str> = near.map(|known| known.code).collect();
        let help = if near.is_empty() {
            "codes look like RW1004".to_owned()
        } else {
            format!("there are {}", near.join(", "))
        };
        out.problem("RW4004", &format!("no code `{}`", args.code), Some(&help));
        return Ok(Exit::Failed);
    };
    let text = page(found.code).unwrap_or(found.title);
    if out.format() == Format::Json {
        out.json(&serde_json::json!({ "code": found.code, "title": found.title, "page": text }))?;
    } else {
        out.data(text)?;
    }
    Ok(Exit::Ok)
}
