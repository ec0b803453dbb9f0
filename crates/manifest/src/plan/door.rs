//! What differs at the public door beyond its name: TLS, cross-origin rules, who is believed.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_base::Place;

use super::{Change, Effect, differ, note};
use crate::model::{AuditRequests, ClientCertificates, Cors, MailServer, Model, Tls, TlsVersion};

pub(super) fn of(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    tls(old, new, changes);
    sets(old, new, changes);
    let (was, is) = (&old.gateway, &new.gateway);
    let mut differs = |what: &str, is_different: bool| {
        if is_different {
            note(changes, Effect::Changes, "gateway", format!("{what} changed"));
        }
    };
    differs("where it listens", was.listen != is.listen || was.http_port != is.http_port);
    differs("certificates", was.tls.certificates != is.tls.certificates);
    differs(
        "tickets or stapling",
        (was.tls.tickets, was.tls.has_ocsp) != (is.tls.tickets, is.tls.has_ocsp),
    );
    differs(
        "certificates by ACME",
        without_place(was.acme.clone()) != without_place(is.acme.clone()),
    );
    differs("what Ringwall is at the issuer of `login`", was.oidc != is.oidc);
    differs("compression", was.compresses != is.compresses);
    differs("error pages", was.error_pages != is.error_pages);
    differs("times to drain", (was.drain, was.reload_drain) != (is.drain, is.reload_drain));
    differs("overload", was.overload != is.overload);
    let plans = |model: &Model| -> BTreeMap<String, _> {
        let all = model.plans.iter();
        all.map(|(name, plan)| (name.clone(), (plan.roles.clone(), plan.quota, plan.rate)))
            .collect()
    };
    if plans(old) != plans(new) {
        note(changes, Effect::Changes, "limit", "plans changed".to_owned());
    }
    let shared = |model: &Model| model.limits.redis.as_ref().map(|redis| redis.url.clone());
    if shared(old) != shared(new) {
        note(changes, Effect::Changes, "limit", "where counts are shared changed".to_owned());
    }
    let mail = |model: &Model| {
        let without_place = |mail| MailServer { place: Place::default(), ..mail };
        model.mail.clone().map(without_place)
    };
    if mail(old) != mail(new) {
        note(changes, Effect::Changes, "mail", "where letters are sent changed".to_owned());
    }
    if old.audit_requests != new.audit_requests {
        let (effect, text) = match new.audit_requests {
            AuditRequests::All => (Effect::Narrows, "allowed requests are written again"),
            AuditRequests::Denied => (Effect::Widens, "allowed requests are no longer written"),
        };
        note(changes, effect, "audit", text.to_owned());
    }
}

fn without_place(acme: Option<crate::model::Acme>) -> Option<crate::model::Acme> {
    acme.map(|acme| crate::model::Acme { place: Place::default(), ..acme })
}

/// Lists where each further entry lets in more.
fn sets(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let names = |model: &Model| -> BTreeSet<String> {
        model.gateway.aliases.iter().map(|name| format!("also answers for {name}")).collect()
    };
    differ(&names(old), &names(new), "gateway", changes);
    let peers = |model: &Model| -> BTreeSet<String> {
        let networks = model.gateway.proxy_protocol.iter();
        networks.map(|one| format!("{one} is believed where a client comes from")).collect()
    };
    differ(&peers(old), &peers(new), "gateway", changes);
    let sites = |model: &Model| -> BTreeSet<String> {
        let services = model.services.values();
        services
            .flat_map(|service| {
                let cors = service.cors.as_ref().or(model.gateway.cors.as_ref());
                cors.map(|cors| opened(&service.name, cors)).unwrap_or_default()
            })
            .collect()
    };
    differ(&sites(old), &sites(new), "cors", changes);
}

/// All that a cross-origin rule lets other sites do.
fn opened(service: &str, cors: &Cors) -> Vec<String> {
    let mut all = Vec::new();
    for origin in &cors.origins {
        let how = if cors.has_credentials { " with the visitor's cookies" } else { "" };
        all.push(format!("pages of {origin} may call {service}{how}"));
    }
    let from = |what: &str, list: &[String]| -> Vec<String> {
        list.iter()
            .map(|one| format!("pages of other sites may {what} {one} of {service}"))
            .collect()
    };
    all.extend(from("use method", &cors.methods));
    all.extend(from("send header", &cors.headers));
    all.extend(from("read header", &cors.expose));
    if cors.is_for_private_network {
        all.push(format!("pages of public networks may call {service} in a private one"));
    }
    all
}

/// What is in force for each name of the door.
fn tls(old: &Model, new: &Model, changes: &mut Vec<Change>) {
    let names = new.gateway.tls.hosts.keys().chain(old.gateway.tls.hosts.keys());
    let mut names: BTreeSet<Option<&String>> = names.map(Some).collect();
    names.insert(None);
    for name in names {
        let said = name.map_or_else(String::new, |name| format!(" for {name}"));
        let (was, is) = (in_force(&old.gateway.tls, name), in_force(&new.gateway.tls, name));
        if was.0 != is.0 {
            let effect = if is.0 < was.0 { Effect::Widens } else { Effect::Narrows };
            let text = format!("oldest TLS{said}: {} becomes {}", text(was.0), text(is.0));
            note(changes, effect, "tls", text);
        }
        clients((was.1, is.1), &said, changes);
    }
}

fn in_force<'a>(
    tls: &'a Tls,
    name: Option<&String>,
) -> (TlsVersion, Option<&'a ClientCertificates>) {
    let own = name.and_then(|name| tls.hosts.get(name));
    let min = own.and_then(|own| own.min).unwrap_or(tls.min);
    (min, own.and_then(|own| own.client.as_ref()).or(tls.client.as_ref()))
}

fn clients(
    (was, is): (Option<&ClientCertificates>, Option<&ClientCertificates>),
    said: &str,
    changes: &mut Vec<Change>,
) {
    let demands = |rule: Option<&ClientCertificates>| rule.is_some_and(|rule| rule.is_required);
    match (demands(was), demands(is)) {
        (true, false) => {
            let text = format!("a client certificate is no longer required{said}");
            note(changes, Effect::Widens, "tls", text);
        }
        (false, true) => {
            note(
                changes,
                Effect::Narrows,
                "tls",
                format!("a client certificate is required{said}"),
            );
        }
        _ => {}
    }
    let takes = |rule: Option<&ClientCertificates>| {
        rule.map_or((false, false), |rule| (rule.takes_workloads, rule.takes_self_signed))
    };
    let (was_taken, is_taken) = (takes(was), takes(is));
    for (was, is, whose) in [
        (was_taken.0, is_taken.0, "certificates of services are taken"),
        (was_taken.1, is_taken.1, "self-signed certificates are taken"),
    ] {
        match (was, is) {
            (false, true) => note(changes, Effect::Widens, "tls", format!("{whose}{said}")),
            (true, false) => {
                note(changes, Effect::Narrows, "tls", format!("no more {whose}{said}"));
            }
            (true, true) | (false, false) => {}
        }
    }
    if let (Some(was), Some(is)) = (was, is) {
        if was.ca != is.ca {
            let text = format!("who issues client certificates{said} changed");
            note(changes, Effect::Changes, "tls", text);
        }
        if was.crl.is_some() && is.crl.is_none() {
            let text = format!("revoked client certificates{said} are no longer refused");
            note(changes, Effect::Widens, "tls", text);
        }
    }
}

const fn text(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::V12 => "1.2",
        TlsVersion::V13 => "1.3",
    }
}
