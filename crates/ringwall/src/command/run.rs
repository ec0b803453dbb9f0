//! `ringwall run SERVICE -- CMD`: a process with the secrets of a service, and nothing else of the
//! operator's environment.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Result, bail};
use ringwall_api::{Hidden, Problem, Reply, Request};
use ringwall_manifest::{Model, Service};

use crate::control;
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::Out;
use crate::paths::Place;
use crate::wire;

/// What to run.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  ringwall run orders -- flask db upgrade")]
pub(crate) struct Args {
    /// Service whose secrets it gets
    service: String,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Runs the command.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let loaded = Loaded::read(place)?;
    let model = match loaded.model(out)? {
        Ok(model) => model,
        Err(exit) => return Ok(exit),
    };
    let Some(service) = model.services.get(&args.service) else {
        let message = format!("no service `{}` in {}", args.service, place.manifest.display());
        out.problem("RW1004", &message, Some(&near(model, &args.service)));
        return Ok(Exit::Failed);
    };
    let secrets = match secrets(service, place)? {
        Ok(secrets) => secrets,
        Err(problem) => {
            out.problem(&problem.code, &problem.message, problem.help.as_deref());
            return Ok(Exit::Failed);
        }
    };
    let Some((program, arguments)) = args.command.split_first() else { bail!("nothing to run") };
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.envs(std::env::vars().filter(|(name, _)| wire::is_passed(name)));
    command.envs(&service.env);
    command.env("RINGWALL_SERVICE", &service.name).env("RINGWALL_NAME", &model.name);
    for (variable, value) in &secrets {
        command.env(variable, value.expose());
    }
    if !secrets.is_empty() {
        // As for a started service: the SDK finds a secret by its name.
        let pairs = service.secrets.iter().map(|(variable, name)| format!("{name}={variable}"));
        command.env("RINGWALL_SECRETS", pairs.collect::<Vec<_>>().join(" "));
    }
    // The process becomes the program: signals and the exit code need no passing on.
    let error = command.exec();
    let help = "the name is looked up in PATH; a path needs a `/`";
    out.problem("RW4005", &format!("cannot start `{}`: {error}", program.display()), Some(help));
    // As a shell says it: 127 is not found, 126 is found and not started.
    Ok(Exit::Child(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }))
}

type Values = Vec<(String, Hidden)>;

/// The declared secrets, from the running server or from the store itself.
fn secrets(service: &Service, place: &Place) -> Result<std::result::Result<Values, Problem>> {
    let mut values = Values::new();
    for (variable, name) in &service.secrets {
        let request = Request::SecretGet { name: name.clone(), version: None };
        match control::ask(&request, place)? {
            Reply::Secret { value, .. } => values.push((variable.clone(), value)),
            Reply::Failed(problem) => {
                return Ok(Err(Problem {
                    message: format!(
                        "`{}` cannot be started without the secret `{name}`: {}",
                        service.name, problem.message
                    ),
                    help: Some(format!("`ringwall secret set {name}` gives it a value")),
                    ..problem
                }));
            }
            Reply::Done { .. }
            | Reply::Rows { .. }
            | Reply::Status(_)
            | Reply::Tap(_)
            | Reply::Values { .. } => {
                bail!("the server's answer is not understood; is it another version?")
            }
        }
    }
    Ok(Ok(values))
}

fn near(model: &Model, wanted: &str) -> String {
    let names: Vec<&str> = model.services.keys().map(String::as_str).collect();
    match similar::get_close_matches(wanted, &names, 1, 0.6).first() {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.is_empty() => "it has no service".to_owned(),
        None => format!("there are {}", names.join(", ")),
    }
}
