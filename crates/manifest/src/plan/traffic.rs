//! What differs in how a service's traffic is led: copies, new versions, tries, upgrades.

use std::collections::BTreeSet;

use super::{Change, Effect, differ, note};
use crate::model::Service;

pub(super) fn of(before: &Service, service: &Service, changes: &mut Vec<Change>) {
    let name = &service.name;
    let mut differs = |what: &str, is_different: bool| {
        if is_different {
            note(changes, Effect::Changes, "service", format!("{name}: {what} changed"));
        }
    };
    differs("protocol", before.protocol != service.protocol);
    differs("balance", before.balance != service.balance || before.zones != service.zones);
    differs("health checks", before.health != service.health || before.eject != service.eject);
    differs("breakers", before.breaker != service.breaker);
    differs("retries", before.retry != service.retry || before.slow_start != service.slow_start);
    differs("canary", before.canary != service.canary);
    differs("rewrites", before.rewrite != service.rewrite);
    differs("gRPC-Web", before.has_grpc_web != service.has_grpc_web);
    differs("descriptors of gRPC", before.grpc != service.grpc);
    differs("learning", before.learns != service.learns);
    let copies = |service: &Service| -> BTreeSet<String> {
        let mirror = service.mirror.iter();
        mirror
            .map(|mirror| {
                format!("copies of requests to {} go to {}", service.name, mirror.upstream)
            })
            .collect()
    };
    differ(&copies(before), &copies(service), "mirror", changes);
    let compressed = |service: &Service| -> BTreeSet<String> {
        let operations = service.compress.iter();
        operations
            .map(|one| {
                format!("{}.{one}: answers to signed-in callers are compressed", service.name)
            })
            .collect()
    };
    differ(&compressed(before), &compressed(service), "service", changes);
    differ(&upgrades(before), &upgrades(service), "websocket", changes);
    ages(before, service, changes);
}

/// An older sign-in that is good enough is more than before.
fn ages(before: &Service, service: &Service, changes: &mut Vec<Change>) {
    let all: BTreeSet<&String> = before.max_age.keys().chain(service.max_age.keys()).collect();
    for operation in all {
        let [old, new] = [before, service].map(|one| one.max_age.get(operation));
        if old == new {
            continue;
        }
        let is_wider = old.is_some_and(|old| new.is_none_or(|new| new > old));
        let effect = if is_wider { Effect::Widens } else { Effect::Narrows };
        let said = new.map_or_else(|| "any".to_owned(), |age| format!("{} s", age.as_secs()));
        let text = format!("oldest sign-in for {}.{operation}: {said}", service.name);
        note(changes, effect, "service", text);
    }
}

/// What may become a WebSocket; without a list, everything.
fn upgrades(service: &Service) -> BTreeSet<String> {
    match &service.websocket {
        None => BTreeSet::from([format!("every operation of {} may become one", service.name)]),
        Some(list) => {
            list.iter().map(|one| format!("{}.{one} may become one", service.name)).collect()
        }
    }
}
