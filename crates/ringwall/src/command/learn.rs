//! `ringwall learn`: an `OpenAPI` document of a service, from requests that were observed.

mod told;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ringwall_base::Contract;
use ringwall_manifest::{Model, Service};
use ringwall_openapi::{Document, Exchange, Lens, Lessons, Needed, operation_of};
use serde_json::json;

use crate::exit::Exit;
use crate::lessons;
use crate::load::{Loaded, read_text};
use crate::out::{Format, Out};
use crate::paths::Place;
use crate::requests::{self, Request};

/// Of which service, from what.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  ringwall learn shop --from browser.har --out shop/openapi.yaml
  ringwall learn shop                        from what the running server observed (`learn = true`)
  ringwall learn shop --diff shop/openapi.yaml")]
pub(crate) struct Args {
    /// The service; may be left out when there is one only
    service: Option<String>,
    /// Requests that are believed: a HAR file of a browser, JSON lines, or HTTP requests as they
    /// are sent [default: what the running server observed]
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Write the document to a new file; with the ending .json as JSON
    #[arg(long, value_name = "FILE", conflicts_with = "diff")]
    out: Option<PathBuf>,
    /// Tell what was seen and this document does not declare, and what it declares and was never
    /// seen
    #[arg(long, value_name = "FILE")]
    diff: Option<PathBuf>,
    /// Callers who must have done something before it is believed [default: 3; of a file: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    callers: Option<u8>,
    /// Requests that must have had a parameter or a field before it is believed [default: 10; of a
    /// file: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    samples: Option<u64>,
}

/// Writes the document, or the differences. Exit code 4 when there are differences.
pub(crate) fn run(args: &Args, place: &Place, out: &mut Out) -> Result<Exit> {
    let loaded = Loaded::read(place)?;
    let model = match loaded.model(out)? {
        Ok(model) => model,
        Err(exit) => return Ok(exit),
    };
    let service = service(model, args.service.as_deref())?;
    let needed = needed(args);
    let learned = match &args.from {
        Some(file) => of_file(file, model, service, needed)?,
        None => Learned { lessons: observed(service, place)?, elsewhere: 0 },
    };
    if let Some(file) = &args.diff {
        return drift(file, &learned.lessons, needed, out);
    }
    write(args, service, &learned, needed, out)
}

/// What there is to learn from.
#[derive(Debug)]
struct Learned {
    lessons: Lessons,
    /// Requests of a file that are for somebody else.
    elsewhere: usize,
}

fn service<'m>(model: &'m Model, name: Option<&str>) -> Result<&'m Service> {
    let names = || model.services.keys().map(String::as_str);
    let Some(name) = name else {
        let mut all = model.services.values();
        return match (all.next(), all.next()) {
            (Some(one), None) => Ok(one),
            _ => bail!("which service? {}", names().collect::<Vec<_>>().join(", ")),
        };
    };
    model.services.get(name).with_context(|| {
        let near = ringwall_manifest::nearest(name, names());
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        format!("the manifest has no service `{name}`{near}")
    })
}

fn needed(args: &Args) -> Needed {
    let believed = Needed { callers: 1, samples: 1 };
    let usual = if args.from.is_some() { believed } else { Needed::default() };
    Needed {
        callers: args.callers.map_or(usual.callers, usize::from),
        samples: args.samples.unwrap_or(usual.samples),
    }
}

fn observed(service: &Service, place: &Place) -> Result<Lessons> {
    let name = &service.name;
    lessons::read(place, name)?.with_context(|| {
        format!(
            "nothing was observed of `{name}` yet; write `learn = true` below `[services.{name}]`, \
             or name a file with `--from`"
        )
    })
}

fn of_file(file: &Path, model: &Model, service: &Service, needed: Needed) -> Result<Learned> {
    let mut learned = Learned { lessons: Lessons::default(), elsewhere: 0 };
    let hidden = lessons::hidden(model);
    let lens = Lens { needed, hidden: &hidden, salt: 0 };
    let hosts = hosts(model, service);
    for request in &requests::read(file, &model.gateway.host)? {
        let is_here = request.host.as_ref().is_none_or(|host| hosts.contains(host));
        let path = is_here.then(|| path_of(request, model, service)).flatten();
        match path {
            Some(path) => learned.lessons.observe(&exchange(request, path, service), &lens),
            None => learned.elsewhere = learned.elsewhere.saturating_add(1),
        }
    }
    Ok(learned)
}

