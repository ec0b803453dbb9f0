use ringwall_manifest::{Scope, Severity};

use crate::fleet::{SHOP, examine};

#[test]
fn the_sample_of_the_reference_is_accepted() {
    let report = examine(SHOP);
    let errors: Vec<_> =
        report.findings.iter().filter(|one| one.severity != Severity::Note).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let model = report.model.unwrap();
    assert_eq!(model.services.len(), 3);
    let grants = &model.services["users"].people["customer"];
    assert_eq!(grants[0].operation, "getUser");
    assert_eq!(grants[0].scope, Scope::Own);
    assert_eq!(grants[0].place.to_string(), "ringwall.toml:26:20");
    assert_eq!(model.expectations.len(), 6);
    assert_eq!(model.roles["admin"].includes, ["support"]);
    assert_eq!(model.elevated_roles().into_iter().collect::<Vec<_>>(), ["admin", "support"]);
}

#[test]
fn a_role_that_includes_one_with_mfa_wants_two_factors_too() {
    let sample = SHOP.replace("admin = { mfa = true, ", "admin = { ");
    assert_ne!(sample, SHOP);
    let elevated = examine(&sample).model.unwrap().elevated_roles();
    assert_eq!(elevated.into_iter().collect::<Vec<_>>(), ["admin", "support"]);
}

#[test]
fn the_sample_is_in_the_one_format() {
    assert_eq!(ringwall_manifest::format(SHOP).unwrap(), SHOP);
}
