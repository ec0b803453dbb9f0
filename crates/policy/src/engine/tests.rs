use std::collections::BTreeMap;
use std::str::FromStr as _;

use cedar_policy::{Authorizer, PolicySet, ValidationMode, Validator};
use proptest::prelude::*;

use ringwall_base::Tenant;

use super::*;
use crate::{Circumstances, PersonFacts, entity};

fn inventory() -> Inventory {
    Inventory {
        services: BTreeMap::from([
            ("orders".to_owned(), vec!["getOrder".to_owned(), "refund".to_owned()]),
            ("users".to_owned(), vec!["getUser".to_owned(), "register".to_owned()]),
        ]),
        roles: vec!["admin".to_owned(), "customer".to_owned(), "support".to_owned()],
    }
}

fn rule(principal: Principal, target: &str, scope: Scope) -> Rule {
    let (service, operation) = target.split_once('.').unwrap();
    Rule {
        principal,
        service: service.to_owned(),
        operation: operation.to_owned(),
        scope,
        place: Place { file: "ringwall.toml".to_owned(), line: 7, column: 1 },
        id: target.to_owned(),
    }
}

fn role(name: &str) -> Principal {
    Principal::Role(name.to_owned())
}

fn service(name: &str) -> Principal {
    Principal::Service(name.to_owned())
}

fn rules() -> Vec<Rule> {
    vec![
        rule(Principal::Anyone, "users.register", Scope::All),
        rule(role("customer"), "users.getUser", Scope::Own),
        rule(role("support"), "users.getUser", Scope::All),
        rule(service("orders"), "users.getUser", Scope::OnBehalf),
        rule(role("customer"), "orders.getOrder", Scope::Own),
        rule(Principal::Anyone, "orders.getOrder", Scope::Own),
        rule(service("users"), "orders.getOrder", Scope::OnBehalf),
        rule(service("users"), "orders.getOrder", Scope::All),
    ]
}

