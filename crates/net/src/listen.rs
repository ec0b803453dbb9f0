//! Listening sockets: one for each thread on the same port, so that the kernel spreads clients.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

/// Where a door listens.
#[derive(Debug)]
pub enum Listen {
    /// A socket for each worker. Port 0: the kernel chooses one, the same for all.
    Address(SocketAddr),
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

/// The address, and one socket for each worker, or one in all.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<Bound>,
}

pub(crate) fn bind(listen: Listen, workers: usize) -> Result<Listening, OpenError> {
    match listen {
        Listen::Address(address) => {
            reuse_port(address, workers).map_err(|source| OpenError::Bind { address, source })
        }
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

fn reuse_port(address: SocketAddr, workers: usize) -> io::Result<Listening> {
    // With SO_REUSEPORT a second server of the same user would silently take half of the clients.
    // A socket without the option finds it.
    drop(bound(address, false)?);
    let first = listening(address)?;
    let address = first.local_addr()?;
    let mut sockets = vec![Bound::Tcp(first)];
    for _ in 1..workers {
        sockets.push(Bound::Tcp(listening(address)?));
    }
    Ok(Listening { address, sockets })
}

fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bound(address, true)?;
    // Accepted sockets inherit it: one call a listener instead of one a connection.
    sockopt::set_tcp_nodelay(&socket, true)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

fn bound(address: SocketAddr, is_shared: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, is_shared)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

/// Stands for the address of a Unix peer.
pub(crate) const NO_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Connections that wait to be accepted; the kernel caps it at `somaxconn`.
const BACKLOG: i32 = 4_096;
