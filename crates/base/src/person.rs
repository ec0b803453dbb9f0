//! A signed-in person, and the seam through which the gateway asks who holds a session.

use std::fmt::Debug;

use crate::Timestamp;

/// A person that the identity service vouches for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Person {
    /// The stable id of the account, never reused (`sub`).
    pub subject: String,
    /// The login name, unique, which an app may use as its own user name.
    pub name: String,
    /// Roles that the account was given. Included roles are not expanded here.
    pub roles: Vec<String>,
    /// The session's public id (`sid`), for revocation. Not the cookie.
    pub session: Option<String>,
    /// When the person last proved who they are.
    pub authenticated_at: Timestamp,
}

/// Who holds a session cookie. Answers from memory: the gateway asks on every request.
pub trait Sessions: Debug + Send + Sync {
    /// The person behind the cookie's value, or `None` when it is unknown, expired or revoked.
    fn person(&self, cookie: &str, now: Timestamp) -> Option<Person>;

    /// The same, without using the session: who is only looked after does not stay signed in by it.
    fn look(&self, cookie: &str, now: Timestamp) -> Option<Person>;
}
