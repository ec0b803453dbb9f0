//! Opens the doors: the public one, and for each service one in front and some behind.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ringwall_base::Timestamp;
use ringwall_gateway::{Core, Door, Egress, Plain, Seams, TenureSettings};
use ringwall_manifest::{Model, Partner};
use ringwall_net::{
    Census, Certificate, Drain, Identity, Listen, Opening, Pool, PoolSettings, Server, ServerTls,
    Settings, Trust,
};

use super::Ground;
use super::certified;
use super::descriptors;
use super::front::{Faces, Front, leads};
use super::handover::Inherited;
use super::reach::Paths;
use super::seams::{LiveKeys, Pages};
use super::server::Options;
use super::showcase::Showcase;

/// All doors of one process.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) core: Arc<Core>,
    pub(crate) paths: Arc<Paths>,
    server: Server,
    trust: Arc<Trust>,
    pub(crate) showcase: Arc<Showcase>,
    inbound: BTreeMap<String, Inbound>,
    front: Front,
}

/// The door in front of a service.
#[derive(Debug)]
struct Inbound {
    address: SocketAddr,
    identity: Arc<Identity>,
    renew_at: Timestamp,
}

impl Doors {
    /// Starts the threads. No door is open before [`Doors::follow`].
    pub(crate) fn open(
        ground: &Ground,
        model: &Model,
        options: &Options,
        inheritance: &[Inherited],
    ) -> Result<Self> {
        let port = model.gateway.port;
        // A second process with SO_REUSEPORT would silently share the port with the first.
        let is_new = port != 0 && inheritance.is_empty();
        if let Some(holder) = is_new.then(|| ringwall_cell::who_listens(port)).flatten() {
            let pid = holder.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            bail!(
                "port {port} is taken by `{}`{pid}; end it, or write another `port` in [gateway]",
                holder.command
            );
        }
        let connections_max = descriptors::connections_max(options);
        let settings =
            Settings { workers: options.workers, connections_max, ..Settings::default() };
        let server = Server::start(settings).context("no threads")?;
        let bundle = ground.authority().bundle_pem();
        let trust = Trust::new(&model.name, bundle.as_bytes()).context("the fleet's own root")?;
        let paths = Paths::new(&model.name, Arc::clone(&trust));
        let seams = Seams {
            clock: Arc::clone(&ground.clock),
            entropy: Arc::clone(&ground.entropy),
            sink: Arc::clone(&ground.sink),
            sessions: Arc::new(ground.identity.clone()),
            keys: Arc::new(LiveKeys(ground.identity.clone())),
            signers: Arc::new(LiveKeys(ground.identity.clone())),
            local: Some(Arc::new(Pages::new(ground.identity.clone()))),
            reach: Arc::<Paths>::clone(&paths),
            pool: Pool::new(PoolSettings::default()),
            tenure: TenureSettings::default(),
            is_dev: options.is_dev(),
        };
        let core = Core::new(seams).context("no randomness")?;
        // After months without a start the intermediate is over; the root is not.
        ground.renew_authority()?;
        let showcase = Showcase::open(ground, model, options)?;
        let tls = if options.danger_plain_http { None } else { Some(showcase.tls()) };
        let plain = Plain::new(&core, leads(model), showcase.challenges());
        let faces = Faces { tls, house: core.house(Door::Edge), plain: Arc::new(plain) };
        let front = Front::new(faces);
        Ok(Self { core, paths, server, trust, showcase, inbound: BTreeMap::new(), front })
    }

