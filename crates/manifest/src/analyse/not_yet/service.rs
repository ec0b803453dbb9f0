//! Keys of services that this version reads and does not enforce.

use ringwall_base::Place;

use crate::model::Service;

/// Whoever enforces one takes its line out.
pub(super) fn of(service: &Service) -> Vec<(String, Place)> {
    let keys = [
        ("`rewrite`", !service.rewrite.is_empty()),
        ("`cors`", service.cors.is_some()),
        ("`websocket`", service.websocket.is_some()),
        ("`grpc_web`", service.has_grpc_web),
        ("`compress`", !service.compress.is_empty()),
    ];
    let set = keys.into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(what, _)| (format!("{what} of `{}`", service.name), service.place.clone())).collect()
}
