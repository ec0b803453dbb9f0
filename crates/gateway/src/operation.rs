//! An operation as the stages need it: all that can be known before a request comes.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use ringwall_content::graphql;
use ringwall_leaks::Detectors;
use ringwall_manifest::{Leak, Mask, OwnerRule, OwnerSource, Waf};
use ringwall_openapi::{FieldRule, OperationSchema, Schemas};
use ringwall_policy::OperationKey;

use crate::learner::Learning;
use crate::limit::Limit;
use crate::messages::Messages;
use crate::stage::inspect::Uploads;

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Its service.
    pub(crate) service: Arc<str>,
    /// Its name: OpenAPI `operationId`, or the Flask endpoint.
    pub(crate) name: String,
    /// Its place in the engine of its snapshot.
    pub(crate) key: Option<OperationKey>,
    /// Its method.
    pub(crate) method: Method,
    /// Its path template, without mount.
    pub(crate) template: String,
    /// Names of the path parameters, in order.
    pub(crate) parameter_names: Vec<String>,
    /// How often, if that is limited.
    pub(crate) rate: Option<Arc<Limit>>,
    /// What one request counts.
    pub(crate) cost: u32,
    /// Largest request body.
    pub(crate) body_bytes_max: usize,
    /// Longest time until the head of the answer.
    pub(crate) timeout: Duration,
    /// Whether undeclared query parameters are refused.
    pub(crate) refuses_unknown_parameters: bool,
    /// The oldest sign-in of a person that it takes.
    pub(crate) max_age: Option<Duration>,
    /// Where the owner of the object stands, if the manifest says so.
    pub(crate) owner: Option<OwnerRule>,
    /// Whether a bearer token is the app's own.
    pub(crate) passes_bearer: bool,
    /// What happens to response fields outside the schema.
    pub(crate) responses: Leak,
    /// How the firewall looks at its requests.
    pub(crate) waf: Waf,
    /// The files that it takes, if a line says so.
    pub(crate) uploads: Option<Uploads>,
    /// What it may be asked, if it takes GraphQL.
    pub(crate) graphql: Option<graphql::Limits>,
    /// What happens to secrets, stack traces and the like in its answers.
    pub(crate) leaks: Waf,
    /// Whether shapes of its requests and answers are kept.
    pub(crate) learning: Learning,
    /// Whether its service can be spoken to in gRPC, whose streams may have no end.
    pub(crate) speaks_grpc: bool,
    /// Data classes of the service that have field names.
    pub(crate) classes: Vec<Class>,
    /// What messages of gRPC are held to.
    pub(crate) messages: Option<Arc<Messages>>,
    /// The service's schemas.
    pub(crate) schemas: Option<Arc<Schemas>>,
}

/// A data class, ready to be cut.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// One rule for each field.
    pub(crate) fields: Vec<FieldRule>,
    /// How values of it are found.
    pub(crate) detect: Detect,
    /// Who may see it; `None`: everyone who may call.
    pub(crate) see: Option<Vec<ringwall_manifest::Viewer>>,
}

/// How values of a data class are found, and what becomes of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detect {
    /// By these.
    pub(crate) detectors: Detectors,
    /// What stays.
    pub(crate) mask: Mask,
    /// Whether the whole answer is refused.
    pub(crate) refuses: bool,
}

impl Operation {
    /// Its compiled schema, if its service has an OpenAPI file.
    pub(crate) fn schema(&self) -> Option<&OperationSchema> {
        self.schemas.as_ref()?.operation(&self.name)
    }

    /// Whether a message of this type is one of a gRPC stream. To a service that speaks HTTP/1 it is
    /// a name like any other, and no way around the rules. Nor is a name that only begins so:
    /// frameworks read `application/grpc+json` as JSON.
    pub(crate) fn is_grpc(&self, fields: &HeaderMap) -> bool {
        let content_type = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let name = content_type.and_then(|text| text.split(';').next()).map(str::trim_end);
        self.speaks_grpc
            && self.method == Method::POST
            && name.is_some_and(|name| GRPC.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Whether anything is looked for in its answers by detectors.
    pub(crate) fn looks_for_leaks(&self) -> bool {
        self.leaks != Waf::Off
            || self.classes.iter().any(|class| !class.detect.detectors.is_empty())
    }

    /// Whether its answers may have to be read before they leave.
    pub(crate) fn reads_answers(&self) -> bool {
        let owner = self.owner.as_ref().map(|rule| rule.source);
        owner == Some(OwnerSource::Response)
            || self.leaks == Waf::Block
            || self.classes.iter().any(|class| class.see.is_some())
            || (self.responses != Leak::Pass && self.schema().is_some())
    }
}

/// Types of messages that are length-prefixed bytes, which no reader of forms or JSON takes.
const GRPC: [&str; 6] = [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];
