//! `ringwall check`: what can be known without sending a request.

use anyhow::Result;
use ringwall_manifest::Severity;

use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::{Format, Out};
use crate::paths::Place;
use crate::render;

/// Runs the command.
pub(crate) fn run(place: &Place, out: &mut Out) -> Result<Exit> {
    let loaded = Loaded::read_with_rules(place)?;
    let report = &loaded.report;
    render::findings(&report.findings, &loaded.texts, out)?;
    let verdict = render::verdict(&report.findings, report.left_out);
    let Some(model) = &report.model else {
        out.talk(&format!("× {} is invalid: {verdict}", place.manifest.display()));
        return Ok(Exit::Invalid);
    };
    let runs_here = model.services.values().any(|service| service.run.is_some());
    if runs_here && let Err(why) = ringwall_cell::available(ringwall_cell::Shim::default()) {
        // Not a finding of the manifest: another machine enforces it.
        out.talk(&format!(
            "‼ on this machine {why}: under `ringwall dev` a service could go around its doors, so \
             `callers` and `partners` hold only for those who use RINGWALL_*_URL"
        ));
    }
    let is_broken = report.findings.iter().any(|finding| finding.severity != Severity::Note);
    if out.format() != Format::Json {
        let operations: usize =
            model.services.values().map(|service| service.operations.len()).sum();
        let public = model.services.values().filter(|service| !service.people.is_empty()).count();
        let held = model.expectations.len();
        let promises = match (held, report.findings.iter().any(|finding| finding.code == "RW2001"))
        {
            (0, _) => "no promises are declared".to_owned(),
            (_, true) => "NOT all promises hold".to_owned(),
            (1, false) => "the promise holds".to_owned(),
            (count, false) => format!("{count} promises hold"),
        };
        out.talk(&format!(
            "{} {}: {} services, {operations} operations, {public} reachable by people; {promises}{}",
            if is_broken { "‼" } else { "√" },
            place.manifest.display(),
            model.services.len(),
            if verdict.is_empty() { String::new() } else { format!(" ({verdict})") },
        ));
    }
    Ok(if is_broken { Exit::Findings } else { Exit::Ok })
}