/// `of-acme` among the roles is no role, but an organisation.
fn person(roles: &[&str]) -> PersonFacts {
    let organisation = roles.iter().find_map(|role| Tenant::parse(role.strip_prefix("of-")?));
    PersonFacts {
        subject: "u-1".to_owned(),
        name: "ana".to_owned(),
        organisation: organisation.unwrap_or_default(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        mfa: roles.contains(&"admin"),
    }
}

fn ask(engine: &Engine, who: Option<&PersonFacts>, caller: Option<&str>, target: &str) -> Decision {
    let (service, operation) = target.split_once('.').unwrap();
    engine.decide(&Question {
        person: who,
        caller,
        service,
        operation,
        circumstances: Circumstances {
            method: "GET",
            path: "/",
            address: "192.0.2.1".parse().ok(),
            unix_secs: 5,
        },
    })
}

fn engine(cedar: &str) -> Engine {
    let files = [("p.cedar".to_owned(), cedar.to_owned())];
    Engine::build(&inventory(), &rules(), &files).unwrap()
}

fn allow(rule: usize, own: bool) -> Decision {
    Decision::Allow { rule, own }
}

fn deny(reason: DenyReason, nearest: Option<usize>) -> Decision {
    Decision::Deny { reason, nearest }
}

#[track_caller]
fn check(cedar: &str, roles: Option<&[&str]>, caller: Option<&str>, target: &str, want: Decision) {
    let person = roles.map(person);
    assert_eq!(ask(&engine(cedar), person.as_ref(), caller, target), want);
}

#[test]
fn what_no_line_grants_is_denied() {
    check("", Some(&["admin"]), None, "users.getUser", deny(DenyReason::NotGranted, Some(1)));
    check("", Some(&["admin"]), None, "orders.refund", deny(DenyReason::NotGranted, None));
    check("", None, Some("users"), "orders.refund", deny(DenyReason::NotGranted, None));
    check("", None, Some("nobody"), "users.getUser", deny(DenyReason::NotGranted, Some(3)));
}

#[test]
fn an_unknown_operation_is_denied() {
    check("", Some(&["admin"]), None, "users.nope", deny(DenyReason::UnknownOperation, None));
    check("", Some(&["admin"]), None, "nope.getUser", deny(DenyReason::UnknownOperation, None));
    let all = "permit (principal, action, resource);";
    check(all, Some(&["admin"]), None, "users.nope", deny(DenyReason::UnknownOperation, None));
}

#[test]
fn roles_are_a_union_in_which_all_beats_own() {
    check("", Some(&["customer"]), None, "users.getUser", allow(1, true));
    check("", Some(&["support"]), None, "users.getUser", allow(2, false));
    check("", Some(&["customer", "support"]), None, "users.getUser", allow(2, false));
    check("", Some(&["support", "customer"]), None, "users.getUser", allow(2, false));
    check("", Some(&[]), None, "users.register", allow(0, false));
    check("", None, None, "users.register", allow(0, false));
}

#[test]
fn the_anonymous_are_asked_to_sign_in_where_people_are_granted() {
    check("", None, None, "users.getUser", deny(DenyReason::NotSignedIn, Some(1)));
    // Even where everybody may reach their own objects: the anonymous own nothing.
    check("", None, None, "orders.getOrder", deny(DenyReason::NotSignedIn, Some(4)));
    check("", None, None, "orders.refund", deny(DenyReason::NotGranted, None));
}

#[test]
fn on_behalf_needs_a_person_and_all_does_not() {
    check("", None, Some("orders"), "users.getUser", deny(DenyReason::NeedsPerson, Some(3)));
    check("", Some(&[]), Some("orders"), "users.getUser", allow(3, false));
    check("", None, Some("users"), "orders.getOrder", allow(7, false));
}

#[test]
fn a_service_does_not_borrow_the_roles_of_the_person_it_passes_on() {
    check(
        "",
        Some(&["support"]),
        Some("users"),
        "users.getUser",
        deny(DenyReason::NotGranted, Some(3)),
    );
}

#[test]
fn a_forbid_beats_the_table_and_names_itself() {
    let forbid = "@id(\"night\")\nforbid (principal, action, resource == Operation::\"users.getUser\") when { context.time < 6 };";
    check(forbid, Some(&["support"]), None, "users.getUser", deny(DenyReason::Forbidden, Some(8)));
    check(forbid, Some(&[]), Some("orders"), "users.getUser", deny(DenyReason::Forbidden, Some(8)));
    let engine = engine(forbid);
    let origin = engine.origin(8).unwrap();
    assert_eq!((origin.id.as_str(), origin.place.to_string().as_str()), ("night", "p.cedar:1:1"));
    let later = forbid.replace("< 6", "< 5");
    check(&later, Some(&["support"]), None, "users.getUser", allow(2, false));
}

#[test]
fn a_forbid_unless_own_narrows_a_grant() {
    let forbid = "forbid (principal, action, resource in Api::\"users\") unless { context.own };";
    check(forbid, Some(&["support"]), None, "users.getUser", allow(2, true));
    check(forbid, None, None, "users.register", deny(DenyReason::Forbidden, Some(8)));
}

#[test]
fn a_permit_with_a_condition_adds_to_the_table() {
    let permit = "permit (principal in Role::\"admin\", action, resource == Operation::\"orders.refund\") when { principal is User && principal.mfa };";
    check(permit, Some(&["admin"]), None, "orders.refund", allow(8, false));
    check(permit, Some(&["support"]), None, "orders.refund", deny(DenyReason::NotGranted, None));
    let acme = permit.replace("principal.mfa", "principal.organisation == \"acme\"");
    check(&acme, Some(&["admin", "of-acme"]), None, "orders.refund", allow(8, false));
    for other in [&["admin", "of-zeta"][..], &["admin"]] {
        check(&acme, Some(other), None, "orders.refund", deny(DenyReason::NotGranted, None));
    }
    let own = permit.replace("principal.mfa", "context.own");
    check(&own, Some(&["admin"]), None, "orders.refund", allow(8, true));
    let behalf = "permit (principal == Service::\"users\", action, resource == Operation::\"orders.refund\") when { context has person && context.person in Role::\"support\" };";
    check(behalf, Some(&["support"]), Some("users"), "orders.refund", allow(8, false));
    check(
        behalf,
        Some(&["admin"]),
        Some("users"),
        "orders.refund",
        deny(DenyReason::NotGranted, None),
    );
}

#[test]
fn a_policy_that_fails_denies() {
    // Overflow is what strict validation cannot exclude.
    let bad = "forbid (principal, action, resource == Operation::\"users.getUser\") when { context.time * 9223372036854775807 > 1 };";
    check(bad, Some(&["support"]), None, "users.getUser", deny(DenyReason::Failed, Some(8)));
    check(bad, Some(&["customer"]), None, "orders.getOrder", allow(4, true));
}

#[test]
fn names_cannot_break_out_of_their_quotes() {
    let odd = "x\" || true; //";
    check("", Some(&[odd]), None, "orders.refund", deny(DenyReason::NotGranted, None));
    let inventory = Inventory {
        services: BTreeMap::from([("s".to_owned(), vec![odd.to_owned()])]),
        roles: vec![odd.to_owned()],
    };
    let mut rule = rule(role(odd), "s.x", Scope::All);
    odd.clone_into(&mut rule.operation);
    let engine = Engine::build(&inventory, &[rule], &[]).unwrap();
    assert_eq!(PolicySet::from_str(engine.grants()).unwrap().policies().count(), 1);
}

#[track_caller]
fn check_refused(rules: &[Rule], cedar: &str, want: &str) {
    let files = [("p.cedar".to_owned(), cedar.to_owned())];
    let error = Engine::build(&inventory(), rules, &files).unwrap_err().to_string();
    assert!(error.contains(want), "{error}");
}

#[test]
fn a_wrong_input_builds_nothing() {
    check_refused(&[rule(role("x"), "users.getUser", Scope::All)], "", "no role is called `x`");
    check_refused(
        &[rule(role("admin"), "users.x", Scope::All)],
        "",
        "`users` has no operation `x`",
    );
    check_refused(&[rule(role("admin"), "x.x", Scope::All)], "", "no service is called `x`");
    check_refused(
        &[rule(service("x"), "users.getUser", Scope::All)],
        "",
        "no service is called `x`",
    );
    check_refused(&[rule(service("orders"), "users.getUser", Scope::Own)], "", "owns nothing");
    check_refused(&[rule(role("admin"), "users.getUser", Scope::OnBehalf)], "", "is for services");
    check_refused(&[], "permit (principal, action, resource)", "p.cedar");
    check_refused(&[], "\n\npermit (principal in Role::\"admn\", action, resource);", "p.cedar:3:");
    check_refused(&[], "permit (principal, action, resource) when { principal.mfa };", "mfa");
    check_refused(
        &[],
        "permit (principal, action, resource == Operation::\"users.x\");",
        "p.cedar:1:1: no operation is called `users.x`",
    );
    // A `forbid` that can never apply would permit what it was written against.
    check_refused(
        &[],
        "forbid (principal, action, resource) when { [Operation::\"users.x\"].contains(resource) };",
        "p.cedar:1:1: no operation is called `users.x`",
    );
    check_refused(&[], "permit (principal == ?principal, action, resource);", "template");
}

#[test]
fn policies_reach_only_the_operations_of_their_scope() {
    let text = "permit (principal, action, resource == Operation::\"users.getUser\");
                forbid (principal, action, resource in Api::\"users\") when { context.path == \"\" };";
    let engine = engine(text);
    let count = |service, operation| {
        let entry =
            engine.table.place(service, operation).and_then(|at| engine.table.entry(at)).unwrap();
        entry.conditions.as_ref().map_or(0, |conditions| conditions.len())
    };
    assert_eq!(count("users", "getUser"), 2);
    assert_eq!(count("users", "register"), 1);
    assert_eq!(count("orders", "getOrder"), 0);
}

/// What Cedar says with the generated policies and without the table.
fn by_cedar(policies: &PolicySet, question: &Question<'_>) -> Option<bool> {
    let says = |own| {
        let (request, entities) = entity::request(question, own).unwrap();
        let response = Authorizer::new().is_authorized(&request, policies, &entities);
        assert_eq!(response.diagnostics().errors().count(), 0);
        response.decision() == cedar_policy::Decision::Allow
    };
    let can_own = question.person.is_some() && question.caller.is_none();
    if says(false) { Some(false) } else { (can_own && says(true)).then_some(true) }
}

fn equal(rules: &[Rule]) {
    let inventory = inventory();
    let engine = Engine::build(&inventory, rules, &[]).unwrap();
    let policies = PolicySet::from_str(engine.grants()).unwrap();
    let (schema, _) = Schema::from_cedarschema_str(engine.schema()).unwrap();
    let result = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    assert!(result.validation_passed(), "{result}");
    assert_eq!(policies.policies().count(), rules.len());

    let names = ["admin", "customer", "support"];
    let people: Vec<Option<PersonFacts>> = (0..8)
        .map(|bits| {
            let some = (0..3).filter(|bit| bits & (1 << bit) != 0).map(|bit| names[bit]);
            Some(person(&some.collect::<Vec<_>>()))
        })
        .chain([None])
        .collect();
    for (service, operation) in targets(&inventory) {
        for (person, caller) in people.iter().flat_map(|person| CALLERS.map(|name| (person, name)))
        {
            let question = Question {
                person: person.as_ref(),
                caller,
                service: &service,
                operation: &operation,
                circumstances: Circumstances::default(),
            };
            let table = match engine.decide(&question) {
                Decision::Allow { own, .. } => Some(own),
                Decision::Deny { .. } => None,
            };
            assert_eq!(table, by_cedar(&policies, &question), "{question:?}");
        }
    }
}

const CALLERS: [Option<&str>; 4] = [None, Some("orders"), Some("users"), Some("nobody")];

fn targets(inventory: &Inventory) -> Vec<(String, String)> {
    let pairs = inventory.services.iter().flat_map(|(service, operations)| {
        operations.iter().map(move |operation| (service.clone(), operation.clone()))
    });
    pairs.collect()
}

#[test]
fn the_table_equals_cedar_for_every_caller_and_operation() {
    equal(&rules());
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let people = prop_oneof![
        Just(Principal::Anyone),
        prop::sample::select(vec!["admin", "customer", "support"]).prop_map(role),
    ];
    let for_people = (people, prop::sample::select(vec![Scope::All, Scope::Own]));
    let services = prop::sample::select(vec!["orders", "users"]).prop_map(service);
    let for_services = (services, prop::sample::select(vec![Scope::All, Scope::OnBehalf]));
    let targets = vec!["orders.getOrder", "orders.refund", "users.getUser", "users.register"];
    (prop_oneof![for_people, for_services], prop::sample::select(targets))
        .prop_map(|((principal, scope), target)| rule(principal, target, scope))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_table_equals_cedar_for_any_rules(rules in prop::collection::vec(any_rule(), 0..12)) {
        equal(&rules);
    }

    #[test]
    fn hostile_text_never_panics(data in ".{0,80}") {
        crate::fuzz(data.as_bytes());
        crate::fuzz(format!("u c getUser\npermit(principal,action,resource)when{{{data}}};").as_bytes());
    }
}

#[test]
fn a_key_of_another_engine_permits_nothing() {
    let (one, other) = (engine(""), engine(""));
    let person = person(&["support"]);
    let question = Question {
        person: Some(&person),
        caller: None,
        service: "users",
        operation: "getUser",
        circumstances: Circumstances::default(),
    };
    let key = one.find("users", "getUser");
    assert_eq!(one.decide_at(key, &question), one.decide(&question));
    assert!(one.decide_at(key, &question).is_allowed());
    assert!(!other.decide_at(key, &question).is_allowed());
    assert!(!one.decide_at(None, &question).is_allowed());
}
