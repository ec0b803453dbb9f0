//! What a service is started with: command, environment, secrets, and the doors inside its cell.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, Result};
use ringwall_cell::{Spec, door_address};
use ringwall_manifest::{Model, Service};
use ringwall_vault::Actor;

use crate::paths::Place;
use crate::wire::Ground;
use crate::wire::ground::issuer;

/// Where a listener inside a cell leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Leads {
    /// To a third party.
    Partner(String),
    /// To another service's inbound door.
    Service(String),
    /// To a database, unread.
    Store {
        /// Its address as the code has it.
        name: String,
        /// Where it is, seen from the host.
        target: String,
    },
}

/// Where each listener leads, what to start, listeners that are there already.
pub(crate) type Parts = (Vec<Leads>, Spec, Vec<TcpListener>);

/// Where services are started.
#[derive(Debug)]
pub(crate) struct Site {
    /// Manifest and state.
    pub(crate) place: Place,
    /// The manifest's folder, absolute.
    pub(crate) folder: PathBuf,
    /// Whether each gets its own namespaces.
    pub(crate) is_isolated: bool,
}

/// How a service is started.
#[derive(Debug)]
pub(crate) struct Plan {
    leads: Vec<Leads>,
    spec: Spec,
    /// Doors on the host's loopback, where there are no cells.
    sockets: Vec<TcpListener>,
}

impl Leads {
    /// The name of the service, partner or store.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Partner(name) | Self::Service(name) | Self::Store { name, .. } => name,
        }
    }
}

impl Plan {
    /// Plans the start of a service.
    pub(crate) fn of(
        service: &Service,
        model: &Model,
        ground: &Ground,
        site: &Site,
    ) -> Result<Self> {
        let Site { place, folder, is_isolated } = site;
        let mut inside = Inside::default();
        inside.others(service, model);
        inside.partners(service, model);
        inside.stores(service, model);
        let sockets = if *is_isolated { Vec::new() } else { inside.on_host()? };
        let mut env = environment(service, model, ground, place)?;
        env.extend(inside.urls.clone());
        let dir = service.dir.as_ref().map_or_else(|| folder.clone(), |dir| folder.join(dir));
        let state = place.state().canonicalize().context("the state folder is gone")?;
        let listeners = if *is_isolated { usize::MAX } else { 0 };
        let spec = Spec {
            name: service.name.clone(),
            command: service.run.clone().unwrap_or_default(),
            dir,
            env: env.into_iter().collect(),
            listen: inside.doors.iter().map(|(address, _)| *address).take(listeners).collect(),
            hosts: inside.hosts,
            show: vec![state.join("run").join("keys")],
            hide: vec![state],
            isolate: *is_isolated,
            ..Spec::default()
        };
        let leads = inside.doors.into_iter().map(|(_, leads)| leads).collect();
        Ok(Self { leads, spec, sockets })
    }

    /// Where each listener leads, what to start, and the listeners that are there already; the
    /// cell gives the others, in the order of `leads`.
    pub(crate) fn into_parts(self) -> Parts {
        (self.leads, self.spec, self.sockets)
    }
}

/// Whether a running service need not be started again for a new manifest.
pub(crate) fn starts_alike(old: &Service, new: &Service) -> bool {
    old.run == new.run
        && old.dir == new.dir
        && old.upstreams == new.upstreams
        && old.secrets == new.secrets
        && old.env == new.env
        && old.hosts == new.hosts
        && old.stores == new.stores
}

/// What a service finds inside its cell.
#[derive(Debug, Default)]
struct Inside {
    doors: Vec<(SocketAddr, Leads)>,
    hosts: Vec<(String, IpAddr)>,
    urls: BTreeMap<String, String>,
}

impl Inside {
    /// One address for each other service, under its name and under every hard-wired name.
    fn others(&mut self, service: &Service, model: &Model) {
        let own: Vec<u16> =
            service.upstreams.iter().filter_map(|one| port_of(one.host_port()?)).collect();
        let others = model.services.values().filter(|other| other.name != service.name);
        for (index, other) in (0_u16..).zip(others) {
            let Some(address) = door_address(index) else { return };
            let name = format!("{}.ringwall", other.name);
            self.urls.insert(variable(&other.name), format!("http://{name}"));
            self.hosts.push((name, address));
            self.open(SocketAddr::new(address, 80), Leads::Service(other.name.clone()));
            for hard_wired in &other.hosts {
                self.hard_wired(hard_wired, &other.name, address, &own);
            }
        }
    }

