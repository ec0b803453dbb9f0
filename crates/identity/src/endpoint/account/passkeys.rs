//! The passkeys on a person's own page. What makes or removes one was asked for in a fresh session.

use http::StatusCode;

use crate::answer::{Refusal, Reply};
use crate::check::{FormToken, SESSION, cookie};
use crate::endpoint::account::{Own, with_cookie};
use crate::endpoint::passkey::offer;
use crate::factors;
use crate::form::Form;
use crate::page::{self, Paper};
use crate::passkeys::{self, Purpose};
use crate::people::Users;
use crate::record::Record;
use crate::sessions::list;
use crate::welcome::open_session;

impl Own<'_> {
    pub(super) fn begin_passkey(self) -> Result<Reply, Refusal> {
        self.enrolment(StatusCode::OK, None)
    }

    fn enrolment(
        self,
        status: StatusCode,
        trouble: Option<&'static str>,
    ) -> Result<Reply, Refusal> {
        let (subject, name) = (self.person.subject.as_str(), self.person.name.as_str());
        let purpose = Purpose::Enrol { subject, sid: self.sid() };
        let token = FormToken::issue(self.house, self.call)?;
        let Some(offer) = offer(self.house, &token, purpose, Some(&self.whose()))? else {
            return self.page(StatusCode::BAD_REQUEST, Some(NO_NAME));
        };
        let head = (self.house.settings.account_path.as_str(), trouble);
        let page = |paper: Paper<'_>| page::new_passkey(status, paper, &offer, (subject, name));
        Ok(token.paper(self.call, head, page))
    }

    pub(super) fn add_passkey(self, form: &Form) -> Result<Reply, Refusal> {
        let (house, call) = (self.house, self.call);
        let account = Users::new(house).find(&self.person.name)?;
        let browser = FormToken::issue(house, call)?.field;
        let proofs = match passkeys::enrol(house, (&account, self.sid()), &browser, form)? {
            Ok(proofs) => self.person.proofs.with(proofs),
            Err(why) => {
                let record = Record::refused("factor-failed", why).source(call.peer);
                house.put(record.person(&account.subject, &account.name))?;
                return self.enrolment(StatusCode::BAD_REQUEST, Some(WRONG));
            }
        };
        // They have it in their hand: the session rises, as it does with an app.
        let previous = cookie(call, SESSION)?;
        let rising = (previous, proofs, Some(self.person.authenticated_at));
        let (person, cookie) = open_session(house, call, &account, rising)?;
        if person.session != self.person.session {
            return self.end_again(&person);
        }
        let own = Own { person: &person, ..self };
        let has_codes = factors::of(house, &account.whose())?.recovery_codes > 0;
        let reply = if has_codes || !proofs.are_two() {
            own.page(StatusCode::OK, Some("The passkey is added."))?
        } else {
            own.new_codes(proofs)?
        };
        Ok(with_cookie(cookie, reply))
    }

    pub(super) fn rename_passkey(self, form: &Form) -> Result<Reply, Refusal> {
        let account = Users::new(self.house).find(&self.person.name)?;
        let given = |name| form.get(name).unwrap_or_default();
        passkeys::rename(self.house, &account, given("passkey"), given("name"))?;
        self.page(StatusCode::OK, None)
    }

    pub(super) fn remove_passkey(self, form: &Form) -> Result<Reply, Refusal> {
        let account = Users::new(self.house).find(&self.person.name)?;
        let id = form.get("passkey").unwrap_or_default();
        let removed = passkeys::remove(self.house, &account, Some(id))?;
        // Whoever has it may have signed in with it.
        list::end_others(self.house, &account.whose(), self.sid())?;
        self.page(StatusCode::OK, (removed > 0).then_some("The passkey is removed."))
    }

    fn sid(&self) -> &str {
        self.person.session.as_deref().unwrap_or_default()
    }
}

const NO_NAME: &str = "Passkeys need a name for this server, and it has an address only.";
const WRONG: &str = "The passkey was not accepted. Please try again.";