/// Where the service answers.
fn hosts(model: &Model, service: &Service) -> BTreeSet<String> {
    let own = [model.gateway.host.as_str(), "localhost", "127.0.0.1", "[::1]"];
    let upstreams = service.upstreams.iter().filter_map(|one| one.host_port());
    let upstreams = upstreams.map(|one| one.rsplit_once(':').map_or(one, |(host, _)| host));
    own.into_iter().chain(upstreams).map(str::to_ascii_lowercase).collect()
}

/// The path as the service sees it; none when the request is for another service.
fn path_of<'r>(request: &'r Request, model: &Model, service: &Service) -> Option<&'r str> {
    let path = request.target.split('?').next().unwrap_or_default();
    let below = |service: &Service| {
        let rest = path.strip_prefix(&service.mount)?;
        rest.starts_with('/').then_some(rest)
    };
    let is_of = |service: &Service| {
        below(service).is_some_and(|path| {
            operation_of(service.operations.values(), &request.method, path).is_some()
        })
    };
    let mut others = model.services.values().filter(|one| one.name != service.name);
    let own = below(service)?;
    let is_others = others
        .any(|one| is_of(one) || one.mount.len() > service.mount.len() && below(one).is_some());
    (is_of(service) || !is_others).then_some(own)
}

fn exchange<'r>(request: &'r Request, path: &'r str, service: &'r Service) -> Exchange<'r> {
    let operation = operation_of(service.operations.values(), &request.method, path);
    let answer = request.answer.as_ref().map(|answer| ringwall_openapi::Answered {
        status: answer.status,
        content_type: answer.content_type.as_deref(),
        body: answer.body.as_deref(),
    });
    Exchange {
        caller: lessons::caller(0, request.caller.as_deref().unwrap_or_default()),
        method: &request.method,
        template: operation.map(|one| one.path.as_str()),
        operation: operation.map(|one| one.name.as_str()),
        path,
        query: request.target.split_once('?').map_or("", |(_, query)| query),
        content_type: request.field("content-type"),
        body: Some(&request.body),
        answer,
    }
}

fn write(
    args: &Args,
    service: &Service,
    learned: &Learned,
    needed: Needed,
    out: &mut Out,
) -> Result<Exit> {
    let draft = learned.lessons.draft(&service.name, needed);
    let is_json =
        args.out.as_ref().is_some_and(|path| path.extension().is_some_and(|it| it == "json"));
    let text = if is_json { draft.json() } else { draft.yaml() };
    if draft.operations > 0 {
        if let Some(path) = &args.out {
            create(path, &text)?;
        }
        if out.format() == Format::Json {
            let mut values = told::json(&draft, learned);
            if let (Some(values), None) = (values.as_object_mut(), &args.out) {
                let document: serde_json::Value = serde_json::from_str(&draft.json())?;
                values.insert("document".to_owned(), document);
            }
            out.json(&values)?;
        } else if args.out.is_none() {
            out.data(&text)?;
        }
    }
    told::talk(&draft, learned, out);
    if draft.operations == 0 {
        bail!(
            "no operation is certain: {} callers and {} requests are needed for each (`--callers`, `--samples`)",
            needed.callers,
            needed.samples
        );
    }
    Ok(Exit::Ok)
}

/// A new file: what somebody wrote by hand is not replaced.
fn create(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    let file = std::fs::File::options().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| {
        format!("cannot write {}; a file that is there is left alone", path.display())
    })
}

fn drift(file: &Path, lessons: &Lessons, needed: Needed, out: &mut Out) -> Result<Exit> {
    let text = read_text(file).with_context(|| format!("cannot read {}", file.display()))?;
    let document = Document::parse(text.as_bytes(), &file.display().to_string());
    let contract: Contract = match document {
        Ok(document) => document.contract(),
        Err(errors) => {
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            bail!("{first}");
        }
    };
    let drift = lessons.drift(&contract, needed);
    if out.format() == Format::Json {
        out.json(&json!({ "shadow": drift.shadow, "zombie": drift.zombie }))?;
    } else {
        for (what, names) in
            [("seen, not declared", &drift.shadow), ("declared, never seen", &drift.zombie)]
        {
            for name in names {
                out.data(&format!("{what}: {}", name.escape_debug()))?;
            }
        }
        let (shadow, zombie) = (drift.shadow.len(), drift.zombie.len());
        out.talk(&format!(
            "{shadow} seen and not declared, {zombie} declared and never seen, of {} requests",
            lessons.samples()
        ));
    }
    let is_same = drift.shadow.is_empty() && drift.zombie.is_empty();
    Ok(if is_same { Exit::Ok } else { Exit::Findings })
}
