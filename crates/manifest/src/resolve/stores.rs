//! `stores`: raw TCP doors to databases. Checked last, because a store must lead around no other door.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Checker;
use super::quantity::is_address;
use crate::catalogue::code;
use crate::model::{Model, Upstream};
use crate::node::Entry;
use crate::source::At;

impl Checker<'_> {
    /// The stores of all services. Services and partners are known by now.
    pub(super) fn stores(&mut self) {
        let root = self.root;
        for service in root.table("services") {
            let stores = self.stores_of(service);
            if let Some(known) = self.model.services.get_mut(&service.key) {
                known.stores = stores;
            }
        }
    }

    fn stores_of(&mut self, service: &Entry) -> BTreeMap<String, String> {
        let doors = doors_of_others(&self.model, &service.key);
        let mut stores = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for entry in service.node.table("stores") {
            let Some(target) = self.store(entry) else { continue };
            if !seen.insert(meant(&entry.key)) {
                self.no_store(entry.at, format!("`{}` is given twice", entry.key))
                    .label("the same address in another spelling")
                    .help("keep one of the two");
            } else if self.is_apart(service, entry, target, &doors) {
                stores.insert(entry.key.clone(), target.to_owned());
            }
        }
        stores
    }

    /// Where a store really is, if both sides are addresses.
    fn store<'n>(&mut self, entry: &'n Entry) -> Option<&'n str> {
        let target = entry.node.as_text()?;
        for (text, at) in [(entry.key.as_str(), entry.at), (target, entry.node.at)] {
            if !is_address(text) || is_odd_number(text) {
                self.findings
                    .add(code::BAD_ADDRESS, at, format!("`{text}` is not an address"))
                    .label("`host:port`, without scheme and path")
                    .help("write `stores = { \"user-db:3306\" = \"127.0.0.1:3306\" }`");
                return None;
            }
        }
        let host = entry.key.rsplit_once(':').map_or("", |(host, _)| host);
        if !is_loopback(host) && address_of(host).is_some() {
            self.no_store(entry.at, format!("`{}` is an address of a real host", entry.key))
                .label("a name, or loopback: only those can lead elsewhere")
                .help("give the database a name in the code, and write that name here");
            return None;
        }
        Some(target)
    }

    /// Whether a store leads around no door; one that does is reported.
    fn is_apart(
        &mut self,
        service: &Entry,
        entry: &Entry,
        target: &str,
        doors: &[(String, String)],
    ) -> bool {
        let key = meant(&entry.key);
        if key.rsplit_once(':').is_some_and(|(host, _)| host.ends_with(".ringwall")) {
            self.no_store(entry.at, format!("`{}` is Ringwall's own name for a door", entry.key))
                .label("names that end in `.ringwall` lead to services")
                .help("write the address that the code has for its database");
            return false;
        }
        let own = self.model.services.get(&service.key);
        if own.is_some_and(|own| {
            own.upstreams
                .iter()
                .filter_map(Upstream::host_port)
                .any(|address| meant(address) == key)
        }) {
            self.no_store(entry.at, format!("`{}` is the service's own address", entry.key))
                .label("the app itself listens there")
                .help("let the app or its database use another port");
            return false;
        }
        for (text, at) in [(entry.key.as_str(), entry.at), (target, entry.node.at)] {
            let address = meant(text);
            if let Some((_, what)) = doors.iter().find(|(known, _)| *known == address) {
                let what = what.clone();
                self.no_store(at, format!("`{text}` is {what}"))
                    .label("a store is not inspected: it would lead around that door")
                    .help("remove it; what may be called stands in `callers`");
                return false;
            }
        }
        true
    }

    fn no_store(&mut self, at: At, message: String) -> &mut crate::finding::Finding {
        self.findings.add(code::BAD_STORE, at, message)
    }
}

/// Every address behind a door of its own, with what is there.
fn doors_of_others(model: &Model, service: &str) -> Vec<(String, String)> {
    let port = model.gateway.port;
    let mut doors: Vec<(String, String)> = [LOOPBACK, &model.gateway.host]
        .iter()
        .map(|host| (meant(&format!("{host}:{port}")), "the public door".to_owned()))
        .collect();
    for other in model.services.values().filter(|other| other.name != service) {
        let fixed = other.upstreams.iter().filter_map(Upstream::host_port);
        let addresses = fixed.chain(other.hosts.iter().map(String::as_str));
        doors.extend(
            addresses.map(|address| (meant(address), format!("where `{}` is reached", other.name))),
        );
    }
    for (name, partner) in &model.partners {
        let (rest, port) = match partner.url.split_once("://") {
            Some(("http", rest)) => (rest, 80),
            Some((_, rest)) => (rest, 443),
            None => continue,
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let address = if is_address(authority) {
            meant(authority)
        } else {
            meant(&format!("{authority}:{port}"))
        };
        doors.push((address, format!("where partner `{name}` is reached")));
    }
    doors
}

/// One spelling for all that mean the same: the ways to write loopback, case, a port's zeros.
fn meant(address: &str) -> String {
    let Some((host, port)) = address.rsplit_once(':') else { return address.to_owned() };
    let port = port.parse::<u16>().map_or_else(|_| port.to_owned(), |port| port.to_string());
    let host = match address_of(host) {
        _ if is_loopback(host) => LOOPBACK.to_owned(),
        Some(ip) => ip.to_string(),
        None => host.to_ascii_lowercase(),
    };
    format!("{host}:{port}")
}

fn is_loopback(host: &str) -> bool {
    let is_local = |ip: IpAddr| {
        let ip = ip.to_canonical();
        ip.is_loopback() || ip.is_unspecified()
    };
    host.eq_ignore_ascii_case(LOOPBACK) || address_of(host).is_some_and(is_local)
}

fn address_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// `127.1:80`: resolvers read such a name as an address, and it would be compared as a name.
fn is_odd_number(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or("", |(host, _)| host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit());
    is_number && address_of(host).is_none()
}

const LOOPBACK: &str = "localhost";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        for same in ["127.0.0.1:80", "LOCALHOST:80", "[::1]:080", "0.0.0.0:80", "127.9.9.9:80"] {
            assert_eq!(meant(same), "localhost:80", "{same}");
        }
        assert_eq!(meant("DB:5"), "db:5");
        assert_ne!(meant("db:5"), meant("db:6"));
    }
}
