//! Keys of services that this version reads and does not enforce.

use ringwall_base::Place;

use crate::model::{Address, Service};

/// Whoever enforces one takes its line out.
pub(super) fn of(service: &Service) -> Vec<(String, Place)> {
    let has = |is_kind: fn(&Address) -> bool| {
        service.upstreams.iter().any(|upstream| is_kind(&upstream.address))
    };
    let keys = [
        ("`dns:` addresses", has(|address| matches!(address, Address::Dns(_)))),
        ("`srv:` addresses", has(|address| matches!(address, Address::Srv(_)))),
        ("`file:` addresses", has(|address| matches!(address, Address::File(_)))),
        ("`health`", service.health.is_some()),
        ("`rewrite`", !service.rewrite.is_empty()),
        ("`cors`", service.cors.is_some()),
        ("`websocket`", service.websocket.is_some()),
        ("`grpc_web`", service.has_grpc_web),
        ("`compress`", !service.compress.is_empty()),
    ];
    let set = keys.into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(what, _)| (format!("{what} of `{}`", service.name), service.place.clone())).collect()
}
