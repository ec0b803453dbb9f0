//! Sockets that systemd opened (`sd_listen_fds(3)`): they live on while this process restarts.

use anyhow::{Context, Result};
use listenfd::ListenFd;

use super::handover::Inherited;

/// The sockets that were passed to this process, with the names of their units'
/// `FileDescriptorName=`: `http` is the plain door, every other one the public door.
pub(crate) fn sockets() -> Result<Vec<Inherited>> {
    let names = std::env::var_os("LISTEN_FDNAMES").and_then(|names| names.into_string().ok());
    let names = names.unwrap_or_default();
    let mut passed = ListenFd::from_env();
    let mut found = Vec::new();
    let mut names = names.split(':');
    for index in 0..passed.len() {
        let door = if names.next() == Some("http") { "http" } else { "edge" };
        let listener = passed.take_tcp_listener(index);
        let listener = listener.context("systemd passed something that is no TCP socket")?;
        if let Some(listener) = listener {
            rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::CLOEXEC)?;
            let sockets = vec![listener.into()];
            found.push(Inherited { door: door.to_owned(), sockets, is_fixed: true });
        }
    }
    Ok(found)
}
