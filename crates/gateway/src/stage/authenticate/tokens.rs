//! Access tokens: alone, with the proof of a key, or over a connection with a certificate.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ringwall_base::Timestamp;
use ringwall_jose::{
    AccessClaims, AccessToken, BoundAccessToken, Confirmation, DpopProof, Expected, KeySet,
    Replays, TokenCache, Use, VerifyError, base64url_encode,
};
use ringwall_net::Peer;
use ringwall_policy::PersonFacts;
use serde_json::Value;

use super::shown::{challenged, proof};
use super::{Authenticate, Caller, Edge};
use crate::Refusal;
use crate::refusal::Challenge;
use crate::stage::normalize::Normal;
use crate::standing::expand;
use crate::tenure::Credential;

/// Access tokens seen before, who calls with each, and the proofs that came with them. A token is
/// in one of the two caches at most: those in `bound` need a proof, or the certificate, at each use.
#[derive(Debug)]
pub(crate) struct Tokens {
    free: TokenCache<AccessToken, Holder>,
    bound: TokenCache<BoundAccessToken, Holder>,
    proofs: Replays,
}

/// Who calls with a verified token, by the roles of one snapshot.
#[derive(Debug)]
pub(crate) struct Holder {
    claims: Arc<AccessClaims>,
    /// What must be proved at each use.
    confirmation: Option<Confirmation>,
    caller: Arc<Caller>,
    /// The epoch of revocations at which it was not revoked.
    held_at: AtomicU64,
}

impl Tokens {
    pub(crate) fn new(expected: &Expected, entries_max: usize) -> Self {
        Self {
            free: TokenCache::new(expected.clone(), entries_max),
            bound: TokenCache::new(expected.clone(), entries_max),
            proofs: Replays::new(DpopProof::memory()),
        }
    }

    /// What the tokens must say.
    pub(crate) const fn expected(&self) -> &Expected {
        self.free.expected()
    }
}

impl Authenticate {
    pub(super) fn by_token(
        &self,
        edge: &Edge,
        token: &str,
        (peer, now): (&Peer, Timestamp),
    ) -> Result<Arc<Caller>, Refusal> {
        let keys = self.keys.access();
        // Read before the look-up: what is revoked in between is looked up at the next use.
        let epoch = self.keys.epoch();
        let signed = self.signed(token, Challenge::Bearer)?;
        let token = signed.as_ref();
        let (free, bound, at) = (&edge.tokens.free, &edge.tokens.bound, (now, edge.reading));
        let known = peer.client().and_then(|_shown| bound.recall(&keys, token, at));
        let holder = match known {
            Some(known) => Ok(known),
            None => match free.verify(&keys, token, at, |claims| self.holder(claims, None, now)) {
                // Without a certificate there is nothing that it could be bound to.
                Err(VerifyError::Bound) if peer.client().is_some() => {
                    self.bound(edge, &keys, token, now)
                }
                other => other,
            },
        };
        let holder = holder.map_err(|error| Refusal::unauthenticated(error.to_string()))?;
        // RFC 8705 section 3: compared at each use. Another connection has another certificate.
        let shown = peer.client().map(|shown| base64url_encode(shown.sha256));
        match &holder.confirmation {
            None => {}
            Some(Confirmation::Certificate(hash)) if shown.as_ref() == Some(hash) => {}
            Some(Confirmation::Certificate(_)) => {
                return Err(Refusal::unauthenticated("the token is bound to another certificate"));
            }
            Some(Confirmation::Key(_)) => {
                return Err(Refusal::unauthenticated(VerifyError::Bound.to_string()));
            }
        }
        self.held(&holder, (epoch, Challenge::Bearer))
    }

