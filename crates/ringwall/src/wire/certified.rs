//! Tells identity what the public door can know of its clients' certificates, and gives services
//! theirs.

use std::time::Duration;

use anyhow::{Context, Result};
use ringwall_base::{Class, Event};
use ringwall_ca::{Certificate, SpiffeId};
use ringwall_identity::{Identity, MutualTls};
use ringwall_manifest::{ClientCertificates, Model};

use super::Ground;
use super::reach::spiffe_id;

/// Puts a manifest in force: where certificates are asked for, and which services there are.
pub(super) fn tell(identity: &Identity, model: &Model) {
    identity.offer_mutual_tls(offer(model));
    identity.enlist(model.services.keys().cloned());
}

/// The door's own name if it asks for certificates, else the first alias that does (RFC 8705
/// section 5): browsers are asked nothing there.
fn offer(model: &Model) -> Option<MutualTls> {
    let (gateway, tls) = (&model.gateway, &model.gateway.tls);
    let rule_of = |name: &String| {
        let own = tls.hosts.get(name).and_then(|host| host.client.as_ref());
        own.or(tls.client.as_ref())
    };
    let mut names = std::iter::once(&gateway.host).chain(&gateway.aliases);
    let (name, rule) = names.find_map(|name| Some((name, rule_of(name)?)))?;
    let ClientCertificates { ca, takes_workloads, takes_self_signed, .. } = rule;
    let origin = match gateway.port {
        443 => format!("https://{name}"),
        port => format!("https://{name}:{port}"),
    };
    Some(MutualTls {
        origin,
        has_authority: ca.is_some() || *takes_workloads,
        takes_self_signed: *takes_self_signed,
    })
}

/// Issues a certificate for a service of the fleet.
pub(super) fn workload(
    ground: &Ground,
    fleet: &str,
    (service, life): (&str, Duration),
) -> Result<Certificate> {
    let id = SpiffeId::parse(&spiffe_id(fleet, service))
        .with_context(|| format!("`{service}` cannot be part of a workload identity"))?;
    let issued = ground.authority().issue_workload(&id, life)?;
    ground.sink.put(Event {
        at: ground.clock.now(),
        action: "spiffe-svid-issued",
        class: Class::Group,
        service: Some(service.to_owned()),
        operation: Some(id.as_str().to_owned()),
        ..Event::default()
    })?;
    Ok(issued)
}
