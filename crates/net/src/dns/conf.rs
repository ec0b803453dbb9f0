//! What the machine says about names: `resolv.conf(5)` and `hosts(5)`.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Servers, search list, and names that need none of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Conf {
    pub(super) servers: Vec<SocketAddr>,
    search: Vec<String>,
    ndots: usize,
    hosts: Vec<(String, IpAddr)>,
}

impl Conf {
    /// Reads both files. One that is not there says nothing.
    pub(super) async fn read(conf: &Path, hosts: &Path) -> Self {
        let conf = tokio::fs::read(conf).await.unwrap_or_default();
        let hosts = tokio::fs::read(hosts).await.unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&conf), &String::from_utf8_lossy(&hosts))
    }

    fn parse(conf: &str, hosts: &str) -> Self {
        let mut read = Self { ndots: 1, ..Self::default() };
        for line in conf.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let server = words.next().and_then(server);
                    read.servers.extend(server.filter(|_| read.servers.len() < SERVERS_MAX));
                }
                Some("search" | "domain") => {
                    read.search = words.take(SEARCH_MAX).map(str::to_owned).collect();
                }
                Some("options") => {
                    let ndots = words.find_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    read.ndots = ndots.unwrap_or(read.ndots);
                }
                _ => {}
            }
        }
        for line in hosts.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse().ok()) else { continue };
            read.hosts.extend(words.map(|name| (name.to_ascii_lowercase(), address)));
        }
        read
    }

    /// The addresses of a name in `hosts`.
    pub(super) fn host(&self, name: &str) -> Vec<IpAddr> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let of = self.hosts.iter().filter(|(known, _)| *known == name);
        of.map(|(_, address)| *address).collect()
    }

    /// What is asked for, in order: a name with few dots is first looked for in the search list.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let searched =
            self.search.iter().map(|suffix| format!("{name}.{}", suffix.trim_matches('.')));
        let own = name.to_owned();
        if name.matches('.').count() >= self.ndots {
            std::iter::once(own).chain(searched).collect()
        } else {
            searched.chain([own]).collect()
        }
    }
}

/// An address, or `[address]:port` as OpenBSD writes it.
fn server(text: &str) -> Option<SocketAddr> {
    if let Some((address, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        return Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?));
    }
    Some(SocketAddr::new(text.parse().ok()?, DNS_PORT))
}

const DNS_PORT: u16 = 53;

/// As glibc.
const SERVERS_MAX: usize = 3;

/// As glibc before it took away its bound.
const SEARCH_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read_and_a_short_name_is_searched_for_first() {
        let conf = "# a comment\nnameserver 10.0.0.1\nnameserver [::1]:5353\nnameserver nonsense\n\
                    search ns.svc.cluster.local svc.cluster.local\noptions timeout:1 ndots:5\n";
        let read = Conf::parse(conf, "10.0.0.9 Users users.internal # here\nnonsense x\n::1 users");
        assert_eq!(read.servers, ["10.0.0.1:53", "[::1]:5353"].map(|text| text.parse().unwrap()));
        let all = ["users.ns.svc.cluster.local", "users.svc.cluster.local", "users"];
        assert_eq!(read.candidates("users"), all);
        assert_eq!(read.candidates("users."), ["users."]);
        let addresses = ["10.0.0.9", "::1"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(read.host("USERS."), addresses);
        assert_eq!(Conf::parse("", "").candidates("a.b"), ["a.b"]);
    }
}
