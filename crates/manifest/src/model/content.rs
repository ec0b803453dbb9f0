//! Content that no OpenAPI document describes: uploaded files and GraphQL.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_base::Place;

use super::Service;

/// The files that operations of a service take.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Uploads {
    /// For operations without a line of their own (`"*"`).
    pub all: Option<UploadRule>,
    /// For single ones.
    pub operations: BTreeMap<String, UploadRule>,
}

/// The files that an operation takes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UploadRule {
    /// Media types in lower case, sorted; empty: every one.
    pub kinds: Vec<String>,
    /// The largest file.
    pub file_bytes_max: Option<u64>,
    /// The most files of one request.
    pub files_max: Option<u32>,
    /// Whether files pass that do something when they are opened.
    pub passes_active: bool,
    /// Entries of all archives together.
    pub entries_max: Option<u32>,
    /// Bytes that all archives together unpack to.
    pub unpacked_bytes_max: Option<u64>,
    /// Archives inside archives.
    pub depth_max: Option<u32>,
    /// How many times larger a large entry may become.
    pub ratio_max: Option<u32>,
    /// Its line.
    pub place: Place,
}

/// What the GraphQL operations of a service may be asked. `None`: as the program has it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GraphQl {
    /// The operations that take such requests.
    pub operations: Vec<String>,
    /// Fields inside fields.
    pub depth_max: Option<u32>,
    /// Fields, each times the numbers of its lists.
    pub cost_max: Option<u64>,
    /// Fields under another name.
    pub aliases_max: Option<u32>,
    /// Fields at the top.
    pub root_fields_max: Option<u32>,
    /// Directives of a document.
    pub directives_max: Option<u32>,
    /// Requests in one body.
    pub batch_max: Option<u32>,
    /// Whether the schema may be asked for.
    pub allows_introspection: bool,
    /// The texts of the only documents that are taken. `None`: every document.
    pub documents: Option<BTreeSet<String>>,
    /// More names of arguments that say how many objects there may be.
    pub counts: Vec<String>,
    /// The `[services.NAME.graphql]` line.
    pub place: Place,
}

impl Service {
    /// Which files an operation takes, and whether the line is one for all operations.
    pub fn uploads_for(&self, operation: &str) -> Option<(&UploadRule, bool)> {
        let own = self.uploads.operations.get(operation).map(|rule| (rule, false));
        own.or_else(|| self.uploads.all.as_ref().map(|rule| (rule, true)))
    }

    /// What an operation may be asked, if it takes GraphQL requests.
    pub fn graphql_for(&self, operation: &str) -> Option<&GraphQl> {
        self.graphql.as_ref().filter(|one| one.operations.iter().any(|name| name == operation))
    }
}