    /// Opens the door in front of a service, once.
    pub(crate) fn open_inbound(
        &mut self,
        ground: &Ground,
        model: &Model,
        service: &str,
    ) -> Result<()> {
        if self.inbound.contains_key(service) {
            return Ok(());
        }
        let (certificate, renew_at) = workload(ground, &model.name, service)?;
        let identity = Identity::new(&certificate);
        let tls = ServerTls::mutual(Arc::clone(&identity), Arc::clone(&self.trust))?;
        let door = Door::Inbound { service: service.to_owned() };
        let address = self.server.open(Opening {
            door: ringwall_net::Door::Inbound(Arc::from(service)),
            listen: Listen::Address(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)),
            tls: Some(tls),
            answer: self.core.house(door),
        })?;
        self.paths.put_door(service, address, Arc::clone(&identity));
        self.inbound.insert(service.to_owned(), Inbound { address, identity, renew_at });
        Ok(())
    }

    /// The doors in front of services: name and address.
    pub(crate) fn inbound(&self) -> Vec<(String, String)> {
        self.inbound.iter().map(|(name, door)| (name.clone(), door.address.to_string())).collect()
    }

    /// Opens a door behind `caller`, on a socket that only it can reach.
    pub(crate) fn open_outbound(
        &self,
        caller: &str,
        callee: &str,
        socket: TcpListener,
    ) -> Result<()> {
        let door = Door::Outbound { caller: caller.to_owned(), callee: Some(callee.to_owned()) };
        self.server.open_h2c(Opening {
            door: ringwall_net::Door::Outbound(Arc::from(caller)),
            listen: Listen::Tcp(socket),
            tls: None,
            answer: self.core.house(door),
        })?;
        Ok(())
    }

    /// Opens a door from `caller` to a partner.
    pub(crate) fn open_egress(
        &self,
        caller: &str,
        partner: (&String, &Partner),
        socket: TcpListener,
    ) -> Result<()> {
        let Some(egress) = Egress::build(&self.core, caller, partner.0, partner.1) else {
            bail!("the address of partner `{}` is not one that can be reached", partner.0);
        };
        // HTTP/1 only: what is asked of a partner is not normalized.
        self.server.open(Opening {
            door: ringwall_net::Door::Outbound(Arc::from(caller)),
            listen: Listen::Tcp(socket),
            tls: None,
            answer: Arc::new(egress),
        })?;
        Ok(())
    }

    /// Closes the doors behind a service that is started again.
    pub(crate) fn close_behind(&self, caller: &str) {
        self.server.close(&ringwall_net::Door::Outbound(Arc::from(caller)), Duration::ZERO);
    }

    /// Replaces every certificate that is due, while requests go on.
    pub(crate) fn renew(&mut self, ground: &Ground, model: &Model) -> Result<()> {
        ground.renew_authority()?;
        let now = ground.clock.now();
        self.showcase.look(ground, model)?;
        for (service, inbound) in &mut self.inbound {
            if inbound.renew_at <= now {
                let (certificate, renew_at) = workload(ground, &model.name, service)?;
                inbound.identity.replace(&certificate);
                inbound.renew_at = renew_at;
            }
        }
        Ok(())
    }

    /// Opens and closes public doors as the manifest says now, on sockets of a process before where
    /// there are some. Load the manifest first: clients may wait in their queues.
    pub(crate) fn follow(
        &mut self,
        model: &Model,
        options: &Options,
        inheritance: Vec<Inherited>,
    ) -> Result<()> {
        self.front.follow(&self.server, (model, options), inheritance)
    }

    /// Door and address of each public listener.
    pub(crate) fn public(&self) -> Vec<(String, String)> {
        self.front.addresses()
    }

    /// What each thread accepts and refuses.
    pub(crate) fn census(&self) -> Census {
        self.server.census()
    }

    /// The public listening sockets, for a process that takes over.
    pub(crate) fn pass(&self) -> Result<Vec<Inherited>> {
        self.front.pass(&self.server)
    }

    /// Accepts nothing more. What was accepted goes on.
    pub(crate) fn leave(&self, drain: Drain) {
        self.server.leave(drain);
    }

    /// Accepts again on sockets that were to be passed on.
    pub(crate) fn return_to(
        &mut self,
        model: &Model,
        options: &Options,
        inheritance: Vec<Inherited>,
    ) -> Result<()> {
        self.front.forget();
        self.front.follow(&self.server, (model, options), inheritance)
    }

    /// Closes everything; requests on their way end within that time.
    pub(crate) fn drain(self, within: Duration) {
        self.server.drain(within);
    }

    /// Waits until the last connection has ended, at most that long.
    pub(crate) fn finish(self, within: Duration) {
        self.server.finish(within);
    }
}

fn workload(ground: &Ground, fleet: &str, service: &str) -> Result<(Certificate, Timestamp)> {
    let issued = certified::workload(ground, fleet, (service, WORKLOAD_LIFE))?;
    let certificate = Certificate::from_der(issued.chain().to_vec(), issued.key_der())?;
    Ok((certificate, issued.renew_at()))
}

/// Decision 10 of the PKI reference: an hour, renewed at half of it.
const WORKLOAD_LIFE: Duration = Duration::from_hours(1);
