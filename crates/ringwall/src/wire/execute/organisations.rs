//! Organisations, as the command line asks about them.

use anyhow::{Result, bail};
use ringwall_api::{Reply, Request};
use ringwall_identity::{Organisation, OrganisationError};

use super::{done, failed, rows_of, time};
use crate::wire::Ground;

pub(super) fn execute(ground: &Ground, request: &Request) -> Result<Reply> {
    match attempt(ground, request) {
        Err(error) if matches!(error.downcast_ref(), Some(OrganisationError::NotFound)) => {
            Ok(failed(&error.to_string(), Some("see `ringwall organisation list`")))
        }
        other => other,
    }
}

fn attempt(ground: &Ground, request: &Request) -> Result<Reply> {
    let organisations = ground.identity.organisations();
    match request {
        Request::OrganisationAdd { slug, name } => {
            let added = organisations.add(slug, name.as_deref())?;
            Ok(done(&format!("added {slug} ({}); its people are called {slug}/NAME", added.name)))
        }
        Request::OrganisationDelete { slug } => {
            organisations.delete(slug)?;
            Ok(done(&format!("{slug} is removed")))
        }
        Request::OrganisationDisable { slug } => {
            organisations.disable(slug, true)?;
            Ok(done(&format!("{slug} is disabled; sessions and tokens of its people have ended")))
        }
        Request::OrganisationEnable { slug } => {
            organisations.disable(slug, false)?;
            Ok(done(&format!("people of {slug} may sign in again")))
        }
        Request::OrganisationList => {
            let rows = organisations.list("", LISTED_MAX)?.into_iter().map(row);
            Ok(rows_of(&["organisation", "name", "state", "people", "created"], rows.collect()))
        }
        Request::OrganisationShow { slug } => {
            let words = ["organisation", "name", "state", "people", "created"].map(str::to_owned);
            let values = row(organisations.find(slug)?);
            let rows = words.into_iter().zip(values).map(|(word, value)| vec![word, value]);
            Ok(rows_of(&["what", "value"], rows.collect()))
        }
        _ => bail!("this is not about organisations"),
    }
}

fn row(one: Organisation) -> Vec<String> {
    let state = if one.is_disabled { "disabled" } else { "active" };
    let created = one.created.map_or_else(|| "always there".to_owned(), time);
    vec![one.tenant.to_string(), one.name, state.to_owned(), one.people.to_string(), created]
}

/// As many as a terminal shows.
const LISTED_MAX: u32 = 10_000;
