//! The words that all packages share.
//!
//! Ids, secrets, time, the audit event, the contract of a service, and the four seams:
//! [`Clock`], [`Entropy`], [`Signer`] and [`Sink`]. No I/O, no wire format, no logic that moves:
//! an edit here rebuilds everything.

mod clock;
mod timestamp;
mod entropy;
mod secret;
mod id;
mod place;
mod tenant;
mod person;
mod contract;
mod event;
mod signer;
mod client_certificate;
mod fault;

pub use client_certificate::{AlternativeName, ClientCertificate, RelativeName, Voucher};
pub use clock::{Clock, ManualClock, SystemClock};
pub use contract::{Contract, Operation, Parameter, ParameterPlace};
pub use entropy::{Entropy, SystemEntropy};
pub use event::{Class, Event, Judged, Notice, Outcome, RuleMatch, Sink, SinkError};
pub use fault::Fault;
pub use id::{RequestId, Ulid};
pub use person::{Person, Proof, Proofs, Sessions};
pub use place::Place;
pub use secret::Secret;
pub use signer::{Algorithm, SignError, Signer};
pub use tenant::Tenant;
pub use timestamp::Timestamp;
