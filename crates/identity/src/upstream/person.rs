//! What a checked ID token says of a person, and whether the operator wants them.

use std::time::Duration;

use ringwall_base::{Proof, Proofs, Timestamp};
use ringwall_jose::IdClaims;
use serde_json::Value;

use super::{AnswerError, RoleClaim, UpstreamSettings};
use crate::email;
use crate::upstream::Journey;

/// A person, as the issuer knows them.
#[derive(Clone, Debug)]
pub(crate) struct Vouched {
    /// Never given to anybody else there.
    pub(crate) subject: String,
    /// What an account that is made for them may be called.
    pub(super) name: Option<String>,
    /// The roles that the operator gives for what the issuer says; `None` when that gives none.
    pub(super) roles: Option<Vec<String>>,
    pub(crate) proofs: Proofs,
    /// When they proved it there; never in the future.
    pub(crate) since: Timestamp,
}

impl UpstreamSettings {
    pub(super) fn vouched(
        &self,
        claims: &IdClaims,
        journey: &Journey,
        now: Timestamp,
    ) -> Result<Vouched, AnswerError> {
        if !(1..=SUBJECT_BYTES_MAX).contains(&claims.subject.len()) {
            return Err(AnswerError::Claim("the subject is empty or too long"));
        }
        let address = self.address(claims);
        let has_claims = self.claims.iter().all(|(name, value)| text(claims, name) == Some(value));
        if !has_claims || (address.is_none() && !self.domains.is_empty()) {
            return Err(AnswerError::Unwelcome);
        }
        let name = match self.name_claim.as_deref() {
            None | Some("email") => address,
            // Who chooses their own name there does not choose somebody's address (attack U3).
            Some(claim) => text(claims, claim).map(str::to_owned).filter(|name| {
                !name.contains('@') || email::normal(name).is_some_and(|it| Some(it) == address)
            }),
        };
        // What is before a slash is an organisation, and not the issuer's to choose.
        let name = name.filter(|name| !name.contains('/'));
        Ok(Vouched {
            subject: claims.subject.clone(),
            name,
            roles: self.roles_of(claims),
            proofs: self.proofs(claims),
            since: since(claims, journey, now)?,
        })
    }

    /// An address that the issuer has confirmed, and that it is trusted to know: in one of the domains.
    fn address(&self, claims: &IdClaims) -> Option<String> {
        if claims.extra.get("email_verified") != Some(&Value::Bool(true)) {
            return None;
        }
        let address = email::normal(text(claims, "email")?)?;
        let (_, domain) = address.rsplit_once('@')?;
        let is_known = self.domains.iter().any(|known| known.eq_ignore_ascii_case(domain));
        is_known.then_some(address)
    }

    fn roles_of(&self, claims: &IdClaims) -> Option<Vec<String>> {
        let RoleClaim { claim, roles } = self.role_claim.as_ref()?;
        let values = claims.extra.get(claim);
        let list = values.and_then(Value::as_array).into_iter().flatten();
        let said = list.chain(values).filter_map(Value::as_str);
        Some(said.filter_map(|value| roles.get(value)).cloned().collect())
    }

    /// Whatever was proved there is one factor here, unless the operator says which words mean two.
    fn proofs(&self, claims: &IdClaims) -> Proofs {
        let methods = claims.extra.get("amr").and_then(Value::as_array).into_iter().flatten();
        let mut said = methods.chain(claims.extra.get("acr")).filter_map(Value::as_str);
        let proofs = Proofs::default().and(Proof::Elsewhere);
        let are_two = said.any(|word| self.two_factors.iter().any(|two| two == word));
        if are_two { proofs.and(Proof::ElsewhereTwice) } else { proofs }
    }
}

/// When the person signed in there. A login there may be old, and does not become a new one by coming
/// here (attack U9).
fn since(claims: &IdClaims, journey: &Journey, now: Timestamp) -> Result<Timestamp, AnswerError> {
    let said = claims.extra.get("auth_time").and_then(Value::as_u64).map(Timestamp::from_secs);
    if !journey.is_fresh {
        // It was asked (`max_age`). Who does not say has shown nothing that a client's `max_age` or a
        // change of the account could take.
        return Ok(said.unwrap_or_default().min(now));
    }
    // Their clock is not ours; what they were asked for was a login after this journey began.
    match said {
        Some(said) if said.plus(SKEW) >= journey.begun() => Ok(said.max(journey.begun()).min(now)),
        Some(_) | None => Err(AnswerError::Old),
    }
}

fn text<'a>(claims: &'a IdClaims, name: &str) -> Option<&'a str> {
    claims.extra.get(name).and_then(Value::as_str)
}

/// OpenID Connect Core section 2.
const SUBJECT_BYTES_MAX: usize = 255;
const SKEW: Duration = Duration::from_secs(30);
