//! Tells systemd how the server is (`sd_notify(3)`): one datagram, no library.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How often systemd wants to hear of us: twice in its time, or hardly ever without one.
pub(crate) fn watchdog() -> Duration {
    let micros = std::env::var_os("WATCHDOG_USEC")
        .and_then(|micros| micros.into_string().ok())
        .and_then(|micros| micros.parse().ok());
    match micros.map(Duration::from_micros).map(|time| time / 2) {
        Some(half) if half >= WATCHDOG_MIN => half,
        Some(_) => WATCHDOG_MIN,
        None => Duration::from_hours(24),
    }
}

/// Sends a state such as `READY=1`, if systemd asked for it. A failure harms nobody but is said.
pub(crate) fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match name.as_bytes().split_first() {
        Some((b'@', rest)) => SocketAddr::from_abstract_name(rest),
        _ => SocketAddr::from_pathname(&name),
    };
    let sent = address
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::warn!(%error, "systemd does not hear us");
    }
}

const WATCHDOG_MIN: Duration = Duration::from_millis(10);
