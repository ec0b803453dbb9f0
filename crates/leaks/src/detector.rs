//! The detectors, by name.

use std::fmt;

/// What is looked for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Detector {
    /// Access key ids of AWS, and secret keys that are named so.
    AwsKey,
    /// Numbers of payment cards.
    Card,
    /// Addresses of databases and others with a password in them.
    ConnectionString,
    /// Tokens of GitHub.
    GithubToken,
    /// Tokens of GitLab.
    GitlabToken,
    /// API keys of Google.
    GoogleKey,
    /// Numbers of bank accounts.
    Iban,
    /// Signed JSON Web Tokens.
    Jwt,
    /// Listings of folders that a web server makes.
    Listing,
    /// Tokens of npm.
    NpmToken,
    /// Private keys in PEM, of `OpenSSH`, PGP and `PuTTY`.
    PrivateKey,
    /// Tokens of `PyPI`.
    PypiToken,
    /// Secrets that Ringwall itself gives.
    RingwallToken,
    /// Keys of `SendGrid`.
    SendgridKey,
    /// Tokens of Slack.
    SlackToken,
    /// Errors of databases.
    SqlError,
    /// Stack traces and pages of debuggers.
    StackTrace,
    /// Live keys of Stripe.
    StripeKey,
    /// API keys of Twilio.
    TwilioKey,
}

impl Detector {
    /// Every detector, by name.
    pub const ALL: [Self; 19] = [
        Self::AwsKey,
        Self::Card,
        Self::ConnectionString,
        Self::GithubToken,
        Self::GitlabToken,
        Self::GoogleKey,
        Self::Iban,
        Self::Jwt,
        Self::Listing,
        Self::NpmToken,
        Self::PrivateKey,
        Self::PypiToken,
        Self::RingwallToken,
        Self::SendgridKey,
        Self::SlackToken,
        Self::SqlError,
        Self::StackTrace,
        Self::StripeKey,
        Self::TwilioKey,
    ];

    /// The name, as it stands in manifests, records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsKey => "aws-key",
            Self::Card => "card",
            Self::ConnectionString => "connection-string",
            Self::GithubToken => "github-token",
            Self::GitlabToken => "gitlab-token",
            Self::GoogleKey => "google-key",
            Self::Iban => "iban",
            Self::Jwt => "jwt",
            Self::Listing => "listing",
            Self::NpmToken => "npm-token",
            Self::PrivateKey => "private-key",
            Self::PypiToken => "pypi-token",
            Self::RingwallToken => "ringwall-token",
            Self::SendgridKey => "sendgrid-key",
            Self::SlackToken => "slack-token",
            Self::SqlError => "sql-error",
            Self::StackTrace => "stack-trace",
            Self::StripeKey => "stripe-key",
            Self::TwilioKey => "twilio-key",
        }
    }

    /// The detector of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether it finds a value, which can be masked, and not a page.
    pub const fn finds_values(self) -> bool {
        !matches!(self, Self::Listing | Self::SqlError | Self::StackTrace)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of detectors.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Detectors(u32);

impl Detectors {
    /// None.
    pub const NONE: Self = Self(0);

    /// What has no business in any answer. Cards and accounts are data of the app, a sign-in answers
    /// with JSON Web Tokens, and keys of Google stand in the pages that use its maps: they are not in
    /// it.
    pub const ALWAYS: Self = Self(Self::PAGES.0 | Self::SECRETS.0);

    /// What pages of errors and folders show. People write about such things, too.
    pub const PAGES: Self =
        Self(Detector::Listing.bit() | Detector::SqlError.bit() | Detector::StackTrace.bit());

    /// What of `ALWAYS` is a secret wherever it stands.
    pub const SECRETS: Self = {
        let all = (1 << Detector::ALL.len()) - 1;
        let data = Detector::Card.bit() | Detector::Iban.bit() | Detector::Jwt.bit();
        Self(all & !Self::PAGES.0 & !data & !Detector::GoogleKey.bit())
    };

    /// Whether one is in it.
    pub const fn has(self, one: Detector) -> bool {
        self.0 & one.bit() != 0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in both.
    #[must_use]
    pub const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in it, by name.
    pub fn iter(self) -> impl Iterator<Item = Detector> {
        Detector::ALL.into_iter().filter(move |one| self.has(*one))
    }
}

impl FromIterator<Detector> for Detectors {
    fn from_iter<I: IntoIterator<Item = Detector>>(all: I) -> Self {
        Self(all.into_iter().fold(0, |bits, one| bits | one.bit()))
    }
}
