//! A person's own page: what they can see and change of their account.

mod passkeys;
mod upstream;

use std::time::Duration;

use http::header::{HeaderValue, SET_COOKIE};
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ringwall_base::{Person, Proof, Proofs, Secret};

use crate::answer::{Call, Refusal, Reply, see_other};
use crate::check::{SESSION, cookie, form, form_token, paper, same_site, session};
use crate::consents;
use crate::email;
use crate::endpoint::login::for_person;
use crate::endpoint::reset;
use crate::factors::{self, Tried};
use crate::form::Form;
use crate::identity::House;
use crate::page::{self, Paper};
use crate::password;
use crate::people::{PeopleError, Users};
use crate::record::Record;
use crate::recovery;
use crate::sessions::list;
use crate::tables::Whose;
use crate::welcome::open_session;

pub(crate) fn answer(house: &House, call: &Call) -> Result<Reply, Refusal> {
    let Some(person) = session(house, call)? else { return Ok(to_login(house)) };
    let own = Own { house, call, person: &person };
    match *call.request.method() {
        Method::GET | Method::HEAD => own.page(StatusCode::OK, None),
        Method::POST => own.act(),
        _ => Err(Refusal::method()),
    }
}

/// Who looks at their own account.
#[derive(Clone, Copy)]
struct Own<'a> {
    house: &'a House,
    call: &'a Call,
    person: &'a Person,
}

