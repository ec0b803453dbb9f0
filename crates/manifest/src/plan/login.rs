//! What differs of those who sign in: clients, and what administrators may do.

use std::collections::BTreeSet;
use std::mem::discriminant;

use super::{Change, Effect, differ, note};
use crate::model::{Client, Model};

pub(super) fn of(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    differ(&rights(old), &rights(new), "client", changes);
    // What is demanded allows less.
    differ(&demands(new, old), &demands(old, new), "client", changes);
    for (id, client) in &new.clients {
        let Some(before) = old.clients.get(id) else { continue };
        let is_other_kind = discriminant(&before.access) != discriminant(&client.access);
        if before.access != client.access {
            let what = if is_other_kind { "the way it proves who it is" } else { "its credential" };
            note(changes, Effect::Changes, "client", format!("{id}: {what} changed"));
        }
        if before.wants_es256 != client.wants_es256 {
            note(
                changes,
                Effect::Changes,
                "client",
                format!("{id}: what signs its tokens changed"),
            );
        }
    }
    differ(&powers(old), &powers(new), "admin", changes);
}

fn rights(model: &Model) -> BTreeSet<String> {
    let mut rights = BTreeSet::new();
    for (id, client) in &model.clients {
        rights.insert(format!("{id} gets tokens"));
        let Client { grants, redirect_uris, scopes, roles, acts_for, .. } = client;
        rights.extend(grants.iter().map(|grant| format!("{id} uses {grant}")));
        rights.extend(redirect_uris.iter().map(|uri| format!("{id} gets people back at {uri}")));
        let after = client.post_logout_uris.iter();
        rights.extend(after.map(|uri| format!("{id} gets people after a logout at {uri}")));
        rights.extend(scopes.iter().map(|scope| format!("{id} may ask for the scope {scope}")));
        rights.extend(roles.iter().map(|role| format!("{id} has the role {role}")));
        rights.extend(acts_for.iter().map(|other| format!("{id} may act on tokens of {other}")));
    }
    rights
}

/// Of clients that stay: of others it is said that they come or go.
fn demands(model: &Model, other: &Model) -> BTreeSet<String> {
    let mut demands = BTreeSet::new();
    for (id, client) in model.clients.iter().filter(|(id, _)| other.clients.contains_key(*id)) {
        demands.extend(client.demands.iter().map(|what| format!("{id} is not held to {what}")));
        let of = client.organisation.iter();
        demands.extend(of.map(|slug| format!("{id} is not held to people of {slug}")));
    }
    demands
}

fn powers(model: &Model) -> BTreeSet<String> {
    let mut powers = BTreeSet::new();
    if model.gateway.opens.admin_api {
        powers.insert("the admin API is there".to_owned());
    }
    if model.gateway.opens.registration {
        powers.insert("clients register themselves".to_owned());
    }
    for (name, role) in &model.roles {
        powers.extend(role.admin.iter().map(|scope| format!("{name} may {scope}")));
        if role.is_of_organisations {
            powers.insert(format!("organisations give out {name}"));
        }
    }
    powers
}
