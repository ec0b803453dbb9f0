//! The manifest: reads `ringwall.toml`, checks it, and says what follows from it.
//!
//! Start with [`Draft::read`], then [`check`]: the caller hands in the texts, and gets findings and
//! a [`Model`]. Nothing here reads a file, opens a socket or knows how a line is enforced.

mod source;
mod finding;
mod catalogue;
mod node;
mod syntax;
mod shape;
mod keys;
mod suggest;
mod draft;
mod model;
mod resolve;
mod analyse;
mod access;
mod matrix;
mod view;
mod graph;
mod why;
mod plan;
mod format;
mod schema;

pub use access::{Access, Caller, Flow, flows};
pub use analyse::not_yet::unenforced;
pub use analyse::promises::standing;
pub use catalogue::{Code, codes, page};
pub use draft::{Draft, Want, WantKind};
pub use finding::{Finding, Related, Severity};
pub use format::{FormatError, format};
pub use graph::{Graph, GraphEdge, GraphNode, Lane};
pub use keys::VALUE_DETECTORS;
pub use matrix::{Matrix, Row};
pub use model::{
    Acme, AcmeChallenge, Address, AuditRequests, Authorization, Balance, Breaker, Canary,
    Certificate, CertificateKey, Client, ClientAccess, ClientCertificates, Cors, DataClass, Eject,
    Expectation, Frame, Gateway, Grant, GraphQl, Grpc, HashKey, HeaderLine, Headers, Health,
    HealthCheck, Leak, Limit, Limits, Login, Logs, MailServer, Mask, Mirror, Mode, Model, Network,
    Oidc, Opens, Overload, OwnerRule, OwnerSource, OwnerValue, Partner, Party, Plan, Protocol,
    Rate, RateKey, Redis, Retry, Role, RuleSet, Scope, SecretRule, Service, Tls, TlsHost,
    TlsVersion, UploadRule, Uploads, Upstream, Viewer, Waf, WafModes, WafRules, Webhook,
};
pub use plan::{Change, Effect, plan, plan_json, plan_text};
pub use resolve::{Failure, Inputs, Report, check};
pub use schema::schema;
pub use source::Source;
pub use suggest::nearest;
pub use view::{View, data, routes, secrets, surface};
pub use why::{Explanation, Line, WhyError, why};

/// Reads, checks and formats whatever it is given. For the fuzzer: nothing may panic.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let draft = Draft::read(Source::new("ringwall.toml", text.as_ref()));
    let report = check(&draft, &Inputs::default());
    if let Some(model) = report.model {
        Matrix::of(&model).view().to_text();
        Graph::of(&model).to_svg();
        plan(&Model::default(), &model);
    }
    if let Ok(once) = format(&text) {
        assert_eq!(format(&once).as_deref(), Ok(once.as_str()), "formatting is not stable");
    }
}
