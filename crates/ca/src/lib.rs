//! Issues certificates: a local root, its intermediate, server names, workload identities.
//!
//! Start with [`Authority::create`] or [`Authority::load`], then [`Authority::issue_server`] and
//! [`Authority::issue_workload`]. Private keys come and go as PKCS#8 in `Secret`; whoever holds
//! the authority stores them sealed.
//!
//! Never: opens a file or a socket, signs a request of someone else, issues for another trust
//! domain than its own.

mod authority;
mod certificate;
mod profile;
mod seat;
mod spiffe_id;
mod host;
mod error;

pub use authority::{Authority, Parts, Settings};
pub use certificate::Certificate;
pub use error::{CreateError, IssueError, LoadError};
pub use host::{Host, HostError};
pub use spiffe_id::{SpiffeId, SpiffeIdError};
