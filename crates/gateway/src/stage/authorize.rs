//! Authorize: may this caller call this operation?
//!
//! What no line of the manifest allows is refused. Where a line allows only the caller's own
//! objects, and the manifest says where their owner stands in the request, it is compared here.
//! The last cheap check: nothing is read or inspected for one who may not ask.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::ACCEPT;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_base::Place;
use ringwall_manifest::{OwnerRule, OwnerSource};
use ringwall_policy::{Circumstances, Decision, DenyReason, Engine, Origin, PersonFacts, Question};

use crate::record::Record;
use crate::refusal::Want;
use crate::stage::authenticate::Caller;
use crate::stage::normalize::Normal;
use crate::stage::route::Route;
use crate::tenure::Credential;
use crate::{Refusal, own};

/// Asks the policy.
#[derive(Debug)]
pub(crate) struct Authorize {
    engine: Arc<Engine>,
    login_path: Option<String>,
}

/// The caller may. Only [`Authorize::run`] makes one.
#[derive(Debug)]
pub(crate) struct Permit {
    caller: Arc<Caller>,
    is_own: bool,
    line: Option<Arc<Origin>>,
}

impl Authorize {
    pub(crate) const fn new(engine: Arc<Engine>, login_path: Option<String>) -> Self {
        Self { engine, login_path }
    }

    /// Returns the permit, or refuses. In `observe` mode the record takes the refusal.
    pub(crate) fn run(
        &self,
        caller: Arc<Caller>,
        request: &Normal,
        route: &Route,
        record: &mut Record<'_>,
    ) -> Result<Permit, Refusal> {
        let decision = self.decide(caller.person(), &caller, (request, route), record);
        let (is_own, line) = match decision {
            Decision::Allow { rule, own } => (own, self.engine.origin(rule).cloned()),
            Decision::Deny { reason, nearest } => {
                let refusal = self.deny(&caller, (request, route), (reason, nearest), record);
                record.waive(refusal)?;
                (false, None)
            }
        };
        if let Some(max_age) = route.operation().max_age
            && caller.is_stale(max_age, record.at())
        {
            let refusal = self.again(&caller, (request, route), max_age, line.as_deref());
            record.waive(refusal)?;
        }
        let permit = Permit { caller, is_own, line };
        if !permit.owns(request, route) {
            let why = "permitted for own objects only, and this one belongs to someone else";
            record
                .waive(Refusal::Forbidden { why: why.to_owned(), line: permit.line().cloned() })?;
        }
        Ok(permit)
    }

    fn decide(
        &self,
        person: Option<&PersonFacts>,
        caller: &Caller,
        (request, route): (&Normal, &Route),
        record: &Record<'_>,
    ) -> Decision {
        let operation = route.operation();
        let question = Question {
            person,
            caller: caller.service(),
            service: &operation.service,
            operation: &operation.name,
            circumstances: Circumstances {
                method: request.method().as_str(),
                path: request.path(),
                address: Some(record.address()),
                unix_secs: i64::try_from(record.at().secs()).unwrap_or(i64::MAX),
            },
        };
        self.engine.decide_at(operation.key, &question)
    }

    /// Whether it would be allowed after a second factor.
    fn is_for_two_factors(
        &self,
        caller: &Caller,
        asked: (&Normal, &Route),
        record: &Record<'_>,
    ) -> bool {
        caller.after_step_up().is_some_and(|person| {
            let decision = self.decide(Some(&person), caller, asked, record);
            matches!(decision, Decision::Allow { .. })
        })
    }

    /// A second factor would change it. A browser can ask for one at once.
    fn step_up(
        &self,
        caller: &Caller,
        request: &Normal,
        (why, line): (String, Option<Place>),
    ) -> Refusal {
        let why = format!("{why} before a second factor");
        let has_session = matches!(caller.credential(), Credential::Session { .. });
        match &self.login_path {
            Some(login) if has_session && wants_page(request) => {
                let location = format!("{}&acr_values=aal2", sign_in(login, request));
                Refusal::SignIn { location, why, line }
            }
            _ => Refusal::StepUp { want: Want::Factor, why, line },
        }
    }

    /// A sign-in of today would change it.
    fn again(
        &self,
        caller: &Caller,
        (request, route): (&Normal, &Route),
        max_age: Duration,
        line: Option<&Origin>,
    ) -> Refusal {
        let (secs, operation) = (max_age.as_secs(), route.operation());
        let (service, operation) = (&operation.service, &operation.name);
        let why = format!("{} -> {service}.{operation}: signed in too long ago", name(caller));
        let line = line.map(|origin| origin.place.clone());
        let has_session = matches!(caller.credential(), Credential::Session { .. });
        match &self.login_path {
            Some(login) if has_session && wants_page(request) => {
                let location = format!("{}&max_age={secs}", sign_in(login, request));
                Refusal::SignIn { location, why, line }
            }
            _ => Refusal::StepUp { want: Want::Recent(secs), why, line },
        }
    }