impl Own<'_> {
    fn act(self) -> Result<Reply, Refusal> {
        let form = form(self.call).map_err(for_person)?;
        same_site(self.house, self.call)?;
        if !form_token(self.house, self.call, &form)? {
            return self.page(StatusCode::FORBIDDEN, Some(STALE));
        }
        match form.get("do") {
            Some("end") => self.end_one(&form),
            Some("end-others") => self.end_others(),
            Some("withdraw") => self.withdraw(&form),
            // A session that was left open must not change what the next login asks for.
            // Nor the password: the session that follows is a new one, and would be fresh again.
            Some(
                "app" | "app-confirm" | "app-remove" | "codes" | "email" | "passkey"
                | "passkey-add" | "passkey-remove" | "passkey-rename" | "password" | "unlink",
            ) if !self.is_fresh()? => Ok(to_login(self.house)),
            Some("password") => self.change_password(&form),
            Some("email") => self.ask_email(&form),
            Some("app") => self.begin_app(),
            Some("app-confirm") => self.confirm_app(&form),
            Some("app-remove") => self.remove_app(),
            Some("codes") => self.new_codes(self.person.proofs),
            Some("passkey") => self.begin_passkey(),
            Some("passkey-add") => self.add_passkey(&form),
            Some("passkey-remove") => self.remove_passkey(&form),
            Some("passkey-rename") => self.rename_passkey(&form),
            Some("unlink") => self.unlink(),
            _ => Err(Refusal::person("The request is malformed.")),
        }
    }

    /// Signed in within minutes, with all that the account asks for by now.
    fn is_fresh(self) -> Result<bool, Refusal> {
        is_fresh(self.house, self.person)
    }

    fn end_one(self, form: &Form) -> Result<Reply, Refusal> {
        let sid = form.get("sid").unwrap_or_default();
        // Another person's session is not found: the statement names the person.
        if list::end(self.house, &self.whose(), sid)? {
            self.record("session-ended", "one, on the account page")?;
        }
        if self.person.session.as_deref() == Some(sid) {
            return Ok(to_login(self.house));
        }
        self.page(StatusCode::OK, Some("The session has ended."))
    }

    fn end_others(self) -> Result<Reply, Refusal> {
        let own = self.person.session.as_deref().unwrap_or_default();
        list::end_others(self.house, &self.whose(), own)?;
        self.record("session-ended", "all others, on the account page")?;
        self.page(StatusCode::OK, Some("The other sessions have ended."))
    }

    fn withdraw(self, form: &Form) -> Result<Reply, Refusal> {
        let client = form.get("client").unwrap_or_default();
        if !consents::withdraw(self.house, &self.whose(), client)? {
            return self.page(StatusCode::OK, None);
        }
        let record = Record::of("consent-withdrawn").source(self.call.peer).client(client);
        self.house.put(record.person(&self.person.subject, &self.person.name))?;
        self.page(StatusCode::OK, Some("The application may not act for you any more."))
    }

    fn change_password(self, form: &Form) -> Result<Reply, Refusal> {
        let (house, person) = (self.house, self.person);
        let now = house.seams.clock.monotonic();
        if house.throttle.attempt(&person.name, self.call.peer, now).is_some() {
            return self.page(StatusCode::TOO_MANY_REQUESTS, Some(SLOW));
        }
        let secret = |name| Secret::new(form.get(name).unwrap_or_default().to_owned());
        let (current, new, again) = (secret("current"), secret("new"), secret("again"));
        let known = Users::new(house).credential(&person.name)?.ok_or(PeopleError::NotFound)?;
        if !password::verify(&current, &known.phc) {
            let record = Record::refused("login-failed", "wrong password on the account page");
            house.put(record.person(&person.subject, &person.name).source(self.call.peer))?;
            return self.page(StatusCode::FORBIDDEN, Some("The current password is wrong."));
        }
        house.throttle.succeed(&person.name, self.call.peer);
        if new != again {
            return self.page(StatusCode::BAD_REQUEST, Some(DIFFERENT));
        }
        let sid = person.session.as_deref().unwrap_or_default();
        match Users::new(house).change_password(&known, &new, sid) {
            Ok(true) => {}
            // Another one was set meanwhile, or the session has ended.
            Ok(false) => return Ok(to_login(house)),
            Err(PeopleError::Password(_)) => {
                return self.page(StatusCode::BAD_REQUEST, Some(WEAK));
            }
            Err(other) => return Err(other.into()),
        }
        self.begin_again(&new)
    }

    /// The address counts when the link in the letter was used, not before.
    fn ask_email(self, form: &Form) -> Result<Reply, Refusal> {
        let house = self.house;
        if !house.post.is_open() {
            return self.page(StatusCode::NOT_FOUND, None);
        }
        let typed = form.get("address").unwrap_or_default();
        let Some(address) = email::normal(typed) else {
            return self.page(StatusCode::BAD_REQUEST, Some(NO_ADDRESS));
        };
        if !reset::may_send(house, self.call, &address) {
            return self.page(StatusCode::TOO_MANY_REQUESTS, Some(SLOW));
        }
        let known = Users::new(house).credential(&self.person.name)?;
        let known = known.ok_or(PeopleError::NotFound)?;
        email::ask(house, &known, &address, self.call.language())?;
        self.page(StatusCode::OK, Some(ON_ITS_WAY))
    }

    /// Signs in anew with the password that was just set, because that ended all sessions.
    fn begin_again(self, password: &Secret<String>) -> Result<Reply, Refusal> {
        let (house, name) = (self.house, self.person.name.as_str());
        let known = Users::new(house).credential(name)?.ok_or(PeopleError::NotFound)?;
        let (person, cookie) =
            open_session(house, self.call, &known.account, (None, self.person.proofs, None))?;
        // An operator may have set another one or disabled the account meanwhile, when there was
        // no session to end. Whoever does from now on finds this one.
        let is_same = password::verify(password, &known.phc) && !known.account.is_disabled;
        if !is_same || Users::new(house).credential(name)?.as_ref() != Some(&known) {
            return self.end_again(&person);
        }
        let own = Own { person: &person, ..self };
        Ok(with_cookie(cookie, own.page(StatusCode::OK, Some("The password is changed."))?))
    }

    fn begin_app(self) -> Result<Reply, Refusal> {
        if factors::of(self.house, &self.whose())?.app.is_some() {
            return self.page(StatusCode::OK, None);
        }
        let account = Users::new(self.house).find(&self.person.name)?;
        let enrolment = factors::begin(self.house, &account)?;
        self.paper(None, |paper| page::app(StatusCode::OK, paper, &enrolment))
    }

    fn confirm_app(self, form: &Form) -> Result<Reply, Refusal> {
        let id = form.get("app").unwrap_or_default();
        let code: String = form.get("code").unwrap_or_default().split_whitespace().collect();
        let account = Users::new(self.house).find(&self.person.name)?;
        match factors::confirm(self.house, &account, id, &code)? {
            Tried::Good => {}
            Tried::Refused(why) => {
                let record = Record::refused("factor-failed", why).source(self.call.peer);
                self.house.put(record.person(&account.subject, &account.name))?;
                let enrolment = factors::pending(self.house, &account, id)?;
                let Some(enrolment) = enrolment else {
                    return self.page(StatusCode::BAD_REQUEST, Some(STALE));
                };
                let status = StatusCode::BAD_REQUEST;
                return self.paper(Some(WRONG), |paper| page::app(status, paper, &enrolment));
            }
        }
        // They have it in their hand: the session rises, and goes on under a new secret.
        let (previous, proofs) = (cookie(self.call, SESSION)?, self.person.proofs.and(Proof::Code));
        let rising = (previous, proofs, Some(self.person.authenticated_at));
        let opened = open_session(self.house, self.call, &account, rising)?;
        let (person, cookie) = opened;
        // It goes on only while it is there, which one transaction says: a sign-out, another
        // password or a disabled account ended it (attack U11).
        if person.session != self.person.session {
            return self.end_again(&person);
        }
        let own = Own { person: &person, ..self };
        Ok(with_cookie(cookie, own.new_codes(proofs)?))
    }

    /// Ends a session that should not have begun.
    fn end_again(self, person: &Person) -> Result<Reply, Refusal> {
        let sid = person.session.as_deref().unwrap_or_default();
        list::end(self.house, &Whose::of(person), sid)?;
        Ok(to_login(self.house))
    }

    fn remove_app(self) -> Result<Reply, Refusal> {
        let account = Users::new(self.house).find(&self.person.name)?;
        factors::remove_app(self.house, &account)?;
        // Whoever has it may have signed in with it.
        let sid = self.person.session.as_deref().unwrap_or_default();
        list::end_others(self.house, &account.whose(), sid)?;
        self.page(StatusCode::OK, Some("The authenticator app is removed."))
    }

    /// Recovery codes are for accounts with a factor that can be lost.
    fn new_codes(self, proofs: Proofs) -> Result<Reply, Refusal> {
        if !proofs.are_two() {
            return self.page(StatusCode::FORBIDDEN, None);
        }
        let account = Users::new(self.house).find(&self.person.name)?;
        let codes = recovery::new_codes(self.house, &account)?;
        self.paper(None, |paper| page::codes(paper, &codes))
    }

    fn record(self, action: &'static str, what: &str) -> Result<(), Refusal> {
        let record = Record::of(action).source(self.call.peer).operation(what);
        Ok(self.house.put(record.person(&self.person.subject, &self.person.name))?)
    }

    fn page(self, status: StatusCode, said: Option<&'static str>) -> Result<Reply, Refusal> {
        let (house, whose) = (self.house, self.whose());
        let email = house.seams.store.read(|view| email::of(view, &whose))?;
        let upstream = house.upstream.load_full();
        let (sessions, factors) = (list::of(self.house, &whose)?, factors::of(self.house, &whose)?);
        let account = Users::new(self.house).find(&self.person.name)?;
        let waits = self.house.sessions.counted(&account.roles, self.person.proofs).len()
            < account.roles.len();
        let shown = page::Account {
            name: &self.person.name,
            sid: self.person.session.as_deref(),
            sessions: &sessions,
            factors: &factors,
            consents: &consents::of(self.house, &whose)?,
            email: email.as_ref(),
            has_mail: house.post.is_open(),
            upstream: self.elsewhere(upstream.as_deref())?,
            logout_path: &self.house.settings.logout_path,
        };
        let said = said.or(waits.then_some(ROLE_WAITS));
        self.paper(said, |paper| page::account(status, paper, &shown))
    }

    fn whose(self) -> Whose {
        Whose::of(self.person)
    }

    fn paper(
        self,
        trouble: Option<&'static str>,
        page: impl FnOnce(Paper<'_>) -> Reply,
    ) -> Result<Reply, Refusal> {
        let action = &self.house.settings.account_path;
        paper(self.house, self.call, (action, trouble), page)
    }
}

