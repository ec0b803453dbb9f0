//! Starts the service: a second run of this program that gives up its rights and becomes it.
//!
//! The second run exists because the work between fork and exec would need `unsafe` code.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{Signal, set_child_subreaper, set_parent_process_death_signal, setsid};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set, set_no_new_privs};

use super::reap::Service;
use crate::wire::Plan;

/// The argument that selects the second run.
pub(super) const STAGE: &str = "become";
const ISOLATED: &str = "isolated";
const PLAIN: &str = "plain";

/// What root in a cell keeps: files of any owner, and to become another user. No mounts, no
/// network set-up, no tracing: it cannot take the cell apart.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID);

/// Starts the second run as a child of the shim.
pub(super) fn start(plan: &Plan) -> io::Result<Service> {
    // Whatever the service leaves behind becomes a child of the shim, and is ended with it.
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let child = Command::new("/proc/self/exe")
        .args(&plan.shim_arguments)
        .arg(STAGE)
        .arg(if plan.isolate { ISOLATED } else { PLAIN })
        .arg(rustix::process::getpid().to_string())
        .arg(&plan.command)
        .env_clear()
        .envs(plan.env.iter().map(|(key, value)| (key, value)))
        .current_dir(&plan.dir)
        .stdin(Stdio::null())
        .spawn()?;
    Service::of(child.id())
}

/// The second run: leads a session of its own, drops rights, and is replaced by the shell.
pub(super) fn become_service(arguments: &[OsString]) -> ExitCode {
    let [kind, shim, command] = arguments else { return ExitCode::FAILURE };
    let error = match prepare(kind == ISOLATED, shim) {
        Ok(()) => Command::new("/bin/sh").arg("-c").arg(command).exec(),
        Err(error) => error,
    };
    // Standard error is the service's log; the status is the shell's "cannot execute".
    match writeln!(io::stderr(), "ringwall: the service cannot be started: {error}") {
        Ok(()) | Err(_) => ExitCode::from(126),
    }
}

fn prepare(isolated: bool, shim: &OsString) -> io::Result<()> {
    setsid()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // A shim that was killed before the line above took effect left nobody to send the signal.
    let parent = rustix::process::getppid().map(|pid| OsString::from(pid.to_string()));
    if parent.as_ref() != Some(shim) {
        return Err(io::Error::other("the cell has ended"));
    }
    if !isolated {
        return Ok(());
    }
    // A user other than root has lost all rights over the cell with this run's start.
    if rustix::process::geteuid().is_root() {
        for bit in 0..u64::BITS {
            let one = CapabilitySet::from_bits_retain(1 << bit);
            if !KEPT.contains(one) {
                drop_capability(one)?;
            }
        }
    }
    Ok(set_no_new_privs(true)?)
}

fn drop_capability(one: CapabilitySet) -> io::Result<()> {
    match remove_capability_from_bounding_set(one) {
        // Beyond the last one that this kernel knows.
        Ok(()) | Err(rustix::io::Errno::INVAL) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
