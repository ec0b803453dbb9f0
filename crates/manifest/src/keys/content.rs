//! Keys of uploaded files and of GraphQL.

use super::{TEXTS, key};
use crate::shape::{Key, Shape};

/// One table for each operation, or for `*`.
pub(crate) const UPLOADS: Shape = Shape::Map(&Shape::Table(UPLOAD));

pub(crate) const UPLOAD: &[Key] = &[
    key("kinds", TEXTS, "Media types of the files that are taken: `image/png`, `image/*`."),
    key("file", Shape::Text, "Largest file: `5 MiB`."),
    key("files", Shape::Integer(0, 1_000), "Most files of one request."),
    key(
        "active",
        Shape::Choice(&["refuse", "pass"]),
        "What happens to files that do something when they are opened (scripts in SVG, HTML and PDF, \
         macros); `refuse` if not given.",
    ),
    key("archive", Shape::Table(ARCHIVE), "What archives and Office documents may hold."),
];

pub(crate) const ARCHIVE: &[Key] = &[
    key("entries", Shape::Integer(1, 100_000), "Most entries, of all archives together."),
    key("unpacked", Shape::Text, "Most bytes that all archives unpack to: `64 MiB`."),
    key("depth", Shape::Integer(0, 8), "Archives inside archives; 1 is an archive alone."),
    key("ratio", Shape::Integer(2, 10_000), "How many times larger a large entry may become."),
];

pub(crate) const GRAPHQL: &[Key] = &[
    key("operations", TEXTS, "Operations that take GraphQL requests, by GET or by POST."),
    key("depth", Shape::Integer(1, 100), "Fields inside fields; 12 if not given."),
    key(
        "cost",
        Shape::Integer(1, 1_000_000_000),
        "Fields, each times the numbers of the lists that it is in; 1000 if not given.",
    ),
    key("aliases", Shape::Integer(0, 10_000), "Fields under another name; 30 if not given."),
    key("fields", Shape::Integer(1, 10_000), "Fields at the top; 20 if not given."),
    key("directives", Shape::Integer(0, 10_000), "Directives of a document; 50 if not given."),
    key("batch", Shape::Integer(1, 100), "Requests in one body; 1 if not given."),
    key("introspection", Shape::Bool, "The schema may be asked for; not if not given."),
    key(
        "documents",
        Shape::Text,
        "Folder with the only documents that are taken, `*.graphql`, by SHA-256 or by text.",
    ),
    key(
        "counts",
        TEXTS,
        "Arguments that say how many objects there may be, beside `first`, `limit` …",
    ),
];