    fn bound(
        &self,
        edge: &Edge,
        keys: &KeySet,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<Holder>, VerifyError> {
        edge.tokens.bound.verify(keys, token, (now, edge.reading), |bound| {
            self.holder(&Arc::new(bound.access.clone()), Some(bound.confirmation.clone()), now)
        })
    }

    /// RFC 9449 section 7.1: the token, and a proof that was made to send it here and now.
    pub(super) fn by_proof(
        &self,
        edge: &Edge,
        token: &str,
        request: &Normal,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Refusal> {
        let keys = self.keys.access();
        let epoch = self.keys.epoch();
        let signed = self.signed(token, Challenge::Dpop)?;
        let holder = self.bound(edge, &keys, signed.as_ref(), now);
        let holder = holder.map_err(|error| challenged(error.to_string(), Challenge::Dpop))?;
        let Some(Confirmation::Key(jkt)) = &holder.confirmation else {
            return Err(challenged("the token is bound to no key", Challenge::Dpop));
        };
        let caller = self.held(&holder, (epoch, Challenge::Dpop))?;
        // A key is read and a signature verified only for who has a good token.
        let proof = proof(request, now)?;
        if jkt != proof.jkt() {
            return Err(challenged("the proof is of another key", Challenge::Proof));
        }
        if !proof.is_for(token) {
            return Err(challenged("the proof is for another token", Challenge::Proof));
        }
        // Last: only who holds a token and its key can fill this memory, and only a share of it
        // (attack Q5).
        match edge.tokens.proofs.note(proof.jkt(), proof.token_id(), now) {
            Use::First => Ok(caller),
            Use::Again => Err(challenged("the proof was used before", Challenge::Proof)),
            Use::Full => Err(Refusal::TooMany {
                limit: "proofs by one key".to_owned(),
                retry_after_secs: DpopProof::memory().as_secs(),
            }),
        }
    }

    /// The token itself, or the one that it stands for. A signed token has two dots, an opaque one
    /// none.
    fn signed<'t>(&self, token: &'t str, challenge: Challenge) -> Result<Cow<'t, str>, Refusal> {
        if token.contains('.') {
            return Ok(Cow::Borrowed(token));
        }
        let swapped = self.keys.swap(token).map(|signed| Cow::Owned(signed.expose().clone()));
        swapped.ok_or_else(|| challenged("no such token", challenge))
    }

    /// Who holds a token that was not revoked since.
    fn held(
        &self,
        holder: &Holder,
        (epoch, challenge): (u64, Challenge),
    ) -> Result<Arc<Caller>, Refusal> {
        if holder.held_at.load(Ordering::Acquire) != epoch {
            if self.keys.is_revoked(&holder.claims) {
                return Err(challenged("the token was revoked", challenge));
            }
            holder.held_at.store(epoch, Ordering::Release);
        }
        Ok(Arc::clone(&holder.caller))
    }

    fn holder(
        &self,
        claims: &Arc<AccessClaims>,
        confirmation: Option<Confirmation>,
        now: Timestamp,
    ) -> Holder {
        let person = PersonFacts {
            subject: claims.subject.clone(),
            // No login name has a colon: a program called `ada` must not own what is Ada's.
            name: claims.name.clone().unwrap_or_else(|| format!("client:{}", claims.subject)),
            organisation: claims.organisation.clone(),
            roles: expand(&self.includes, &claims.roles),
            mfa: is_two_factors(claims, now),
        };
        let withheld = expand(&self.includes, &named(claims, "roles_aal2"));
        let client = Some(claims.client_id.clone());
        let credential = Credential::Token(Arc::clone(claims));
        let person = Some(person);
        let caller = Caller {
            person,
            client,
            withheld,
            is_consumed: true,
            credential,
            service: None,
            authenticated_at: claims.authenticated_at,
        };
        let (claims, caller) = (Arc::clone(claims), Arc::new(caller));
        Holder { claims, confirmation, caller, held_at: AtomicU64::new(NEVER) }
    }
}

/// Whether the token says that its person showed two factors, not longer ago than a session that
/// they open may last. Who refreshes for a month did not show them today.
fn is_two_factors(claims: &AccessClaims, now: Timestamp) -> bool {
    let is_high = claims.extra.get("acr").and_then(Value::as_str) == Some("aal2");
    let shown = claims.authenticated_at;
    is_high && !claims.is_program() && shown.is_some_and(|at| now < at.plus(TWO_FACTORS_LAST))
}

/// The texts of a claim that is a list.
fn named(claims: &AccessClaims, name: &str) -> Vec<String> {
    let listed = claims.extra.get(name).and_then(Value::as_array);
    let texts = listed.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// `session_life` of identity: roles that want two factors are in no token that is older.
const TWO_FACTORS_LAST: Duration = Duration::from_hours(12);

/// No epoch: a token that was just verified may have been revoked long ago.
const NEVER: u64 = u64::MAX;
