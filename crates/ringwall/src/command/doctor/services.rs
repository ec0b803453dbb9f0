//! The services: whether their programs are there, and whether they answer.

use std::path::{Path, PathBuf};

use ringwall_api::Status;
use ringwall_cell::who_listens;
use ringwall_manifest::{Model, Service, Upstream};

use super::Report;
use crate::paths::Place;

/// Looks at every service.
pub(super) fn all(model: &Model, place: &Place, server: Option<&Status>, report: &mut Report) {
    for service in model.services.values() {
        program(service, place, report);
        let name = &service.name;
        match server.map(|status| status.services.iter().find(|(known, _)| known == name)) {
            Some(Some((_, state))) if state == "up" => {
                report.good("services", format!("{name} answers"));
            }
            Some(Some((_, state))) => {
                let fix = format!("tail {}", place.state().join("logs").join(name).display());
                report.bad("services", format!("{name} is {state}"), format!("{fix}*"));
            }
            Some(None) => {}
            None => strays(service, report),
        }
    }
}

/// Whether the program of `run` can be found.
fn program(service: &Service, place: &Place, report: &mut Report) {
    let Some(run) = &service.run else { return };
    let name = &service.name;
    // `A=1 gunicorn …`: assignments of the shell come first.
    let Some(program) = run.split_whitespace().find(|word| !word.contains('=')) else {
        let fix = format!("write `run = \"…\"` under [services.{name}]");
        report.bad("services", format!("{name}: `run` starts nothing"), fix);
        return;
    };
    let dir = place.folder().join(service.dir.as_deref().unwrap_or("."));
    if !dir.is_dir() {
        let text = format!("{name}: the folder {} is not there", dir.display());
        report.bad("services", text, format!("correct `dir` under [services.{name}]"));
        return;
    }
    if let Some(path) = find(program, &dir) {
        report.good("services", format!("{name} starts with {}", path.display()));
        return;
    }
    let fix = match program {
        "gunicorn" | "flask" | "waitress-serve" | "uwsgi" => {
            "activate the services' virtual environment, or `pip install` what they need"
        }
        "python" => "write `python3`, or activate the services' virtual environment",
        _ => "install it, or correct `run`",
    };
    report.bad("services", format!("{name}: no `{program}` in PATH"), fix);
}

fn find(program: &str, dir: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(dir.join(program)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A copy that somebody started outside can be called without any check.
fn strays(service: &Service, report: &mut Report) {
    for upstream in service.upstreams.iter().filter_map(Upstream::host_port) {
        let Some((host, port)) = upstream.rsplit_once(':') else { continue };
        let is_local = ["127.0.0.1", "localhost", "[::1]"].contains(&host);
        let Some(port) = port.parse().ok().filter(|_| is_local && service.run.is_some()) else {
            continue;
        };
        if let Some(holder) = who_listens(port) {
            let text = format!(
                "{} would listen on {upstream}, where {holder} is already: calls to it pass no check",
                service.name
            );
            let fix = holder.pid.map_or_else(|| "end it".to_owned(), |pid| format!("kill {pid}"));
            report.warn("services", text, fix);
        }
    }
}
