//! What a service offers: its operations, as read from OpenAPI or from its routes.

use crate::Place;

/// All operations of one service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Contract {
    /// In the order of the source.
    pub operations: Vec<Operation>,
    /// The file that they were read from, relative to the manifest's folder.
    pub source: String,
    /// Whether schemas were declared, so that bodies can be validated (OpenAPI, not bare routes).
    pub has_schemas: bool,
}

/// One operation: the unit of permission.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Operation {
    /// OpenAPI `operationId`, or the Flask endpoint name. Unique in its service.
    pub name: String,
    /// Upper-case HTTP method.
    pub method: String,
    /// Path template in OpenAPI form, without the service's mount: `/orders/{order_id}`. A Flask
    /// `<path:rest>` parameter is `{rest*}` and takes the remaining segments.
    pub path: String,
    /// Declared parameters.
    pub parameters: Vec<Parameter>,
    /// Names of all properties in the declared responses, however deep. Sorted, unique.
    pub response_fields: Vec<String>,
    /// Names of all properties in the declared request bodies, however deep. Sorted, unique.
    pub request_fields: Vec<String>,
    /// `x-ringwall-own`: where the owner of the object stands, such as `path.user_id`.
    pub own: Option<String>,
    /// Where it is declared.
    pub place: Place,
}

/// A declared parameter of an operation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameter {
    /// As spelled in the source.
    pub name: String,
    /// Where it stands in the request.
    pub place: ParameterPlace,
    /// Whether a request without it is refused.
    pub required: bool,
}

/// Where a parameter stands in a request (OpenAPI `in`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ParameterPlace {
    /// A cookie.
    Cookie,
    /// A header field.
    Header,
    /// A segment of the path.
    Path,
    /// The query string.
    Query,
}
