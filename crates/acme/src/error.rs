//! What goes wrong with an ACME server.

use std::time::Duration;

use crate::CustodyError;

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The server cannot be reached, or refuses.
    #[error("{directory}: {source}")]
    Server {
        /// Whom was asked.
        directory: String,
        /// What it says.
        #[source]
        source: instant_acme::Error,
        /// How long it wants to be left alone (RFC 8555 section 6.6).
        wait: Option<Duration>,
    },
    /// The server does not offer the challenge that was configured.
    #[error("{directory} does not offer {challenge} for {name}")]
    NoChallenge {
        /// Whom was asked.
        directory: String,
        /// Which one.
        challenge: &'static str,
        /// For which name.
        name: String,
    },
    /// The server looked, and did not find what it expected.
    #[error("{directory} does not see that {name} is ours: {why}")]
    NotSeen {
        /// Who looked.
        directory: String,
        /// Where.
        name: String,
        /// What it says.
        why: String,
    },
    /// It gave a certificate that is of no use.
    #[error("the certificate of the server cannot be used: {0}")]
    Useless(&'static str),
    /// A certificate or key that cannot be read.
    #[error("certificate and key cannot be used")]
    Certificate(#[from] ringwall_net::CertificateError),
    /// A key or request that cannot be made.
    #[error("a key or request cannot be made")]
    Make(#[from] rcgen::Error),
    /// The account's record is damaged.
    #[error("the record of the account is damaged")]
    Account(#[source] serde_json::Error),
    /// Keys cannot be kept.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// No randomness.
    #[error("no randomness")]
    Randomness(#[from] std::io::Error),
}

impl AcmeError {
    /// How long the server wants to be left alone.
    pub(crate) const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Server { wait, .. } => *wait,
            Self::NoChallenge { .. }
            | Self::NotSeen { .. }
            | Self::Useless(_)
            | Self::Certificate(_)
            | Self::Make(_)
            | Self::Account(_)
            | Self::Custody(_)
            | Self::Randomness(_) => None,
        }
    }
}
