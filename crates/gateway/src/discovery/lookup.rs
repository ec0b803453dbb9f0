//! What one name stands for now.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ringwall_net::{Resolver, ServiceHost};

use super::list::{FILE_BYTES_MAX, read_list};
use crate::upstreams::Found;

/// Where names are looked up.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) resolver: Resolver,
    pub(super) folder: PathBuf,
}

/// What a file looked like: when it changed, and how long it is.
pub(super) type Seen = Option<(SystemTime, u64, bool)>;

/// What was found.
#[derive(Debug)]
pub(super) enum Looked {
    /// These addresses, for so long.
    Found { found: Vec<Found>, hold: Duration, seen: Seen },
    /// A file that did not change, or that is being written.
    Same(Seen),
    /// Nothing.
    Failed { why: String, seen: Seen },
}

impl Places {
    /// Looks a name up, as the manifest writes it.
    pub(super) async fn look(&self, name: &str, seen: Seen) -> Looked {
        let looked = match name.split_once(':') {
            Some(("dns", address)) => self.hosts(address).await,
            Some(("srv", service)) => self.service(service).await,
            Some(("file", path)) => return self.file(path, seen).await,
            _ => Err("not a kind of name".to_owned()),
        };
        match looked {
            Ok((found, hold)) => Looked::Found { found, hold, seen },
            Err(why) => Looked::Failed { why, seen },
        }
    }

    async fn hosts(&self, address: &str) -> Result<(Vec<Found>, Duration), String> {
        let (host, port) = address.rsplit_once(':').ok_or("no port")?;
        let port: u16 = port.parse().map_err(|_text| "the port is not a number".to_owned())?;
        let records = self.resolver.addresses(host.trim_matches(['[', ']'])).await;
        let records = records.map_err(|error| told(&error))?;
        let found = allowed(&records.all)?.into_iter().map(|ip| found(ip, port, (1, 0)));
        Ok((found.collect(), records.ttl))
    }

    async fn service(&self, name: &str) -> Result<(Vec<Found>, Duration), String> {
        let records = self.resolver.service(name).await.map_err(|error| told(&error))?;
        let ranks: BTreeSet<u16> = records.all.iter().map(|host| host.priority).collect();
        let (mut all, mut ttl, mut last) = (Vec::new(), records.ttl, String::new());
        for ServiceHost { priority, weight, port, host } in &records.all {
            let rank = ranks.iter().position(|known| known == priority).unwrap_or(0);
            let rank = u8::try_from(rank).unwrap_or(u8::MAX);
            let addresses = self.resolver.addresses(host).await.map_err(|error| told(&error));
            match addresses.and_then(|records| Ok((allowed(&records.all)?, records.ttl))) {
                Ok((addresses, host_ttl)) => {
                    ttl = ttl.min(host_ttl);
                    let weight = u32::from(*weight).max(1);
                    all.extend(addresses.into_iter().map(|ip| found(ip, *port, (weight, rank))));
                }
                Err(why) => last = format!("{host}: {why}"),
            }
        }
        // Half an answer would drop good endpoints: the last good set stays instead.
        if last.is_empty() { Ok((all, ttl)) } else { Err(last) }
    }

    async fn file(&self, path: &str, before: Seen) -> Looked {
        let path = self.folder.join(path);
        let failed = |why: String, seen| Looked::Failed { why, seen };
        let facts = match tokio::fs::metadata(&path).await {
            Ok(facts) => facts,
            Err(error) => return failed(error.to_string(), None),
        };
        let (changed, length) = (facts.modified().unwrap_or(SystemTime::UNIX_EPOCH), facts.len());
        match before {
            Some((known, size, true)) if (known, size) == (changed, length) => {
                return Looked::Same(before);
            }
            Some((known, size, false)) if (known, size) == (changed, length) => {}
            // Written in place, it may be half there: it has to look the same twice.
            Some(_) => return Looked::Same(Some((changed, length, false))),
            None => {}
        }
        let seen = Some((changed, length, true));
        if length > FILE_BYTES_MAX {
            return failed(format!("longer than {FILE_BYTES_MAX} bytes"), seen);
        }
        match tokio::fs::read(&path).await {
            Ok(bytes) => match read_list(&bytes) {
                Ok(found) => Looked::Found { found, hold: super::FILE_EVERY, seen },
                Err(error) => failed(error.to_string(), seen),
            },
            Err(error) => failed(error.to_string(), None),
        }
    }
}

fn found(ip: IpAddr, port: u16, (weight, rank): (u32, u8)) -> Found {
    Found { address: SocketAddr::new(ip, port).to_string(), weight, rank }
}

/// The operator declared the name, so private addresses are meant. Link-local ones never are: that
/// is where clouds keep the credentials of the machine.
fn allowed(addresses: &[IpAddr]) -> Result<Vec<IpAddr>, String> {
    let good: Vec<IpAddr> = addresses.iter().copied().filter(|ip| !is_refused(*ip)).collect();
    match (good.is_empty(), addresses.first()) {
        (true, Some(first)) => Err(format!("{first} is not an address that a service has")),
        _ => Ok(good),
    }
}

fn is_refused(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6 == AMAZON_METADATA
        }
    }
}

fn told(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// `fd00:ec2::254`.
const AMAZON_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_private_and_never_the_place_of_credentials() {
        let allowed = |text: &str| !is_refused(text.parse().unwrap());
        for good in ["10.0.0.1", "127.0.0.1", "192.168.1.1", "8.8.8.8", "fd00::1", "::1"] {
            assert!(allowed(good), "{good}");
        }
        for bad in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
