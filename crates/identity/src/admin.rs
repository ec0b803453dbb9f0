//! The admin API: people, clients, sessions, tokens and keys, as JSON under `/admin/v1`.
//!
//! Read `ROUTES` in `route.rs` first: it is the whole API, and its `OpenAPI` document is made of it.
//!
//! INVARIANT (one's own organisation): whoever is of another organisation than `default` has no route
//! that is the instance's, and [`Actor::bounds`] in every look-up of the others (attack M1).
//!
//! INVARIANT (recorded, then done): [`answer`] writes who asks for what to the audit log before it
//! calls a route that changes anything. A log that takes nothing changes nothing (attack M6).

mod actor;
mod body;
mod clients;
mod keys;
mod openapi;
mod organisations;
mod problem;
mod route;
mod sessions;
mod users;
mod version;

use http::{Method, StatusCode};
use serde_json::Value;

use crate::answer::{Call, Reply, json_reply};
use crate::form::Form;
use crate::identity::House;
use crate::record::Record;

use actor::Actor;
use problem::Problem;
use route::Route;

/// Everything that a route works with. It was checked: the route exists, the token allows it, and
/// the parameters are the route's.
#[derive(Debug)]
struct Ask<'a> {
    house: &'a House,
    call: &'a Call,
    actor: &'a Actor,
    /// What stands in the place of the path's parameters, in order.
    values: Vec<&'a str>,
    query: Form,
    body: Value,
}

impl Ask<'_> {
    /// The path's first parameter.
    fn id(&self) -> &str {
        self.values.first().copied().unwrap_or_default()
    }
}

/// Answers; failures are problems too.
pub(crate) fn answer(house: &House, call: &Call) -> Reply {
    attempt(house, call).unwrap_or_else(|problem| problem.reply())
}

fn attempt(house: &House, call: &Call) -> Result<Reply, Problem> {
    if !house.powers.load().has_admin_api {
        return Err(Problem::not_found());
    }
    let path = call.request.uri().path().strip_prefix(ROOT).unwrap_or_default();
    if path == "/openapi.json" && call.request.method() == Method::GET {
        return Ok(json_reply(StatusCode::OK, &openapi::document(&house.settings.issuer)));
    }
    // Who may not be here learns nothing of what is here.
    let actor = Actor::of(house, call)?;
    let (route, values) = route::find(call.request.method(), path)?;
    if let Err(problem) = actor.may(route.scope) {
        let record = Record::refused("admin-denied", route.scope).source(call.peer);
        house.put(actor.in_record(record).operation(line(route, path)))?;
        return Err(problem);
    }
    let ask = Ask {
        house,
        call,
        actor: &actor,
        values,
        query: body::query(call, route.query)?,
        body: body::json(call, route.takes.is_some())?,
    };
    if let (true, Some(_)) = (route.is_of_instance, actor.bounds()) {
        let record = Record::refused("admin-denied", "an actor of one organisation");
        house.put(actor.in_record(record.source(call.peer)).operation(line(route, path)))?;
        return Err(Problem::forbidden("this is not of your organisation"));
    }
    if route.method != "GET" {
        let record = Record::of("admin-request").sync().source(call.peer);
        house.put(actor.in_record(record).operation(line(route, path)))?;
    }
    (route.answer)(&ask)
}

/// Whether a request may carry a password.
pub(crate) fn hashes(method: &Method, path: &str) -> bool {
    let is_adding = method == Method::POST && path.ends_with("/users");
    is_adding || (method == Method::PUT && path.ends_with("/password"))
}

/// What was asked for. The path is plain: `find` took it.
fn line(route: &Route, path: &str) -> String {
    format!("{} {ROOT}{path}", route.method)
}

/// 204.
fn done() -> Reply {
    crate::answer::plain(StatusCode::NO_CONTENT, bytes::Bytes::new())
}

pub(crate) const ROOT: &str = "/admin/v1";