    /// A name and port that the service's code has for another one.
    fn hard_wired(&mut self, authority: &str, callee: &str, address: IpAddr, own: &[u16]) {
        let parts = authority.rsplit_once(':');
        let Some((host, Ok(port))) = parts.map(|(host, port)| (host, port.parse())) else { return };
        let leads = Leads::Service(callee.to_owned());
        if !is_local(host) {
            if !self.hosts.iter().any(|(name, _)| name == host) {
                self.hosts.push((host.to_owned(), address));
            }
            self.open(SocketAddr::new(address, port), leads);
        } else if !own.contains(&port) {
            // Its own port on loopback is the app itself.
            self.open(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port), leads);
        }
    }

    /// A partner on loopback is reached under its own address, by those who may call it.
    fn partners(&mut self, service: &Service, model: &Model) {
        for (name, partner) in &model.partners {
            let authority = partner.url.strip_prefix("http://").unwrap_or_default();
            let authority = authority.split('/').next().unwrap_or_default();
            let address = authority.replace("localhost", "127.0.0.1").parse::<SocketAddr>();
            let Ok(address) = address else { continue };
            if partner.callers.contains_key(&service.name) && address.ip().is_loopback() {
                self.open(address, Leads::Partner(name.clone()));
                self.urls.insert(variable(name), partner.url.clone());
            }
        }
    }

    /// A database is reached under its name, at a door address of its own, or on loopback. The
    /// manifest's check has kept both apart from every other door.
    fn stores(&mut self, service: &Service, model: &Model) {
        // Door addresses up to here belong to services.
        let mut indexes = u16::try_from(model.services.len()).unwrap_or(u16::MAX)..u16::MAX;
        for (name, target) in &service.stores {
            let parts = name.rsplit_once(':').map(|(host, port)| (host, port.parse()));
            let Some((host, Ok(port))) = parts else { continue };
            let leads = Leads::Store { name: name.clone(), target: target.clone() };
            if let Some(address) = loopback(host) {
                self.open(SocketAddr::new(address, port), leads);
                continue;
            }
            let known = self.hosts.iter().find(|(known, _)| known.eq_ignore_ascii_case(host));
            let address = known.map(|(_, address)| *address);
            let Some(address) = address.or_else(|| indexes.next().and_then(door_address)) else {
                return;
            };
            if known.is_none() {
                self.hosts.push((host.to_owned(), address));
            }
            self.open(SocketAddr::new(address, port), leads);
        }
    }

    /// Without cells: one listener a service on the host's loopback, announced by its variable.
    /// Hard-wired names and partners cannot be led anywhere.
    fn on_host(&mut self) -> Result<Vec<TcpListener>> {
        self.hosts.clear();
        self.doors
            .retain(|(address, leads)| matches!(leads, Leads::Service(_)) && address.port() == 80);
        let mut sockets = Vec::new();
        for (_, leads) in &self.doors {
            let Leads::Service(name) = leads else { continue };
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
            let url = format!("http://{}", socket.local_addr()?);
            self.urls.insert(variable(name), url);
            sockets.push(socket);
        }
        Ok(sockets)
    }

    fn open(&mut self, address: SocketAddr, leads: Leads) {
        if !self.doors.iter().any(|(known, _)| *known == address) {
            self.doors.push((address, leads));
        }
    }
}

/// The whole environment: what Ringwall says, the declared secrets, and what a program needs to run.
fn environment(
    service: &Service,
    model: &Model,
    ground: &Ground,
    place: &Place,
) -> Result<BTreeMap<String, String>> {
    let mut env: BTreeMap<String, String> =
        std::env::vars().filter(|(name, _)| is_passed(name)).collect();
    env.extend(service.env.clone());
    env.extend(secrets(service, ground)?);
    let keys = place.run().join("keys").join("internal.json");
    let keys = keys.canonicalize().context("the key file is gone")?;
    for (name, value) in [
        ("RINGWALL_SERVICE", service.name.clone()),
        ("RINGWALL_NAME", model.name.clone()),
        ("RINGWALL_ISSUER", issuer(model)),
        ("RINGWALL_KEYS", keys.display().to_string()),
        ("RINGWALL_DEV", "1".to_owned()),
    ] {
        env.insert(name.to_owned(), value);
    }
    Ok(env)
}

/// The declared secrets of a service, read on its behalf.
pub(crate) fn secrets(service: &Service, ground: &Ground) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for (variable, name) in &service.secrets {
        let actor = Actor { service: Some(service.name.clone()), ..Actor::default() };
        let found = ground.vault.secrets().by(actor).get(name, None).with_context(|| {
            format!("secret `{name}` has no value; `ringwall secret set {name}` gives it one")
        })?;
        let text = std::str::from_utf8(found.value.expose())
            .with_context(|| format!("secret `{name}` is not text"))?;
        values.insert(variable.clone(), text.to_owned());
    }
    if !service.secrets.is_empty() {
        // The SDK finds a secret by its name, whatever the variable is called.
        let pairs: Vec<String> =
            service.secrets.iter().map(|(variable, name)| format!("{name}={variable}")).collect();
        values.insert("RINGWALL_SECRETS".to_owned(), pairs.join(" "));
    }
    Ok(values)
}

/// Variables of the operator that a program needs to run; nothing else is passed on.
pub(crate) fn is_passed(name: &str) -> bool {
    let names = ["HOME", "LANG", "PATH", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV"];
    names.contains(&name) || name.starts_with("LC_") || name.starts_with("PYTHON")
}

/// `RINGWALL_PAYMENTS_URL`.
fn variable(name: &str) -> String {
    format!("RINGWALL_{}_URL", name.to_uppercase().replace('-', "_"))
}

fn port_of(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}

/// The address inside a cell for a way to write loopback.
fn loopback(host: &str) -> Option<IpAddr> {
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(ip) if ip.is_loopback() => Some(ip),
        Ok(ip) if ip.is_unspecified() => Some(Ipv4Addr::LOCALHOST.into()),
        Ok(_) => None,
        Err(_) => host.eq_ignore_ascii_case("localhost").then_some(Ipv4Addr::LOCALHOST.into()),
    }
}

fn is_local(host: &str) -> bool {
    ["127.0.0.1", "localhost", "0.0.0.0", "[::1]"].contains(&host)
}