/// Signed in within minutes, with all that the account asks for by now.
pub(crate) fn is_fresh(house: &House, person: &Person) -> Result<bool, Refusal> {
    let age = house.seams.clock.now().since(person.authenticated_at);
    let asks = factors::of(house, &Whose::of(person))?.is_asked();
    Ok(age <= FRESH && (!asks || person.proofs.are_two()))
}

fn with_cookie(cookie: HeaderValue, mut reply: Reply) -> Reply {
    reply.headers_mut().append(SET_COOKIE, cookie);
    reply
}

/// To sign in, again if need be, and back.
pub(crate) fn to_login(house: &House) -> Reply {
    let back = utf8_percent_encode(&house.settings.account_path, NON_ALPHANUMERIC);
    see_other(&format!("{}?return_to={back}", house.settings.login_path))
}

/// How long after a login factors may be changed.
const FRESH: Duration = Duration::from_mins(5);

const NO_ADDRESS: &str = "That is no e-mail address.";
const ON_ITS_WAY: &str = "A link to confirm the address is on its way to it.";
const DIFFERENT: &str = "The two new passwords are not the same.";
const ROLE_WAITS: &str = "One of your roles counts only with a second factor. \
                          Set one up below, or sign in with it.";
const SLOW: &str = "Too many attempts. Wait a moment, then try again.";
const STALE: &str = "The page was open for too long. Please try again.";
const WEAK: &str = "The new password is too short, too common, or contains your name.";
const WRONG: &str = "The code is wrong or was used before.";
