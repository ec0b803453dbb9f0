//! Standing: what the manifest in force says of callers that an older one let in.
//!
//! A tunnel or a stream that goes on is asked about again after a reload, by names: the operation's
//! place, its owner rule and its path are those of the manifest that admitted it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ringwall_base::Timestamp;
use ringwall_manifest::Mode;
use ringwall_policy::{Circumstances, Decision, Engine, PersonFacts, Question};

use crate::operation::Operation;
use crate::stage::authenticate::Caller;
use crate::tenure::Credential;

/// Who may call what, by one manifest.
#[derive(Debug)]
pub(crate) struct Standing {
    version: u64,
    mode: Mode,
    engine: Arc<Engine>,
    includes: Arc<Includes>,
}

/// Roles, and those that each contains.
pub(crate) type Includes = BTreeMap<String, Vec<String>>;

/// What was let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) operation: &'a Operation,
    /// The path that was matched, decoded once.
    pub(crate) path: &'a str,
    pub(crate) address: IpAddr,
    /// Whether the caller's own object was asked for, and found to be that.
    pub(crate) is_own: bool,
}

impl Standing {
    pub(crate) const fn new(
        version: u64,
        mode: Mode,
        engine: Arc<Engine>,
        includes: Arc<Includes>,
    ) -> Self {
        Self { version, mode, engine, includes }
    }

    /// Counts loads, as snapshots do.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// Whether it would be let in again.
    pub(crate) fn permits(&self, admitted: &Admitted<'_>, now: Timestamp) -> bool {
        // Nothing is enforced.
        if self.mode == Mode::Observe {
            return true;
        }
        let (caller, operation) = (admitted.caller, admitted.operation);
        let person = caller.person().map(|person| self.reread(person, caller.credential()));
        let question = Question {
            person: person.as_ref(),
            caller: caller.service(),
            service: &operation.service,
            operation: &operation.name,
            circumstances: Circumstances {
                method: operation.method.as_str(),
                path: admitted.path,
                address: Some(admitted.address),
                unix_secs: i64::try_from(now.secs()).unwrap_or(i64::MAX),
            },
        };
        match self.engine.decide(&question) {
            // Whose the object is was not asked when all were permitted.
            Decision::Allow { own, .. } => !own || admitted.is_own,
            Decision::Deny { .. } => false,
        }
    }

    /// The person, with what the roles contain now. Whoever is passed on by a service comes with
    /// all of them.
    fn reread(&self, person: &PersonFacts, credential: &Credential) -> PersonFacts {
        let roles = match credential {
            Credential::Lasting => person.roles.clone(),
            Credential::Session { roles, .. } => expand(&self.includes, roles),
            Credential::Token(claims) => expand(&self.includes, &claims.roles),
        };
        PersonFacts { roles, ..person.clone() }
    }
}

/// These roles and all that they contain.
pub(crate) fn expand(includes: &Includes, given: &[String]) -> Vec<String> {
    // A role that the manifest does not know grants nothing.
    let known = given.iter().filter_map(|role| Some((role, includes.get(role)?)));
    let mut roles: Vec<String> =
        known.flat_map(|(role, included)| std::iter::once(role).chain(included)).cloned().collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}
