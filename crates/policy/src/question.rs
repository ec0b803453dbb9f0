//! A question: may this caller call that operation?

use std::net::IpAddr;

use ringwall_base::Tenant;

/// May this caller call that operation? Everything is borrowed: asking allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The signed-in person; for a calling service, the person whose identity it passes on.
    pub person: Option<&'a PersonFacts>,
    /// The calling service. `None` at the edge, where people and programs come in.
    pub caller: Option<&'a str>,
    /// The service that is called.
    pub service: &'a str,
    /// Its operation.
    pub operation: &'a str,
    /// What conditions may look at.
    pub circumstances: Circumstances<'a>,
}

/// What is known about a person.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PersonFacts {
    /// The account's stable id.
    pub subject: String,
    /// The login name.
    pub name: String,
    /// The account's organisation.
    pub organisation: Tenant,
    /// All roles, with the included ones. `anyone` need not be in it.
    pub roles: Vec<String>,
    /// Whether a second factor was used for this session.
    pub mfa: bool,
}

/// What conditions may look at besides the caller and the operation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path that was matched, decoded once.
    pub path: &'a str,
    /// The client's address; a condition sees it as text.
    pub address: Option<IpAddr>,
    /// Seconds since the Unix epoch.
    pub unix_secs: i64,
}
