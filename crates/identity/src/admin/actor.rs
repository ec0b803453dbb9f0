//! Who administers, and what they may do.
//!
//! Three things have to say yes: the token, the client as it is now, and for a person their roles,
//! after two factors. A token that was exchanged administers nothing.

use std::collections::BTreeSet;

use http::header::WWW_AUTHENTICATE;
use ringwall_base::Tenant;
use serde_json::Value;

use super::problem::Problem;
use crate::answer::Call;
use crate::check::bearer;
use crate::identity::House;
use crate::record::Record;

/// Somebody with a token that holds. Only [`Actor::of`] makes one.
#[derive(Debug)]
pub(super) struct Actor {
    client_id: String,
    /// `sub` and name.
    person: Option<(String, String)>,
    /// Theirs. Who is of `default` administers all.
    organisation: Tenant,
    scopes: BTreeSet<String>,
    /// A person who did not prove two factors.
    is_weak: bool,
}

impl Actor {
    pub(super) fn of(house: &House, call: &Call) -> Result<Self, Problem> {
        let claims = bearer(house, call)?;
        let client = house.clients.get(&claims.client_id).filter(|client| !client.is_disabled);
        let is_delegated = claims.extra.contains_key("act");
        let Some(client) = client.filter(|_| !is_delegated) else {
            return Err(Problem::forbidden("this token administers nothing"));
        };
        let mut scopes: BTreeSet<String> = claims
            .scopes
            .iter()
            .filter(|scope| client.may_have(scope))
            .filter_map(|scope| scope.strip_prefix(PREFIX))
            .map(str::to_owned)
            .collect();
        let person = (!claims.is_program()).then(|| {
            let name = claims.name.clone().unwrap_or_default();
            (claims.subject.clone(), name)
        });
        let mut is_weak = false;
        if person.is_some() {
            let granted = house.powers.load().of(&claims.roles);
            scopes.retain(|scope| granted.contains(scope));
            is_weak = claims.extra.get("acr").and_then(Value::as_str) != Some("aal2");
        }
        let organisation = claims.organisation.clone();
        Ok(Self { client_id: claims.client_id.clone(), person, organisation, scopes, is_weak })
    }

    /// The one organisation that they administer; `None`: all.
    pub(super) fn bounds(&self) -> Option<&Tenant> {
        (!self.organisation.is_default()).then_some(&self.organisation)
    }

    /// Whether a scope is theirs. The empty scope is everybody's who may be here at all.
    pub(super) fn may(&self, scope: &'static str) -> Result<(), Problem> {
        if self.is_weak {
            let challenge =
                "Bearer error=\"insufficient_user_authentication\", acr_values=\"aal2\"";
            return Err(Problem::forbidden("people administer after two factors only")
                .with(WWW_AUTHENTICATE, challenge.to_owned()));
        }
        if self.scopes.contains(scope) {
            return Ok(());
        }
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{PREFIX}{scope}\"");
        Err(Problem::forbidden("the token is not for this").with(WWW_AUTHENTICATE, challenge))
    }

    /// Whoever is to be changed may do no more than who changes them: else a password or a secret
    /// would be a way up (attack M3).
    pub(super) fn outranks<'s>(
        &self,
        mut scopes: impl Iterator<Item = &'s str>,
    ) -> Result<(), Problem> {
        if scopes.all(|scope| self.scopes.contains(scope)) {
            return Ok(());
        }
        Err(Problem::forbidden("this concerns somebody who may do more than the token"))
    }

    /// Nobody gives themselves more, or shuts themselves out (attack M3).
    pub(super) fn is_not_person(&self, subject: &str) -> Result<(), Problem> {
        match &self.person {
            Some((own, _)) if own == subject => Err(Problem::forbidden("not for oneself")),
            _ => Ok(()),
        }
    }

    /// The same for a client. A person may not change the client that they came through either.
    pub(super) fn is_not_client(&self, id: &str) -> Result<(), Problem> {
        if self.client_id == id {
            return Err(Problem::forbidden("not for the client that asks"));
        }
        Ok(())
    }

    pub(super) fn in_record(&self, record: Record) -> Record {
        let record = record.client(&self.client_id);
        match &self.person {
            Some((subject, name)) => record.person(subject, name),
            None => record.organisation(&self.organisation),
        }
    }
}

/// Of our own scopes in tokens.
pub(super) const PREFIX: &str = "ringwall:";
