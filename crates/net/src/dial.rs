//! The seam through which connections to upstreams are made.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;

use tokio::net::{TcpStream, UnixStream};

/// A connection on its way.
pub type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<Socket>> + Send + 'a>>;

/// Makes connections to one upstream. A socket made elsewhere, such as inside another network
/// namespace, comes in here: `TcpStream::from_std` after `set_nonblocking(true)`.
pub trait Dial: Debug + Send + Sync {
    /// Connects once. The caller limits the time.
    fn dial(&self) -> Dialing<'_>;
}

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

/// Connects to a TCP address.
#[derive(Clone, Copy, Debug)]
pub struct DialTcp(pub SocketAddr);

/// Resolves a name at each connection and takes the first address that answers.
#[derive(Clone, Debug)]
pub struct DialName {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Connects to a Unix socket.
#[derive(Clone, Debug)]
pub struct DialUnix(pub PathBuf);

impl Dial for DialTcp {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async { tcp(TcpStream::connect(self.0).await?) })
    }
}

impl Dial for DialName {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async { tcp(TcpStream::connect((self.host.as_str(), self.port)).await?) })
    }
}

impl Dial for DialUnix {
    fn dial(&self) -> Dialing<'_> {
        Box::pin(async { Ok(Socket::Unix(UnixStream::connect(&self.0).await?)) })
    }
}

fn tcp(stream: TcpStream) -> io::Result<Socket> {
    stream.set_nodelay(true)?;
    Ok(Socket::Tcp(stream))
}
