//! An ID token that comes back: who an application believes is here. It may have expired, and proves
//! nothing about the browser that brings it.

use ringwall_jose::{IdClaims, VerifyError};

use crate::form::Form;
use crate::identity::House;

/// What an `id_token_hint` says.
#[derive(Clone, Debug)]
pub(crate) enum Hint {
    /// Ours, whether or not it has expired.
    Known(Box<IdClaims>),
    /// Of a key that we do not have, or have no more: it says nothing.
    Unknown,
}

impl Hint {
    /// What a hint of ours says.
    pub(crate) fn claims(&self) -> Option<&IdClaims> {
        match self {
            Self::Known(claims) => Some(claims),
            Self::Unknown => None,
        }
    }
}

/// The hint of a request, if there is one.
///
/// # Errors
/// When it names a key of ours and is not what that signed, or no ID token (attack L2).
pub(crate) fn id_token_hint(house: &House, form: &Form) -> Result<Option<Hint>, VerifyError> {
    let Some(token) = form.get("id_token_hint") else { return Ok(None) };
    let (keys, now) = (house.keys.snapshot(), house.seams.clock.now());
    match keys.id.verify_id_hint(token, &house.settings.issuer, now) {
        Ok(claims) => Ok(Some(Hint::Known(Box::new(claims)))),
        // An application may keep its token for longer than we keep a retired key.
        Err(VerifyError::Key) => Ok(Some(Hint::Unknown)),
        Err(other) => Err(other),
    }
}
