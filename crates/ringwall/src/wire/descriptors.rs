//! How many files and sockets this process may have open, and what follows from it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::server::Options;

/// Raises the limit to what the system allows. Only in `serve`: programs that `dev` starts may still
/// use `select`, which knows 1,024 descriptors, and would inherit it.
pub(crate) fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let raised = Rlimit { current: maximum, maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files was not raised");
    }
}

/// What a person should know of it at the start.
pub(crate) fn told(options: &Options) -> String {
    let connections = connections_max(options);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if connections >= CONNECTIONS_MAX {
        return format!("limits    {connections} connections at once, {files} open files");
    }
    let wanted = RESERVED.saturating_add(2 * u64::try_from(CONNECTIONS_MAX).unwrap_or(u64::MAX));
    format!(
        "‼ {files} open files are allowed, so {connections} connections at once and not \
         {CONNECTIONS_MAX}: raise LimitNOFILE to {wanted}"
    )
}

/// Open connections in all. Each may need a second descriptor for its upstream.
pub(crate) fn connections_max(options: &Options) -> usize {
    if !options.is_dev() {
        raise();
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let free = limit.saturating_sub(RESERVED);
    usize::try_from(free / 2).unwrap_or(usize::MAX).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}

/// Listening sockets, threads, database, log, control socket, upgrade.
const RESERVED: u64 = 128;

/// A limit so low that this does not fit is met by the reserve descriptors.
const CONNECTIONS_MIN: usize = 16;

/// 20 KiB each while idle with TLS: 400 MiB.
const CONNECTIONS_MAX: usize = 20_000;
