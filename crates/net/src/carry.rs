//! Carries bytes between a listener and one target, unread: for databases, which do not speak HTTP.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What a carried door may cost. There is no idle limit: databases keep connections for hours.
#[derive(Clone, Copy, Debug)]
pub struct CarrySettings {
    /// Open connections. What comes after is closed at once.
    pub connections_max: usize,
    /// How long the target may take to accept.
    pub connect_time: Duration,
}

/// Why a connection is not carried. It is closed.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The target cannot be reached.
    #[error("the target cannot be reached")]
    Connect(#[source] io::Error),
    /// As many connections as there may be are open.
    #[error("{0} connections are open, which is the limit")]
    Full(usize),
    /// The target did not accept in time.
    #[error("the target did not accept within {0:?}")]
    Slow(Duration),
}

/// Accepts connections and joins each with a new one to `target`, a `host:port` that is resolved
/// each time. `admit` hears of every connection before a byte is carried, and may still refuse it.
///
/// Runs until it is dropped, which closes all its connections, or until the listener cannot be
/// used; then it returns why.
pub async fn carry<A>(
    listener: TcpListener,
    target: String,
    settings: CarrySettings,
    admit: A,
) -> io::Error
where
    A: Fn(Result<(), CarryError>) -> bool + Send + Sync + 'static,
{
    let ready = listener.set_nonblocking(true);
    let listener = match ready.and_then(|()| tokio::net::TcpListener::from_std(listener)) {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    let (target, admit): (Arc<str>, _) = (target.into(), Arc::new(admit));
    // Dropping the set ends every connection in it.
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(_) if open.len() >= settings.connections_max => {
                admit(Err(CarryError::Full(settings.connections_max)));
            }
            Ok((client, _)) => {
                let (target, admit) = (Arc::clone(&target), Arc::clone(&admit));
                open.spawn(async move { join(client, &target, settings, admit.as_ref()).await });
            }
            // A client that is gone already, or no file descriptor for now. Others go on.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn join(
    mut client: TcpStream,
    target: &str,
    settings: CarrySettings,
    admit: &(impl Fn(Result<(), CarryError>) -> bool + Sync),
) {
    let connected = tokio::time::timeout(settings.connect_time, TcpStream::connect(target)).await;
    let mut server = match connected {
        Ok(Ok(server)) => server,
        Ok(Err(error)) => {
            admit(Err(CarryError::Connect(error)));
            return;
        }
        Err(_) => {
            admit(Err(CarryError::Slow(settings.connect_time)));
            return;
        }
    };
    if !admit(Ok(())) {
        return;
    }
    // Without the option it is only slower; a dead socket shows itself below.
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    // One side that has said all is closed towards the other, which may go on. How it ends is
    // between the two.
    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
}

impl Default for CarrySettings {
    fn default() -> Self {
        // Twice what PostgreSQL takes as it is delivered, and more than MySQL's 151.
        Self { connections_max: 200, connect_time: Duration::from_secs(5) }
    }
}

/// Long enough not to spin while descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
