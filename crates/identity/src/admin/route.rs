//! The whole admin API, one line a route. Its document is made of this table.

use http::header::ALLOW;
use http::{Method, StatusCode};

use super::problem::Problem;
use super::{Ask, clients, keys, organisations, sessions, users};
use crate::answer::Reply;

/// One operation.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    /// Below the root; `{…}` is one segment.
    pub(super) path: &'static str,
    /// `operationId`.
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Without `ringwall:`.
    pub(super) scope: &'static str,
    /// Parameters of the address.
    pub(super) query: &'static [&'static str],
    /// Whether only those of the organisation `default` may be here.
    pub(super) is_of_instance: bool,
    /// Whether `If-Match` is needed.
    pub(super) is_versioned: bool,
    /// The schema of the body.
    pub(super) takes: Option<&'static str>,
    /// Status and schema of the answer.
    pub(super) gives: (u16, Option<&'static str>),
    pub(super) answer: Answer,
}

type Answer = fn(&Ask<'_>) -> Result<Reply, Problem>;
/// A route, and what stands in the place of its parameters.
type Found<'p> = (&'static Route, Vec<&'p str>);

/// The route of a request, and what stands in the place of its parameters.
pub(super) fn find<'p>(method: &Method, path: &'p str) -> Result<Found<'p>, Problem> {
    let mut allowed = Vec::new();
    for route in ROUTES {
        let Some(values) = fits(route.path, path) else { continue };
        if route.method == method.as_str() {
            return Ok((route, values));
        }
        allowed.push(route.method);
    }
    if allowed.is_empty() {
        return Err(Problem::not_found());
    }
    let detail = "this is not done here";
    Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(ALLOW, allowed.join(", ")))
}

