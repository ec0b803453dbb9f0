//! The kinds of tokens: closed, one type each, so that one can never pass for another.

use std::time::Duration;

use crate::algorithm::SignatureAlgorithm;
use crate::claims::Claims;
use crate::{
    AccessClaims, AssertionClaims, BoundClaims, FederatedClaims, IdClaims, InternalClaims,
    LogoutClaims, VerifyError,
};

/// A kind of token. Implemented here only.
pub trait Profile: sealed::Sealed {
    /// The accepted `typ` values.
    const TYPS: &'static [&'static str];
    /// Whether a token without `typ` is refused.
    const TYP_REQUIRED: bool = true;
    /// Whether a token without `kid` is refused.
    const KID_REQUIRED: bool = true;
    /// The accepted algorithms. Never symmetric.
    const ALGORITHMS: &'static [SignatureAlgorithm] = ASYMMETRIC;
    /// Whether `aud` may be a list with one entry: nobody else is addressed by it either.
    const AUDIENCE_MAY_BE_LIST: bool = false;
    /// Whether a token without `iat` is refused. Without, its life is counted from now.
    const ISSUED_REQUIRED: bool = true;
    /// How far two clocks may be apart.
    const SKEW: Duration = Duration::from_secs(5);
    /// The longest accepted `exp - iat`.
    const LIFE_MAX: Duration;
    /// What a verified token of this kind says.
    type Claims;

    /// Reads the claims of this kind.
    ///
    /// # Errors
    /// When one is missing or malformed.
    #[doc(hidden)]
    fn read(claims: Claims) -> Result<Self::Claims, VerifyError>;
}

/// `at+jwt` (RFC 9068).
#[derive(Clone, Copy, Debug)]
pub struct AccessToken;

/// `at+jwt` that is bound to a key or a certificate: never accepted without a proof of it (RFC 9449
/// section 7, RFC 8705 section 3).
#[derive(Clone, Copy, Debug)]
pub struct BoundAccessToken;

/// `JWT` with `aud` = the client (OpenID Connect Core section 2).
#[derive(Clone, Copy, Debug)]
pub struct IdToken;

/// An ID token of another issuer, at which our people sign in. Others sign with RSA, and leave `typ`
/// and `kid` out.
#[derive(Clone, Copy, Debug)]
pub struct ForeignIdToken;

/// `logout+jwt` (OpenID Connect Back-Channel Logout section 2.4).
#[derive(Clone, Copy, Debug)]
pub struct LogoutToken;

/// `private_key_jwt` (RFC 7523). Clients send `JWT`, nothing, or the newer media type.
#[derive(Clone, Copy, Debug)]
pub struct ClientAssertion;

/// What another issuer says of a workload of its own (RFC 7523 section 3): tokens of CI systems and
/// clusters.
#[derive(Clone, Copy, Debug)]
pub struct FederatedAssertion;

/// `rw-int+jwt`: what a door tells its service about caller and person.
#[derive(Clone, Copy, Debug)]
pub struct Internal;

impl Profile for AccessToken {
    const TYPS: &'static [&'static str] = &["at+jwt"];
    const LIFE_MAX: Duration = Duration::from_hours(1);
    type Claims = AccessClaims;

    fn read(claims: Claims) -> Result<Self::Claims, VerifyError> {
        AccessClaims::read(claims)
    }
}

impl Profile for BoundAccessToken {
    const TYPS: &'static [&'static str] = &["at+jwt"];
    const LIFE_MAX: Duration = Duration::from_hours(1);
    type Claims = BoundClaims;

    fn read(claims: Claims) -> Result<Self::Claims, VerifyError> {
        BoundClaims::read(claims)
    }
}

impl Profile for IdToken {
    const TYPS: &'static [&'static str] = &["JWT"];
    const LIFE_MAX: Duration = Duration::from_hours(1);
    type Claims = IdClaims;

    fn read(claims: Claims) -> Result<Self::Claims, VerifyError> {
        IdClaims::read(claims)
    }
}

