//! Where a service listens: addresses of several kinds, each with a weight and a zone.

use std::fmt;

/// One place where requests for a service can be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// Where it is, or where its address is found out.
    pub address: Address,
    /// Its share of the requests, compared with the others of the same zone; at least 1.
    pub weight: u32,
    /// The zone it stands in; `Service::zones` gives the order of the zones.
    pub zone: Option<String>,
}

/// The kinds of address. All but the first two stand for several addresses that change.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Address {
    /// `host:port`; the name is looked up when a connection is opened.
    Tcp(String),
    /// `unix:/run/app.sock`: an absolute path.
    Unix(String),
    /// `dns:host:port`: every address of the name, looked up again when its time is over.
    Dns(String),
    /// `srv:_http._tcp.users.internal`: hosts, ports, priorities and weights of an SRV record.
    Srv(String),
    /// `file:upstreams.txt`: one address a line, read again when it changes; relative to the
    /// manifest's folder.
    File(String),
}

impl Upstream {
    /// A `host:port` with the usual weight.
    pub fn tcp(address: impl Into<String>) -> Self {
        Self { address: Address::Tcp(address.into()), weight: 1, zone: None }
    }

    /// The `host:port` of a fixed TCP address.
    pub fn host_port(&self) -> Option<&str> {
        match &self.address {
            Address::Tcp(address) => Some(address),
            Address::Unix(_) | Address::Dns(_) | Address::Srv(_) | Address::File(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Dns(address) => write!(f, "dns:{address}"),
            Self::Srv(name) => write!(f, "srv:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
