//! What services say of uploaded files and of GraphQL.

use std::collections::BTreeSet;

use super::quantity::bytes;
use super::{Checker, chosen, is_true};
use crate::catalogue::code;
use crate::draft::WantKind;
use crate::model::{GraphQl, UploadRule, Uploads};
use crate::node::{Entry, Node};
use crate::source::At;

impl Checker<'_> {
    /// The files that operations take. All operations are known by now.
    pub(super) fn uploads(&mut self, entry: &Entry) -> Uploads {
        let mut uploads = Uploads::default();
        for line in entry.node.table("uploads") {
            let rule = self.upload_rule(line);
            if line.key == "*" {
                uploads.all = Some(rule);
            } else if self.known_operation(&entry.key, &line.key, line.at) {
                self.has_body(&entry.key, line);
                uploads.operations.insert(line.key.clone(), rule);
            }
        }
        uploads
    }

    fn upload_rule(&mut self, line: &Entry) -> UploadRule {
        let node = &line.node;
        // Its keys stand nowhere else: those of the line itself are unknown, which is reported.
        let archive = node.get("archive").unwrap_or(node);
        let rule = UploadRule {
            kinds: self.kinds(node),
            file_bytes_max: self.size(node, "file"),
            files_max: count(node, "files"),
            passes_active: chosen(node, "active", &[("pass", true)], false),
            entries_max: count(archive, "entries"),
            unpacked_bytes_max: self.size(archive, "unpacked"),
            depth_max: count(archive, "depth"),
            ratio_max: count(archive, "ratio"),
            place: self.place(line.at),
        };
        if rule.passes_active
            && let Some(kind) =
                rule.kinds.iter().find(|kind| RUN_BY_BROWSERS.contains(&kind.as_str()))
        {
            self.findings
                .add(code::WEAK_CONTENT, line.at, format!("`{kind}` with scripts passes"))
                .label("whoever opens such a file at your address runs its script there")
                .help("take out `active = \"pass\"`, or serve these files from another host");
        }
        rule
    }

    fn kinds(&mut self, node: &Node) -> Vec<String> {
        let mut kinds = Vec::new();
        for (text, at) in node.get("kinds").map(Node::texts).unwrap_or_default() {
            let kind = text.to_ascii_lowercase();
            if !is_media_type(&kind) {
                let near = crate::suggest::did_you_mean(&kind, USUAL);
                self.findings
                    .add(code::BAD_CONTENT, at, format!("`{text}` is not a media type"))
                    .label("two words with a slash between them, or `image/*`")
                    .help(near.unwrap_or_else(|| "write `kinds = [\"image/png\"]`".to_owned()));
                continue;
            }
            if CLOSED.contains(&kind.as_str()) {
                self.findings
                    .add(code::WEAK_CONTENT, at, format!("nobody looks into `{kind}`"))
                    .label("such an archive passes whatever is in it")
                    .help("take `application/zip` or `application/gzip`, which are looked into");
            }
            kinds.push(kind);
        }
        kinds.sort();
        kinds.dedup();
        kinds
    }

    fn size(&mut self, node: &Node, key: &str) -> Option<u64> {
        let inner = node.get(key)?;
        let text = inner.as_text()?;
        let size = bytes(text).filter(|size| *size > 0);
        if size.is_none() {
            self.findings
                .add(code::BAD_LIMIT, inner.at, format!("`{text}` is not a size"))
                .label("a number with B, KiB, MiB or GiB")
                .help(format!("write `{key} = \"5 MiB\"`"));
        }
        size
    }

    /// A line for what has no body does nothing.
    fn has_body(&mut self, service: &str, line: &Entry) {
        let operations = self.model.services.get(service).map(|one| &one.operations);
        let method = operations.and_then(|all| all.get(&line.key)).map(|one| one.method.clone());
        if let Some(method) = method.filter(|method| ["GET", "HEAD"].contains(&method.as_str())) {
            self.findings
                .add(code::IDLE_CONTENT, line.at, format!("`{}` is a {method}", line.key))
                .label("such a request has no body, so no files come with it")
                .help("name the operation that takes the files");
        }
    }

    /// What the GraphQL operations of a service may be asked.
    pub(super) fn graphql(&mut self, entry: &Entry) -> Option<GraphQl> {
        let line = entry.node.entry("graphql")?;
        let node = &line.node;
        let operations = self.graphql_operations(&entry.key, node, line.at);
        let counts = node.get("counts").map(Node::texts).unwrap_or_default();
        let cost = node.get("cost").and_then(Node::as_integer);
        Some(GraphQl {
            operations,
            depth_max: count(node, "depth"),
            cost_max: cost.and_then(|cost| u64::try_from(cost).ok()),
            aliases_max: count(node, "aliases"),
            root_fields_max: count(node, "fields"),
            directives_max: count(node, "directives"),
            batch_max: count(node, "batch"),
            allows_introspection: is_true(node, "introspection"),
            documents: self.documents(&entry.key, node),
            counts: counts.into_iter().map(|(name, _)| name.to_owned()).collect(),
            place: self.place(line.at),
        })
    }

    /// The texts of stored documents, which the caller has read.
    fn documents(&mut self, service: &str, node: &Node) -> Option<BTreeSet<String>> {
        let at = node.get("documents")?.at;
        let is_reported = self.failures(WantKind::GraphQl, service, Some(at));
        let found = self.inputs.documents.get(service).cloned().unwrap_or_default();
        if found.is_empty() && !is_reported {
            self.findings
                .add(code::BAD_CONTENT, at, format!("`{service}` has no stored documents"))
                .label("no document would be taken")
                .help("a folder with one document in each `*.graphql` file");
        }
        Some(found)
    }

    fn graphql_operations(&mut self, service: &str, node: &Node, at: At) -> Vec<String> {
        let texts = node.get("operations").map(Node::texts).unwrap_or_default();
        if texts.is_empty() {
            self.findings
                .add(code::BAD_CONTENT, at, format!("no operation of `{service}` takes GraphQL"))
                .label("without `operations` nothing is looked at")
                .help("write `operations = [\"graphql\"]`: the names of the operations");
        }
        let known = texts.into_iter().filter(|(name, at)| self.known_operation(service, name, *at));
        known.map(|(name, _)| name.to_owned()).collect()
    }
}

fn count(node: &Node, key: &str) -> Option<u32> {
    node.get(key).and_then(Node::as_integer).and_then(|number| u32::try_from(number).ok())
}

/// `image/png`, or `image/*`.
fn is_media_type(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_graphic() && !b"/;,*\"".contains(&byte))
    };
    let parts = text.split_once('/');
    parts.is_some_and(|(kind, sub)| is_word(kind) && (sub == "*" || is_word(sub)))
}

/// Archives whose members nobody counts.
const CLOSED: [&str; 6] = [
    "application/vnd.rar",
    "application/x-7z-compressed",
    "application/x-bzip2",
    "application/x-rar-compressed",
    "application/x-xz",
    "application/zstd",
];

/// Files whose scripts run at the address that they come from.
const RUN_BY_BROWSERS: [&str; 3] = ["application/xhtml+xml", "image/svg+xml", "text/html"];

/// What people mean when they mistype one.
const USUAL: [&str; 9] = [
    "application/gzip",
    "application/pdf",
    "application/zip",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/plain",
];