impl Profile for ForeignIdToken {
    const TYPS: &'static [&'static str] = &["JWT"];
    const TYP_REQUIRED: bool = false;
    const KID_REQUIRED: bool = false;
    const AUDIENCE_MAY_BE_LIST: bool = true;
    // Their clock is not ours.
    const SKEW: Duration = Duration::from_secs(30);
    // It is used once, as it comes: what matters is that it is new.
    const LIFE_MAX: Duration = Duration::from_hours(24);
    type Claims = IdClaims;

    fn read(claims: Claims) -> Result<Self::Claims, VerifyError> {
        IdClaims::read(claims)
    }
}

impl Profile for LogoutToken {
    const TYPS: &'static [&'static str] = &["logout+jwt"];
    const LIFE_MAX: Duration = Duration::from_mins(5);
    type Claims = LogoutClaims;

    fn read(claims: Claims) -> Result<Self::Claims, VerifyError> {
        LogoutClaims::read(claims)
    }
}

impl Profile for ClientAssertion {
    const TYPS: &'static [&'static str] = &["JWT", "client-authentication+jwt"];
    const TYP_REQUIRED: bool = false;
    const KID_REQUIRED: bool = false;
    // RFC 7523 section 3: `exp` and `jti` bound it.
    const ISSUED_REQUIRED: bool = false;
    // No RSASSA-PKCS1-v1_5: what remains is what FAPI 2.0 accepts.
    const ALGORITHMS: &'static [SignatureAlgorithm] =
        &[SignatureAlgorithm::EdDsa, SignatureAlgorithm::Es256, SignatureAlgorithm::Ps256];
    // FAPI 2.0: 8 s ahead is accepted, 60 s is not.
    const SKEW: Duration = Duration::from_secs(10);
    const LIFE_MAX: Duration = Duration::from_mins(5);
    type Claims = AssertionClaims;

    fn read(claims: Claims) -> Result<Self::Claims, VerifyError> {
        AssertionClaims::read(claims)
    }
}

impl Profile for FederatedAssertion {
    const TYPS: &'static [&'static str] = &["JWT"];
    const TYP_REQUIRED: bool = false;
    const ISSUED_REQUIRED: bool = false;
    // Kubernetes writes every `aud` as a list.
    const AUDIENCE_MAY_BE_LIST: bool = true;
    const SKEW: Duration = Duration::from_secs(30);
    // A projected token of Kubernetes lives 3,607 s, one of a GitLab job as long as the job.
    const LIFE_MAX: Duration = Duration::from_hours(2);
    type Claims = FederatedClaims;

    fn read(claims: Claims) -> Result<Self::Claims, VerifyError> {
        FederatedClaims::read(claims)
    }
}

impl Profile for Internal {
    const TYPS: &'static [&'static str] = &["rw-int+jwt"];
    const ALGORITHMS: &'static [SignatureAlgorithm] = &[SignatureAlgorithm::EdDsa];
    const LIFE_MAX: Duration = Duration::from_mins(1);
    type Claims = InternalClaims;

    fn read(claims: Claims) -> Result<Self::Claims, VerifyError> {
        InternalClaims::read(claims)
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::AccessToken {}
    impl Sealed for super::BoundAccessToken {}
    impl Sealed for super::ClientAssertion {}
    impl Sealed for super::FederatedAssertion {}
    impl Sealed for super::ForeignIdToken {}
    impl Sealed for super::IdToken {}
    impl Sealed for super::Internal {}
    impl Sealed for super::LogoutToken {}
}

const ASYMMETRIC: &[SignatureAlgorithm] = &[
    SignatureAlgorithm::EdDsa,
    SignatureAlgorithm::Es256,
    SignatureAlgorithm::Es384,
    SignatureAlgorithm::Es512,
    SignatureAlgorithm::Ps256,
    SignatureAlgorithm::Ps384,
    SignatureAlgorithm::Ps512,
    SignatureAlgorithm::Rs256,
    SignatureAlgorithm::Rs384,
    SignatureAlgorithm::Rs512,
];
