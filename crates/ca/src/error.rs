//! Why there is no authority, or no certificate.

use std::io;
use std::time::Duration;

use ringwall_base::{Fault, Timestamp};

use crate::{HostError, SpiffeId, SpiffeIdError};

/// Why no authority was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A certificate could not be made.
    #[error("the authority's certificates cannot be made")]
    Issue(#[from] IssueError),
    /// The name of the house is no trust domain.
    #[error("the name cannot be a trust domain")]
    TrustDomain(#[from] SpiffeIdError),
}

/// Why stored parts are no authority.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// The intermediate was not signed by the root.
    #[error("the intermediate certificate is not signed by the root")]
    Chain,
    /// A key is not the one in its certificate.
    #[error("the {which} key does not belong to its certificate")]
    Key {
        /// Root or intermediate.
        which: &'static str,
    },
    /// A certificate or a key cannot be read.
    #[error("the {which} cannot be read")]
    Malformed {
        /// Which part.
        which: &'static str,
    },
    /// The name of the house is no trust domain.
    #[error("the name cannot be a trust domain")]
    TrustDomain(#[from] SpiffeIdError),
}

/// Why a certificate was not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No randomness for the serial number.
    #[error("no randomness is to be had")]
    Entropy(#[source] io::Error),
    /// The issuer's own certificate has expired, or is not valid yet: is the clock right?
    #[error("the issuing certificate is valid from {from} to {until}, and it is now {now}")]
    Expired {
        /// Start of its life.
        from: Timestamp,
        /// End of its life.
        until: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// A host name cannot be in a certificate.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The life that was asked for is empty, or longer than allowed.
    #[error("a life of {asked:?} is not between one second and {max:?}")]
    Life {
        /// What was asked for.
        asked: Duration,
        /// The setting.
        max: Duration,
    },
    /// A server certificate needs between one and 100 names.
    #[error("{count} names do not fit into a certificate")]
    NameCount {
        /// How many were asked for.
        count: usize,
    },
    /// The root's key is kept elsewhere.
    #[error("the root key is not here")]
    NoRootKey,
    /// The certificate could not be encoded or signed.
    #[error("the certificate could not be made")]
    Sign(#[from] rcgen::Error),
    /// The workload belongs to another trust domain.
    #[error("`{id}` is not in the trust domain `{ours}`")]
    TrustDomain {
        /// Who was asked for.
        id: SpiffeId,
        /// For whom this authority may speak.
        ours: String,
    },
}

impl IssueError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Host(_)
            | Self::Life { .. }
            | Self::NameCount { .. }
            | Self::TrustDomain { .. } => Fault::Caller,
            Self::Expired { .. } | Self::NoRootKey => Fault::Operator,
            Self::Entropy(_) | Self::Sign(_) => Fault::Ours,
        }
    }
}
