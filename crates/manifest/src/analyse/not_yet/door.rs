//! Keys of the public door that this version reads and does not enforce.

use ringwall_base::Place;

use crate::model::{AuditRequests, Model};

/// Whoever enforces one takes its line out.
pub(super) fn of(model: &Model) -> Vec<(String, Place)> {
    let gateway = &model.gateway;
    let limits = &model.limits;
    let door = [
        ("`listen`", !gateway.listen.is_empty()),
        ("`http`", gateway.http_port.is_some()),
        ("`proxy_protocol`", !gateway.proxy_protocol.is_empty()),
        ("`aliases`", !gateway.aliases.is_empty()),
        ("`drain`", gateway.drain.is_some()),
        ("`reload_drain`", gateway.reload_drain.is_some()),
    ];
    let said = |what: &[(&str, bool)], place: &Place| -> Vec<(String, Place)> {
        let set = what.iter().filter(|(_, is_set)| *is_set);
        set.map(|(what, _)| (format!("{what} of the gateway"), place.clone())).collect()
    };
    let mut found = said(&door, &gateway.place);
    let over_tls = limits.redis.iter().filter(|redis| redis.url.starts_with("rediss:"));
    let redis = over_tls.map(|redis| ("TLS of `limits.redis`".to_owned(), &redis.place));
    found.extend(redis.map(|(what, place)| (what, place.clone())));
    if let Some(limit) = &limits.login
        && (limit.cost.is_some() || limit.burst.is_some())
    {
        found.push(("`cost` and `burst` of `login`".to_owned(), limit.place.clone()));
    }
    if model.audit_requests != AuditRequests::All {
        found.push(("`audit.requests`".to_owned(), gateway.place.clone()));
    }
    found
}
