//! What is granted: the lines of the manifest, as this package reads them.

use std::collections::BTreeMap;

use ringwall_base::Place;

/// What there is to be granted, and whom it can be granted to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Inventory {
    /// Services and the names of all their operations, granted or not.
    pub services: BTreeMap<String, Vec<String>>,
    /// Roles of people, without `anyone`.
    pub roles: Vec<String>,
}

/// One grant without a condition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Who.
    pub principal: Principal,
    /// The service that is called.
    pub service: String,
    /// Its operation.
    pub operation: String,
    /// What narrows the grant.
    pub scope: Scope,
    /// The line that gives it.
    pub place: Place,
    /// A name for records, such as `orders.people.customer`.
    pub id: String,
}

/// Who is granted something.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Principal {
    /// Everybody, signed in or not.
    Anyone,
    /// People with a role. Included roles are the asker's business: see `PersonFacts::roles`.
    Role(String),
    /// A service, by its identity in mutual TLS.
    Service(String),
}

/// What narrows a grant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Nothing.
    All,
    /// For services: only while a person's identity is passed on.
    OnBehalf,
    /// For people: only their own objects.
    Own,
}
