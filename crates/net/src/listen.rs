//! Listening sockets: one for each thread on the same port, so that the kernel spreads clients.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

/// Where a door listens.
#[derive(Debug)]
pub enum Listen {
    /// A socket for each worker. Port 0: the kernel chooses one, the same for all. An IPv6 address
    /// is for IPv6 only, whatever the system's default is.
    Address(SocketAddr),
    /// The same, and `[::]` takes IPv4 clients too.
    Dual(SocketAddr),
    /// Listening sockets of one address that another process opened. Every worker accepts from one
    /// of them; when there are fewer than workers, some share one.
    Passed(Vec<TcpListener>),
    /// A socket made elsewhere, such as inside a network namespace, or inherited. One worker
    /// accepts from it.
    Tcp(TcpListener),
    /// A Unix socket. One worker accepts from it.
    Unix(UnixListener),
}

/// Why a door was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The socket cannot be bound: taken, not ours, not permitted.
    #[error("cannot listen on {address}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A socket made elsewhere cannot be used.
    #[error("socket cannot be used")]
    Socket(#[source] io::Error),
    /// The threads are gone or do not keep up.
    #[error("no thread takes the door")]
    Workers,
}

/// A socket that a worker accepts from.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Bound {
    /// The same socket under another descriptor.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Tcp(listener) => listener.try_clone().map(OwnedFd::from),
            Self::Unix(listener) => listener.try_clone().map(OwnedFd::from),
        }
    }
}

/// The address, and one socket for each worker, or one in all.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<Bound>,
}

pub(crate) fn bind(listen: Listen, workers: usize) -> Result<Listening, OpenError> {
    match listen {
        Listen::Address(address) => {
            reuse_port(address, true, workers).map_err(|source| OpenError::Bind { address, source })
        }
        Listen::Dual(address) => reuse_port(address, false, workers)
            .map_err(|source| OpenError::Bind { address, source }),
        Listen::Passed(listeners) => passed(listeners, workers).map_err(OpenError::Socket),
        Listen::Tcp(listener) => {
            listener.set_nonblocking(true).map_err(OpenError::Socket)?;
            let address = listener.local_addr().map_err(OpenError::Socket)?;
            Ok(Listening { address, sockets: vec![Bound::Tcp(listener)] })
        }
        Listen::Unix(listener) => {
            listener.set_nonblocking(true).map_err(OpenError::Socket)?;
            Ok(Listening { address: NO_ADDRESS, sockets: vec![Bound::Unix(listener)] })
        }
    }
}

/// Each socket at least once: what waits in the queue of one that nobody accepts from is lost.
fn passed(listeners: Vec<TcpListener>, workers: usize) -> io::Result<Listening> {
    let first = listeners.first().ok_or(io::ErrorKind::InvalidInput)?;
    let address = first.local_addr()?;
    let mut sockets = Vec::new();
    let missing = workers.saturating_sub(listeners.len());
    for listener in listeners.iter().cycle().take(missing) {
        sockets.push(Bound::Tcp(listener.try_clone()?));
    }
    for listener in listeners {
        listener.set_nonblocking(true)?;
        sockets.push(Bound::Tcp(listener));
    }
    Ok(Listening { address, sockets })
}

fn reuse_port(address: SocketAddr, is_v6_only: bool, workers: usize) -> io::Result<Listening> {
    // With SO_REUSEPORT a second server of the same user would silently take half of the clients.
    // A socket without the option finds it.
    drop(bound(address, is_v6_only, false)?);
    let first = listening(address, is_v6_only)?;
    let address = first.local_addr()?;
    let mut sockets = vec![Bound::Tcp(first)];
    for _ in 1..workers {
        sockets.push(Bound::Tcp(listening(address, is_v6_only)?));
    }
    Ok(Listening { address, sockets })
}

fn listening(address: SocketAddr, is_v6_only: bool) -> io::Result<TcpListener> {
    let socket = bound(address, is_v6_only, true)?;
    // Accepted sockets inherit it: one call a listener instead of one a connection.
    sockopt::set_tcp_nodelay(&socket, true)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

fn bound(address: SocketAddr, is_v6_only: bool, is_shared: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, is_shared)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, is_v6_only)?;
    }
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

/// Stands for the address of a Unix peer.
pub(crate) const NO_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Connections that wait to be accepted; the kernel caps it at `somaxconn`.
const BACKLOG: i32 = 4_096;