    fn line(&self, rule: Option<usize>) -> Option<Place> {
        rule.and_then(|rule| self.engine.origin(rule)).map(|origin| origin.place.clone())
    }

    fn deny(
        &self,
        caller: &Caller,
        (request, route): (&Normal, &Route),
        (reason, nearest): (DenyReason, Option<usize>),
        record: &Record<'_>,
    ) -> Refusal {
        let line = self.line(nearest);
        let operation = route.operation();
        let why = format!(
            "{} -> {}.{}: {}",
            name(caller),
            operation.service,
            operation.name,
            say(reason)
        );
        match reason {
            DenyReason::Failed => Refusal::Undecided { why },
            DenyReason::NotSignedIn if wants_page(request) => match &self.login_path {
                Some(login) => Refusal::SignIn { location: sign_in(login, request), why, line },
                None => Refusal::NotSignedIn { why, line },
            },
            DenyReason::NotSignedIn => Refusal::NotSignedIn { why, line },
            DenyReason::Forbidden | DenyReason::NotGranted
                if self.is_for_two_factors(caller, (request, route), record) =>
            {
                self.step_up(caller, request, (why, line))
            }
            DenyReason::Forbidden
            | DenyReason::NeedsPerson
            | DenyReason::NotGranted
            | DenyReason::UnknownOperation => Refusal::Forbidden { why, line },
        }
    }
}

impl Permit {
    /// Who may.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Who may, to keep.
    pub(crate) fn share(&self) -> Arc<Caller> {
        Arc::clone(&self.caller)
    }

    /// Whether only the caller's own objects are permitted.
    pub(crate) const fn is_own(&self) -> bool {
        self.is_own
    }

    /// The line that permits it.
    pub(crate) fn line(&self) -> Option<&Place> {
        self.line.as_ref().map(|origin| &origin.place)
    }

    /// The same with its name, to keep.
    pub(crate) const fn origin(&self) -> Option<&Arc<Origin>> {
        self.line.as_ref()
    }

    /// What `rule` must find, if this permit is for own objects. An own permit is always a
    /// person's; without one nothing matches.
    pub(crate) fn owner(&self, rule: &OwnerRule) -> Option<&str> {
        self.caller.person().map(|person| own::expected(rule, person))
    }

    fn owns(&self, request: &Normal, route: &Route) -> bool {
        let Some(rule) = route.operation().owner.as_ref().filter(|_| self.is_own) else {
            return true;
        };
        let Some(owner) = self.owner(rule) else { return false };
        match rule.source {
            OwnerSource::Path => {
                route.values().iter().any(|(name, value)| *name == rule.name && value == owner)
            }
            OwnerSource::Query => {
                request.query().is_some_and(|query| own::is_in_form(query, &rule.name, owner))
            }
            // Where the body is read.
            OwnerSource::Body | OwnerSource::Response => true,
        }
    }
}

/// A browser that navigates, not a script: it can follow to the login page.
fn wants_page(request: &Normal) -> bool {
    let accepts = request.fields().get(ACCEPT).and_then(|value| value.to_str().ok());
    *request.method() == Method::GET && accepts.is_some_and(|text| text.contains("text/html"))
}

fn sign_in(login: &str, request: &Normal) -> String {
    let mut wanted = request.raw_path().to_owned();
    if let Some(query) = request.query() {
        wanted.push('?');
        wanted.push_str(query);
    }
    format!("{login}?return_to={}", utf8_percent_encode(&wanted, NON_ALPHANUMERIC))
}

fn name(caller: &Caller) -> String {
    match (caller.service(), caller.person()) {
        (Some(service), None) => service.to_owned(),
        (Some(service), Some(person)) => format!("{service} on behalf of {}", person.name),
        (None, Some(person)) => person.name.clone(),
        (None, None) => "anyone".to_owned(),
    }
}

const fn say(reason: DenyReason) -> &'static str {
    match reason {
        DenyReason::Failed => "a policy could not be evaluated",
        DenyReason::Forbidden => "a policy forbids it",
        DenyReason::NeedsPerson => "permitted only on behalf of a person",
        DenyReason::NotGranted => "no line allows it",
        DenyReason::NotSignedIn => "no line allows it without signing in",
        DenyReason::UnknownOperation => "there is no such operation",
    }
}
