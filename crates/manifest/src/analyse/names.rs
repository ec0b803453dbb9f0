//! Who has what, by a name that somebody else lets them choose.

use ringwall_base::Place;

use crate::catalogue::code;
use crate::model::OwnerValue;
use crate::resolve::Checker;

pub(super) fn run(checker: &mut Checker<'_>) {
    let claim = checker.model.gateway.oidc.as_ref().and_then(|oidc| oidc.name_claim.clone());
    let Some(claim) = claim.filter(|claim| claim != "email") else { return };
    let rules = checker.model.services.values().flat_map(|service| service.own.values());
    let by_name = rules.filter(|rule| rule.equals == OwnerValue::Name);
    let places: Vec<Place> = by_name.map(|rule| rule.place.clone()).collect();
    for place in places {
        let at = checker.at(&place);
        checker
            .findings
            .add(code::OWNER_BY_NAME, at, "the owner is told by a name that people may choose")
            .label(format!("the other issuer's `{claim}` names new accounts"))
            .help("write `= person.sub`, or leave `name_claim` out of `oidc`");
    }
}
