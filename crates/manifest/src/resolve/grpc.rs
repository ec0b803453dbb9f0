//! Descriptors of gRPC: the file, what is asked of messages, and drift from `routes`.

use ringwall_base::{Contract, Operation};

use super::Checker;
use super::operations::parse_route;
use super::quantity::bytes;
use super::survive::number;
use crate::catalogue::code;
use crate::model::{Grpc, Protocol, Service};
use crate::node::{Entry, Node};

impl Checker<'_> {
    /// What a service asks of its messages.
    pub(super) fn grpc(&mut self, node: &Node, service: &Service) -> Option<Grpc> {
        let found = node.get("grpc")?;
        if service.protocol != Protocol::Http2 {
            self.contradiction(found.at, "gRPC needs HTTP/2").help("write `protocol = \"h2\"`");
        }
        let Some(file) = file_of(found) else {
            self.findings
                .add(code::DESCRIPTORS, found.at, "`grpc` names no file")
                .label("the descriptors of its services are needed")
                .help("write `grpc = \"api.binpb\"`, or `grpc = { file = \"api.binpb\" }`");
            return None;
        };
        let message_bytes_max = found.get("message").and_then(|inner| {
            let text = inner.as_text()?;
            let size = bytes(text).filter(|size| *size > 0);
            if size.is_none() {
                self.findings
                    .add(code::BAD_LIMIT, inner.at, format!("`{text}` is not a size"))
                    .label("a number with B, KiB, MiB or GiB")
                    .help("write `message = \"256 KiB\"`");
            }
            size
        });
        Some(Grpc {
            file: self.path(found.at, file),
            passes_unknown: found.text("unknown") == Some("pass"),
            message_bytes_max,
            messages_max: found.get("messages").map(|_| number(found, "messages", 1)),
        })
    }

    /// The operation of a method under the name that `routes` gives it; its own without one.
    /// A route of a method that the descriptors do not have is reported.
    pub(super) fn named_by_routes(
        &mut self,
        service: &Entry,
        contract: &Contract,
    ) -> Vec<Operation> {
        let routes: Vec<_> = service
            .node
            .table("routes")
            .iter()
            .filter_map(|route| Some((route, parse_route(route.node.as_text()?)?)))
            .collect();
        for (route, (method, path)) in &routes {
            let is_known = contract.operations.iter().any(|one| one.path == *path);
            if *method == "POST" && is_method(path) && !is_known {
                let message = format!("`{path}` is no method of {}", contract.source);
                self.findings
                    .add(code::DRIFT_GRPC, route.node.at, message)
                    .label("what is sent to it is not checked")
                    .help("write the descriptors again, or remove the route");
            }
        }
        let is_routed = |one: &&Operation| {
            !routes.iter().any(|(_, (method, path))| *method == one.method && *path == one.path)
        };
        contract.operations.iter().filter(is_routed).cloned().collect()
    }
}

/// The file that `grpc` names.
pub(crate) fn file_of(node: &Node) -> Option<&str> {
    node.as_text().or_else(|| node.text("file"))
}

/// Whether a path is of the form of gRPC: `/package.Service/Method`.
fn is_method(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], ["", service, method] if service.contains('.') && !method.is_empty())
}
