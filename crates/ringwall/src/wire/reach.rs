//! How the doors reach apps and each other.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use ringwall_cell::Dialer;
use ringwall_gateway::Reach;
use ringwall_net::{
    ClientTls, Dial, DialName, DialUnix, Dialing, Identity, Protocol, Socket, SpiffeId, Target,
    TargetSettings, Trust,
};

/// Where everything is, shared by all doors. What it names can move: a restarted cell is reached
/// through the same target.
#[derive(Debug)]
pub(crate) struct Paths {
    fleet: String,
    trust: Arc<Trust>,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    /// Service to its cell; an empty slot means that the app is reached over the host's network.
    cells: HashMap<String, Arc<ArcSwapOption<Dialer>>>,
    /// Service to its inbound door.
    doors: HashMap<String, SocketAddr>,
    /// Service to the certificate that it shows.
    identities: HashMap<String, Arc<Identity>>,
}

impl Paths {
    pub(crate) fn new(fleet: &str, trust: Arc<Trust>) -> Arc<Self> {
        Arc::new(Self { fleet: fleet.to_owned(), trust, places: Mutex::default() })
    }

    /// Where a service's app is from now on: in this cell, or on the host's network.
    pub(crate) fn put_cell(&self, service: &str, dialer: Option<Dialer>) {
        self.slot(service).store(dialer.map(Arc::new));
    }

    /// Where a service's inbound door is, and who it is.
    pub(crate) fn put_door(&self, service: &str, address: SocketAddr, identity: Arc<Identity>) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.doors.insert(service.to_owned(), address);
        places.identities.insert(service.to_owned(), identity);
    }

    fn slot(&self, service: &str) -> Arc<ArcSwapOption<Dialer>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.cells.entry(service.to_owned()).or_default())
    }
}

impl Reach for Paths {
    fn app(&self, service: &str, address: &str, settings: TargetSettings) -> Arc<Target> {
        if let Some(path) = address.strip_prefix("unix:") {
            return Target::with(Arc::new(DialUnix(path.into())), None, settings);
        }
        let app = DialApp { address: address.to_owned(), cell: self.slot(service) };
        Target::with(Arc::new(app), None, settings)
    }

    fn door(&self, caller: &str, callee: &str) -> Option<Arc<Target>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let address = *places.doors.get(callee)?;
        let identity = Arc::clone(places.identities.get(caller)?);
        let expected = SpiffeId::parse(&spiffe_id(&self.fleet, callee)).ok()?;
        let tls = ClientTls::mutual(identity, Arc::clone(&self.trust), expected).ok()?;
        let settings = TargetSettings { protocol: Protocol::AsClient, ..TargetSettings::default() };
        Some(Target::with(Arc::new(ringwall_net::DialTcp(address)), Some(tls), settings))
    }
}

/// The identity of a service (SPIFFE ID, section 2).
pub(crate) fn spiffe_id(fleet: &str, service: &str) -> String {
    format!("spiffe://{fleet}/service/{service}")
}

/// Connects to an app, inside its cell when it has one.
#[derive(Debug)]
struct DialApp {
    address: String,
    cell: Arc<ArcSwapOption<Dialer>>,
}

impl Dial for DialApp {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async move {
            let Some(cell) = self.cell.load_full() else {
                let (host, port) = split(&self.address)?;
                return DialName { host, port }.dial().await;
            };
            let address = self.address.parse::<SocketAddr>();
            let address =
                address.map_err(|_name| unusable("an app in a cell has a numeric address"))?;
            let stream = cell.dial(address).await?;
            stream.set_nodelay(true)?;
            Ok(Socket::Tcp(tokio::net::TcpStream::from_std(stream)?))
        })
    }
}

fn split(address: &str) -> io::Result<(String, u16)> {
    let (host, port) =
        address.rsplit_once(':').ok_or_else(|| unusable("an address is host:port"))?;
    let port = port.parse().map_err(|_text| unusable("a port is a number"))?;
    Ok((host.trim_matches(['[', ']']).to_owned(), port))
}

fn unusable(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
