//! The other issuer on a person's own page. Links are made by way of that issuer
//! (`endpoint/upstream.rs`), and taken away here.

use http::StatusCode;

use crate::answer::{Refusal, Reply};
use crate::endpoint::account::Own;
use crate::page::Elsewhere;
use crate::people::Users;
use crate::sessions::list;
use crate::upstream::{Unlinked, Upstream, linked_since, settle, unlink};

impl Own<'_> {
    pub(super) fn elsewhere(
        self,
        upstream: Option<&Upstream>,
    ) -> Result<Option<Elsewhere<'_>>, Refusal> {
        let Some(upstream) = upstream else { return Ok(None) };
        let (issuer, whose) = (&upstream.settings.issuer, self.whose());
        let since = self.house.seams.store.read(|view| linked_since(view, issuer, &whose))?;
        Ok(Some(Elsewhere { title: upstream.title(), since }))
    }

    pub(super) fn unlink(self) -> Result<Reply, Refusal> {
        let Some(upstream) = self.house.upstream.load_full() else {
            return self.page(StatusCode::NOT_FOUND, None);
        };
        let whose = self.whose();
        let cut = match unlink(self.house, &upstream, &whose)? {
            Unlinked::Done(cut) => cut,
            Unlinked::Nothing => return self.page(StatusCode::OK, None),
            Unlinked::OnlyWayIn => return self.page(StatusCode::CONFLICT, Some(ONLY_WAY_IN)),
        };
        let account = Users::new(self.house).find(&self.person.name)?;
        settle(self.house, &account, &cut, |record| record.source(self.call.peer))?;
        // Whoever is that person there may have signed in by it.
        list::end_others(self.house, &whose, self.person.session.as_deref().unwrap_or_default())?;
        self.page(
            StatusCode::OK,
            Some("The link is taken away, and the other sessions have ended."),
        )
    }
}

const ONLY_WAY_IN: &str = "You could not sign in any more. Add a passkey first.";
