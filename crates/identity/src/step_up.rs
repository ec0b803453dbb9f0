//! Step-up (RFC 9470): who has shown one factor is asked for another.

use std::time::Duration;

use ringwall_base::Person;
use ringwall_store::StoreError;

use crate::factors;
use crate::identity::House;
use crate::tables::Whose;

/// What a person has to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StepUp {
    /// Nothing.
    Done,
    /// Sign in again: their second factor is asked for then.
    Login,
    /// Set up a second factor first.
    SetUp,
}

/// What is left to do before this person has shown two factors, if they are wanted.
pub(crate) fn of(house: &House, person: &Person, wants_two: bool) -> Result<StepUp, StoreError> {
    if !wants_two || person.proofs.are_two() {
        return Ok(StepUp::Done);
    }
    let is_asked = factors::of(house, &Whose::of(person))?.is_asked();
    Ok(if is_asked { StepUp::Login } else { StepUp::SetUp })
}

/// Whether they signed in longer ago than `max_age` allows, in seconds.
pub(crate) fn is_stale(house: &House, person: &Person, max_age: Option<&str>) -> bool {
    let Some(max_age) = max_age else { return false };
    // Not a number asks for more than we know, so for a sign-in.
    let max_age = Duration::from_secs(max_age.parse::<u32>().unwrap_or(0).into());
    house.seams.clock.now().since(person.authenticated_at) > max_age
}

/// Whether `acr_values` (OpenID Connect Core section 3.1.2.1), best first, wants two factors. Who
/// names one factor, too, is content with it.
pub(crate) fn asks_for_two(acr_values: &str) -> bool {
    let mut levels = acr_values.split(' ').filter(|level| !level.is_empty());
    levels.any(|level| level == TWO) && !acr_values.split(' ').any(|level| level == ONE)
}

/// The `acr` of one factor, and of two: [`ringwall_base::Proofs::level`].
const ONE: &str = "aal1";
const TWO: &str = "aal2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_content_with_nothing_less_wants_two() {
        for (values, want) in
            [("aal2", true), ("phr aal2", true), ("aal2 aal1", false), ("aal1", false), ("", false)]
        {
            assert_eq!(asks_for_two(values), want, "{values}");
        }
    }
}