fn fits<'p>(template: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(values),
            (Some(wanted), Some(given)) if wanted.starts_with('{') => {
                // Ids are plain: nothing is decoded, and nothing has a second spelling.
                let is_plain = (1..=128).contains(&given.len())
                    && given.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
                values.push(given);
                if !is_plain {
                    return None;
                }
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

const PAGE: &[&str] = &["limit", "after"];

/// What a route has if it says nothing else.
const PLAIN: Route = Route {
    method: "GET",
    path: "",
    name: "",
    about: "",
    scope: "",
    query: &[],
    is_of_instance: false,
    is_versioned: false,
    takes: None,
    gives: (204, None),
    answer: keys::list,
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/users",
        name: "listUsers",
        about: "People, by organisation and name.",
        scope: "users.read",
        query: &["limit", "after", "organisation"],
        gives: (200, Some("Users")),
        answer: users::list,
        ..PLAIN
    },
    Route {
        method: "POST",
        path: "/users",
        name: "addUser",
        about: "Adds a person; `acme/ada` is one of the organisation `acme`. Roles need the scope `ringwall:roles.write` too.",
        scope: "users.write",
        takes: Some("NewUser"),
        gives: (201, Some("User")),
        answer: users::add,
        ..PLAIN
    },
    Route {
        path: "/users/{id}",
        name: "showUser",
        about: "One person, by `sub`.",
        scope: "users.read",
        gives: (200, Some("User")),
        answer: users::show,
        ..PLAIN
    },
    Route {
        method: "PATCH",
        path: "/users/{id}",
        name: "changeUser",
        about: "Disables a person, whose sessions and tokens end; or lets them sign in again.",
        scope: "users.write",
        is_versioned: true,
        takes: Some("Switch"),
        gives: (200, Some("User")),
        answer: users::change,
        ..PLAIN
    },
    Route {
        method: "PUT",
        path: "/users/{id}/password",
        name: "setPassword",
        about: "Sets a new password. Sessions and tokens of the person end.",
        scope: "users.write",
        takes: Some("Password"),
        answer: users::set_password,
        ..PLAIN
    },
    Route {
        method: "DELETE",
        path: "/users/{id}/factors",
        name: "removeFactors",
        about: "Takes the second factors of a person who lost them. Sessions and tokens end.",
        scope: "users.write",
        answer: users::remove_factors,
        ..PLAIN
    },
    Route {
        method: "DELETE",
        path: "/users/{id}/links",
        name: "removeLinks",
        about: "Takes all links to people of another issuer away. Sessions and tokens end.",
        scope: "users.write",
        answer: users::remove_links,
        ..PLAIN
    },
    Route {
        path: "/roles",
        name: "listRoles",
        about: "The roles of the manifest, and what each may do here.",
        scope: "users.read",
        gives: (200, Some("Roles")),
        answer: users::roles,
        ..PLAIN
    },
    Route {
        method: "PUT",
        path: "/users/{id}/roles/{role}",
        name: "giveRole",
        about: "Gives a role to a person. Nobody gives what they may not do themselves.",
        scope: "roles.write",
        gives: (200, Some("User")),
        answer: users::give_role,
        ..PLAIN
    },
    Route {
        method: "DELETE",
        path: "/users/{id}/roles/{role}",
        name: "takeRole",
        about: "Takes a role from a person, whose tokens end. The last who gives roles stays.",
        scope: "roles.write",
        gives: (200, Some("User")),
        answer: users::take_role,
        ..PLAIN
    },
    Route {
        path: "/users/{id}/sessions",
        name: "listSessions",
        about: "Open sessions of a person, the newest first.",
        scope: "sessions.read",
        gives: (200, Some("Sessions")),
        answer: sessions::of_person,
        ..PLAIN
    },
    Route {
        method: "DELETE",
        path: "/users/{id}/sessions",
        name: "endSessions",
        about: "Ends all sessions and tokens of a person.",
        scope: "sessions.write",
        answer: sessions::end_all,
        ..PLAIN
    },
    Route {
        method: "DELETE",
        path: "/users/{id}/sessions/{sid}",
        name: "endSession",
        about: "Ends one session, and the tokens of it.",
        scope: "sessions.write",
        answer: sessions::end,
        ..PLAIN
    },
    Route {
        path: "/organisations",
        name: "listOrganisations",
        about: "Organisations, by id. People of one see their own only.",
        scope: "organisations.read",
        query: PAGE,
        gives: (200, Some("Organisations")),
        answer: organisations::list,
        ..PLAIN
    },
    Route {
        method: "POST",
        path: "/organisations",
        name: "addOrganisation",
        about: "Adds an organisation.",
        scope: "organisations.write",
        is_of_instance: true,
        takes: Some("NewOrganisation"),
        gives: (201, Some("Organisation")),
        answer: organisations::add,
        ..PLAIN
    },
    Route {
        path: "/organisations/{id}",
        name: "showOrganisation",
        about: "One organisation.",
        scope: "organisations.read",
        gives: (200, Some("Organisation")),
        answer: organisations::show,
        ..PLAIN
    },
    Route {
        method: "PATCH",
        path: "/organisations/{id}",
        name: "changeOrganisation",
        about: "Calls an organisation something else; disables it, whose people's sessions and tokens end, or \
                lets them sign in again.",
        scope: "organisations.write",
        is_versioned: true,
        takes: Some("OrganisationChange"),
        gives: (200, Some("Organisation")),
        answer: organisations::change,
        ..PLAIN
    },
    Route {
        method: "DELETE",
        path: "/organisations/{id}",
        name: "removeOrganisation",
        about: "Removes an organisation that nobody is in.",
        scope: "organisations.write",
        is_of_instance: true,
        is_versioned: true,
        answer: organisations::remove,
        ..PLAIN
    },
    Route {
        path: "/clients",
        name: "listClients",
        about: "OAuth 2 clients, by id.",
        scope: "clients.read",
        is_of_instance: true,
        query: PAGE,
        gives: (200, Some("Clients")),
        answer: clients::list,
        ..PLAIN
    },
    Route {
        method: "POST",
        path: "/clients",
        name: "addClient",
        about: "Registers a client; one with `access` `secret` gets its secret, this once.",
        scope: "clients.write",
        is_of_instance: true,
        takes: Some("NewClient"),
        gives: (201, Some("RegisteredClient")),
        answer: clients::add,
        ..PLAIN
    },
    Route {
        path: "/clients/{id}",
        name: "showClient",
        about: "One client.",
        scope: "clients.read",
        is_of_instance: true,
        gives: (200, Some("Client")),
        answer: clients::show,
        ..PLAIN
    },
    Route {
        method: "PUT",
        path: "/clients/{id}",
        name: "replaceClient",
        about: "Other settings for a client. What is not named stays, and so does how it proves who it \
                is. Who loses anything loses its tokens.",
        scope: "clients.write",
        is_of_instance: true,
        is_versioned: true,
        takes: Some("NewClient"),
        gives: (200, Some("Client")),
        answer: clients::replace,
        ..PLAIN
    },
    Route {
        method: "PATCH",
        path: "/clients/{id}",
        name: "changeClient",
        about: "Disables a client, whose tokens end; or lets it have tokens again.",
        scope: "clients.write",
        is_of_instance: true,
        is_versioned: true,
        takes: Some("Switch"),
        gives: (200, Some("Client")),
        answer: clients::switch,
        ..PLAIN
    },
    Route {
        method: "DELETE",
        path: "/clients/{id}",
        name: "removeClient",
        about: "Removes a client for good. Its tokens end.",
        scope: "clients.write",
        is_of_instance: true,
        is_versioned: true,
        answer: clients::remove,
        ..PLAIN
    },
    Route {
        method: "POST",
        path: "/clients/{id}/secrets",
        name: "addSecret",
        about: "One more secret, shown this once; of three the oldest goes.",
        scope: "clients.write",
        is_of_instance: true,
        gives: (201, Some("ClientSecret")),
        answer: clients::add_secret,
        ..PLAIN
    },
    Route {
        method: "POST",
        path: "/revocations",
        name: "revoke",
        about: "Ends a token, or all of a session, a person or a client.",
        scope: "tokens.write",
        takes: Some("Revocation"),
        answer: sessions::revoke,
        ..PLAIN
    },
    Route {
        path: "/keys",
        name: "listKeys",
        about: "Signing keys.",
        scope: "keys.read",
        is_of_instance: true,
        gives: (200, Some("Keys")),
        answer: keys::list,
        ..PLAIN
    },
    Route {
        method: "POST",
        path: "/keys",
        name: "rotateKey",
        about: "Publishes a new key; it signs when every verifier can have it.",
        scope: "keys.write",
        is_of_instance: true,
        takes: Some("NewKey"),
        answer: keys::rotate,
        ..PLAIN
    },
    Route {
        method: "DELETE",
        path: "/keys/{id}",
        name: "revokeKey",
        about: "Destroys a key that leaked. Its tokens end.",
        scope: "keys.write",
        is_of_instance: true,
        answer: keys::revoke,
        ..PLAIN
    },
];
