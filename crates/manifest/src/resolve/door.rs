//! Where the public door listens and who stands in front of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::quantity::is_host_name;
use super::survive::number;
use super::{Checker, is_true};
use crate::catalogue::code;
use crate::model::{Network, Overload};
use crate::node::Node;
use crate::source::At;

impl Checker<'_> {
    pub(super) fn listen(&mut self, node: &Node) -> Vec<SocketAddr> {
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for (text, at) in node.get("listen").map(Node::texts).unwrap_or_default() {
            match text.parse::<SocketAddr>() {
                Ok(address) if address.port() > 0 && !addresses.contains(&address) => {
                    addresses.push(address);
                }
                Ok(_) => {
                    self.bad_network(text, at, "is given twice, or has no port")
                        .label("each address once, with its port");
                }
                Err(_) => {
                    self.bad_network(text, at, "is not an address to listen on")
                        .label("an IP address with a port")
                        .help("write `listen = [\"[::]:8443\"]`: that is IPv4 and IPv6");
                }
            }
        }
        addresses
    }

    /// Peers that have to send a PROXY protocol header.
    pub(super) fn networks(&mut self, node: &Node, key: &str) -> Vec<Network> {
        let mut networks = Vec::new();
        for (text, at) in node.get(key).map(Node::texts).unwrap_or_default() {
            match network(text) {
                Ok(network) => networks.push(network),
                Err(Some(meant)) => {
                    self.bad_network(text, at, "has bits beyond its prefix")
                        .label("another network than it looks like")
                        .help(format!("write `\"{meant}\"`"));
                }
                Err(None) => {
                    self.bad_network(text, at, "is not a network")
                        .label("an IP address and a number of bits")
                        .help(format!("write `{key} = [\"10.0.0.0/8\"]`"));
                }
            }
        }
        networks
    }

    fn bad_network(&mut self, text: &str, at: At, what: &str) -> &mut crate::finding::Finding {
        self.findings.add(code::BAD_NETWORK, at, format!("`{text}` {what}"))
    }

    pub(super) fn aliases(&mut self, node: &Node, host: &str) -> Vec<String> {
        let mut aliases: Vec<String> = Vec::new();
        for (text, at) in node.get("aliases").map(Node::texts).unwrap_or_default() {
            let name = text.to_lowercase();
            if is_host_name(&name) && name != host && !aliases.contains(&name) {
                aliases.push(name);
                continue;
            }
            self.findings
                .add(code::BAD_HOST, at, format!("`{text}` cannot be an alias"))
                .label("another host name, without scheme, port or `*`")
                .help(format!("write `aliases = [\"www.{host}\"]`"));
        }
        aliases
    }

    pub(super) fn plain_port(&mut self, node: &Node, port: u16) -> Option<u16> {
        let http = node.get("http")?;
        let number = u16::try_from(http.as_integer()?).ok()?;
        if number == port {
            self.contradiction(http.at, "the plain port and the TLS port are the same")
                .help("write `http = 80` and `port = 443`");
        }
        Some(number)
    }
}

pub(super) fn overload(node: &Node) -> Option<Overload> {
    let node = node.get("overload")?;
    let in_flight_max = number(node, "in_flight", IN_FLIGHT_MAX);
    Some(Overload { in_flight_max, is_adaptive: is_true(node, "adaptive") })
}

/// The network of a text; `Err` with what was probably meant, if that can be said.
fn network(text: &str) -> Result<Network, Option<Network>> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let address: IpAddr = address.parse().ok().ok_or(None)?;
    let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
    let prefix_bits = match bits {
        None => longest,
        Some(bits) if bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit()) => {
            bits.parse().ok().ok_or(None)?
        }
        Some(_) => return Err(None),
    };
    if prefix_bits > longest {
        return Err(None);
    }
    let meant =
        Network { address: masked(address, longest.saturating_sub(prefix_bits)), prefix_bits };
    if meant.address == address { Ok(meant) } else { Err(Some(meant)) }
}

/// An address without its last bits.
fn masked(address: IpAddr, host_bits: u8) -> IpAddr {
    let bits = u32::from(host_bits);
    match address {
        IpAddr::V4(v4) => {
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(bits).unwrap_or(0)))
        }
        IpAddr::V6(v6) => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(bits).unwrap_or(0)))
        }
    }
}

/// When only `adaptive` is given: the lower bound is found, this one is a wall.
const IN_FLIGHT_MAX: u32 = 10_000;
