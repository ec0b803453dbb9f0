//! A signed-in person, how they proved who they are, and the seam through which the gateway asks who holds a session.

use std::fmt::Debug;

use crate::{Tenant, Timestamp};

/// A person that the identity service vouches for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Person {
    /// The stable id of the account, never reused (`sub`).
    pub subject: String,
    /// The login name, unique, which an app may use as its own user name.
    pub name: String,
    /// The organisation that the account is of.
    pub organisation: Tenant,
    /// Roles that the account was given. Included roles are not expanded here.
    pub roles: Vec<String>,
    /// Roles of the account that do not count before a second factor.
    pub withheld: Vec<String>,
    /// The session's public id (`sid`), for revocation. Not the cookie.
    pub session: Option<String>,
    /// When the person last proved who they are.
    pub authenticated_at: Timestamp,
    /// How they did.
    pub proofs: Proofs,
}

/// One way in which a person proves who they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// The password.
    Password,
    /// A code of an authenticator app, or a recovery code in its place.
    Code,
    /// A passkey: something that the person has.
    Passkey,
    /// The passkey cannot be copied from its device, as that says.
    Bound,
    /// The passkey may be on several devices of the person.
    Copied,
    /// The passkey's device knows the person, by a PIN or a finger.
    Verified,
    /// Another issuer knows the person.
    Elsewhere,
    /// Another issuer asked for two factors.
    ElsewhereTwice,
}

/// The ways in which a person proved who they are, in one session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Proofs(u8);

impl Proof {
    const ALL: &[Self] = &[
        Self::Password,
        Self::Code,
        Self::Passkey,
        Self::Bound,
        Self::Copied,
        Self::Verified,
        Self::Elsewhere,
        Self::ElsewhereTwice,
    ];

    const fn bit(self) -> u8 {
        match self {
            Self::Password => 1,
            Self::Code => 2,
            Self::Passkey => 4,
            Self::Verified => 8,
            Self::Bound => 16,
            Self::Copied => 32,
            Self::Elsewhere => 64,
            Self::ElsewhereTwice => 128,
        }
    }

    /// The `amr` value (RFC 8176 section 2).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Code => "otp",
            Self::Passkey => "pop",
            Self::Bound => "hwk",
            Self::Copied => "swk",
            Self::Verified => "user",
            Self::Elsewhere => "fed",
            Self::ElsewhereTwice => "fed-mfa",
        }
    }
}

impl Proofs {
    /// These, and one more.
    #[must_use]
    pub const fn and(self, proof: Proof) -> Self {
        Self(self.0 | proof.bit())
    }

    /// These, and those.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether this is one of them.
    pub const fn has(self, proof: Proof) -> bool {
        self.0 & proof.bit() != 0
    }

    /// Two of what the person knows, has and is. A passkey alone is one, and two when its device
    /// asked for a PIN or a finger.
    pub const fn are_two(self) -> bool {
        let knows =
            self.has(Proof::Password) || self.has(Proof::Verified) || self.has(Proof::Elsewhere);
        let has = self.has(Proof::Code) || self.has(Proof::Passkey);
        (knows && has) || self.has(Proof::ElsewhereTwice)
    }

    /// The `acr` value: the assurance level of NIST SP 800-63B-4.
    pub const fn level(self) -> &'static str {
        if self.are_two() { "aal2" } else { "aal1" }
    }

    /// The `amr` values, with `mfa` when they are two factors.
    pub fn names(self) -> Vec<&'static str> {
        let all = Proof::ALL.iter().copied().filter(|proof| self.has(*proof)).map(Proof::name);
        all.chain(self.are_two().then_some("mfa")).collect()
    }

    /// Reads `amr` values; unknown ones prove nothing.
    pub fn parse(names: &str) -> Self {
        let proofs = Proof::ALL.iter().copied();
        proofs
            .filter(|proof| names.split(' ').any(|name| name == proof.name()))
            .fold(Self::default(), Self::and)
    }
}

/// Who holds a session cookie. Answers from memory: the gateway asks on every request.
pub trait Sessions: Debug + Send + Sync {
    /// The person behind the cookie's value, or `None` when it is unknown, expired or revoked.
    fn person(&self, cookie: &str, now: Timestamp) -> Option<Person>;

    /// The same, without using the session: who is only looked after does not stay signed in by it.
    fn look(&self, cookie: &str, now: Timestamp) -> Option<Person>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_factors_are_of_two_kinds_and_survive_being_written() {
        let of = |proofs: &[Proof]| proofs.iter().fold(Proofs::default(), |all, one| all.and(*one));
        for (proofs, names, level) in [
            (&[][..], "", "aal1"),
            (&[Proof::Password], "pwd", "aal1"),
            (&[Proof::Code], "otp", "aal1"),
            (&[Proof::Passkey], "pop", "aal1"),
            (&[Proof::Code, Proof::Passkey], "otp pop", "aal1"),
            (&[Proof::Password, Proof::Verified], "pwd user", "aal1"),
            (&[Proof::Password, Proof::Code], "pwd otp mfa", "aal2"),
            (&[Proof::Password, Proof::Passkey], "pwd pop mfa", "aal2"),
            (&[Proof::Passkey, Proof::Verified], "pop user mfa", "aal2"),
            (&[Proof::Passkey, Proof::Bound], "pop hwk", "aal1"),
            (&[Proof::Passkey, Proof::Copied, Proof::Verified], "pop swk user mfa", "aal2"),
            (&[Proof::Password, Proof::Bound], "pwd hwk", "aal1"),
            (&[Proof::Elsewhere], "fed", "aal1"),
            (&[Proof::Elsewhere, Proof::Code], "otp fed mfa", "aal2"),
            (&[Proof::Elsewhere, Proof::ElsewhereTwice], "fed fed-mfa mfa", "aal2"),
        ] {
            let proofs = of(proofs);
            assert_eq!((proofs.names().join(" ").as_str(), proofs.level()), (names, level));
            assert_eq!(Proofs::parse(names), proofs);
        }
        assert_eq!(Proofs::parse("face sms mfa"), Proofs::default());
    }
}
