//! Where the public doors listen: the addresses of the manifest, sockets of systemd, or those of
//! the process before. A change opens and closes only what changed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ringwall_gateway::{Plain, PlainSettings};
use ringwall_manifest::Model;
use ringwall_net::{Answer, Door, Drain, Listen, Networks, Opening, Server, ServerTls};

use super::handover::Inherited;
use super::server::Options;

/// The public doors.
#[derive(Debug)]
pub(crate) struct Front {
    faces: Faces,
    open: Vec<Open>,
}

/// Who answers.
#[derive(Debug)]
pub(crate) struct Faces {
    /// TLS of the public door; `None` behind something that terminates it.
    pub(crate) tls: Option<ServerTls>,
    /// The gateway.
    pub(crate) house: Arc<dyn Answer>,
    /// The plain door.
    pub(crate) plain: Arc<Plain>,
}

/// One listening address.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Open {
    kind: Kind,
    /// As it was asked for.
    wanted: SocketAddr,
    /// With the port that the kernel chose.
    address: SocketAddr,
    is_fixed: bool,
}

/// Which public door.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    /// The encrypted one.
    Edge,
    /// The plain one.
    Http,
}

impl Front {
    /// Nothing is open yet: [`Front::follow`] opens what the manifest says.
    pub(crate) const fn new(faces: Faces) -> Self {
        Self { faces, open: Vec::new() }
    }

    /// Opens what the manifest wants and is not open, then closes what it wants no longer. Nothing
    /// has changed when it fails.
    pub(crate) fn follow(
        &mut self,
        server: &Server,
        (model, options): (&Model, &Options),
        inheritance: Vec<Inherited>,
    ) -> Result<()> {
        self.faces.plain.lead(leads(model));
        let mut fresh = Vec::new();
        if let Err(error) = self.add(server, (model, options), inheritance, &mut fresh) {
            for open in fresh {
                server.close_at(&Door::Edge, open.address, Drain::default());
            }
            return Err(error);
        }
        self.open.extend(fresh);
        let wanted = Self::wanted(model, options);
        let drain = Drain { within: reload_drain(model), idle: IDLE_GRACE };
        self.open.retain(|open| {
            let is_wanted =
                open.is_fixed || wanted.iter().any(|want| want.is(open.kind, open.wanted));
            if !is_wanted {
                server.close_at(&Door::Edge, open.address, drain);
            }
            is_wanted
        });
        Ok(())
    }

    /// Opens again what [`Front::pass`] gave away, because nobody took it.
    pub(crate) fn forget(&mut self) {
        self.open.clear();
    }

