//! Requests and replies of the control socket, shared by the server and the command line.
//!
//! Start with [`Request`] and [`Reply`]. These types cross a wire: a change is a promise to others.
//! Nothing here does anything.

mod hidden;
mod request;
mod reply;

pub use hidden::Hidden;
pub use reply::{CertificateState, Problem, Reply, Status, Tapped, Taps, Top, TopRow, TopUpstream};
pub use request::{AuditFilter, CertificateSpec, ClientSpec, FederationSpec, Request};