    fn add(
        &self,
        server: &Server,
        (model, options): (&Model, &Options),
        inheritance: Vec<Inherited>,
        fresh: &mut Vec<Open>,
    ) -> Result<()> {
        let networks = model.gateway.proxy_protocol.iter();
        let networks =
            networks.map(|network| format!("{}/{}", network.address, network.prefix_bits));
        let proxies = Networks::parse(networks)?;
        let mut pool = Vec::new();
        for Inherited { door, sockets, is_fixed } in inheritance {
            let kind = if door == "http" { Kind::Http } else { Kind::Edge };
            for (address, sockets) in by_address(sockets)? {
                pool.push((Open { kind, wanted: address, address, is_fixed }, sockets));
            }
        }
        for (open, sockets) in pool.extract_if(.., |(open, _)| open.is_fixed) {
            let listen = Listen::Passed(sockets);
            self.open_one(server, open.kind, listen, proxies.clone())?;
            fresh.push(open);
        }
        let fixed: BTreeSet<Kind> =
            fresh.iter().chain(&self.open).filter(|o| o.is_fixed).map(|o| o.kind).collect();
        for want in Self::wanted(model, options) {
            let is_open = self.open.iter().any(|open| want.is(open.kind, open.wanted));
            if is_open || fixed.contains(&want.kind) {
                continue;
            }
            let mut address = want.address;
            if address.port() == 0
                && let Some(first) = fresh.first()
            {
                address.set_port(first.address.port());
            }
            let passed = pool.iter().position(|(open, _)| want.is(open.kind, open.wanted));
            let listen = match passed.map(|at| pool.swap_remove(at)) {
                Some((_, sockets)) => Listen::Passed(sockets),
                None if want.is_dual => Listen::Dual(address),
                None => Listen::Address(address),
            };
            match self.open_one(server, want.kind, listen, proxies.clone()) {
                Ok(address) => {
                    let (kind, wanted) = (want.kind, want.address);
                    fresh.push(Open { kind, wanted, address, is_fixed: false });
                }
                // Browsers try ::1 first for *.localhost; a machine without IPv6 has nothing there.
                Err(error) if want.is_optional => tracing::info!(%error, "no IPv6 door"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn open_one(
        &self,
        server: &Server,
        kind: Kind,
        listen: Listen,
        proxies: Networks,
    ) -> Result<SocketAddr> {
        let (tls, answer): (_, Arc<dyn Answer>) = match kind {
            Kind::Edge => (self.faces.tls.clone(), Arc::clone(&self.faces.house)),
            Kind::Http => (None, Arc::<Plain>::clone(&self.faces.plain)),
        };
        let opening = Opening { door: Door::Edge, listen, tls, answer };
        Ok(server.open_behind(opening, proxies)?)
    }

    /// The listening sockets, for a process that takes over.
    pub(crate) fn pass(&self, server: &Server) -> Result<Vec<Inherited>> {
        let passed = server.passed().context("the sockets cannot be passed on")?;
        let mut inheritance = Vec::new();
        for passed in passed {
            if let Some(open) = self.open.iter().find(|open| open.address == passed.address) {
                let door = open.kind.name().to_owned();
                let (sockets, is_fixed) = (passed.sockets, open.is_fixed);
                inheritance.push(Inherited { door, sockets, is_fixed });
            }
        }
        Ok(inheritance)
    }

    /// Door and address of each.
    pub(crate) fn addresses(&self) -> Vec<(String, String)> {
        self.open
            .iter()
            .map(|open| (open.kind.name().to_owned(), open.address.to_string()))
            .collect()
    }

    fn wanted(model: &Model, options: &Options) -> Vec<Want> {
        let edge = edges(model, options);
        let is_dual = |address: &SocketAddr| {
            let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
            address.ip() == Ipv6Addr::UNSPECIFIED && !edge.contains(&any)
        };
        let mut wanted: Vec<Want> = edge
            .iter()
            .enumerate()
            .map(|(at, address)| Want {
                kind: Kind::Edge,
                address: *address,
                is_dual: is_dual(address),
                is_optional: options.is_dev() && at > 0,
            })
            .collect();
        if let Some(port) = model.gateway.http_port {
            let hosts: BTreeSet<IpAddr> = edge.iter().map(SocketAddr::ip).collect();
            wanted.extend(hosts.iter().map(|host| Want {
                kind: Kind::Http,
                address: SocketAddr::new(*host, port),
                is_dual: *host == Ipv6Addr::UNSPECIFIED
                    && !hosts.contains(&Ipv4Addr::UNSPECIFIED.into()),
                is_optional: options.is_dev() && host.is_ipv6(),
            }));
        }
        wanted
    }
}

/// An address that the manifest asks for.
#[derive(Debug)]
struct Want {
    kind: Kind,
    address: SocketAddr,
    /// Whether IPv4 clients come there too.
    is_dual: bool,
    is_optional: bool,
}

impl Want {
    fn is(&self, kind: Kind, wanted: SocketAddr) -> bool {
        self.kind == kind && self.address == wanted
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Http => "http",
        }
    }
}

/// Where the public door listens: what the command line or the manifest says; else loopback in
/// development and everywhere in production.
fn edges(model: &Model, options: &Options) -> Vec<SocketAddr> {
    let port = model.gateway.port;
    match options.listen {
        Some(listen) => vec![listen],
        None if !model.gateway.listen.is_empty() => model.gateway.listen.clone(),
        None if options.is_dev() => vec![
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port),
        ],
        None => vec![SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)],
    }
}

/// Where the plain door leads.
pub(crate) fn leads(model: &Model) -> PlainSettings {
    let gateway = &model.gateway;
    let hosts = std::iter::once(&gateway.host).chain(&gateway.aliases).cloned().collect();
    PlainSettings { hosts, port: gateway.port }
}

/// How long connections may go on at a door that a reload or an upgrade closed.
pub(crate) fn reload_drain(model: &Model) -> Duration {
    model.gateway.reload_drain.unwrap_or(RELOAD_DRAIN)
}

fn by_address(sockets: Vec<OwnedFd>) -> Result<Vec<Shared>> {
    let mut found: Vec<Shared> = Vec::new();
    for listener in sockets.into_iter().map(TcpListener::from) {
        let address = listener.local_addr().context("what was passed is no TCP socket")?;
        match found.iter_mut().find(|(known, _)| *known == address) {
            Some((_, listeners)) => listeners.push(listener),
            None => found.push((address, vec![listener])),
        }
    }
    Ok(found)
}

/// The sockets of one address.
type Shared = (SocketAddr, Vec<TcpListener>);

/// `WebSocket`s and long answers may go on for so long.
const RELOAD_DRAIN: Duration = Duration::from_mins(10);

/// Longer than a client takes to send what it has begun to send.
pub(crate) const IDLE_GRACE: Duration = Duration::from_secs(5);
