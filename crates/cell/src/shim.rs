//! The process between the parent and a service: builds the cell, then stays as its reaper.
//!
//! It has one thread and one loop. When the parent goes away, however it ends, the control socket
//! closes and the shim ends the service; when the shim is killed, the kernel kills the service.

mod dial;
mod launch;
mod reap;

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use ringwall_base::{Clock, SystemClock};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, Signal};

use crate::namespaces::{self, Failure, failed};
use crate::wire::{Order, Plan, Report, receive, send};
use dial::Dials;
use reap::Service;

/// The hidden first argument of a program that is to become a shim.
pub const SHIM_COMMAND: &str = "__cell";

/// How long a service may take to end when the parent is gone and can no longer say.
const ORPHAN_GRACE: Duration = Duration::from_secs(2);
/// How often adopted processes that ended are collected.
const REAP_INTERVAL: Duration = Duration::from_millis(500);

/// Runs as a shim. Call it first in `main`, with the arguments after [`SHIM_COMMAND`].
pub fn shim_main(arguments: &[OsString]) -> ExitCode {
    if arguments.first().is_some_and(|first| first == launch::STAGE) {
        return launch::become_service(arguments.get(1..).unwrap_or_default());
    }
    // The service gets no standard input, so the socket must not stay at descriptor 0.
    let Ok(control) = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3) else {
        return ExitCode::FAILURE;
    };
    match run(&control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let errno = failure.source.raw_os_error().unwrap_or_default();
            let report = Report::Failed { step: describe(&failure), errno };
            // Nobody is left to tell when the parent is gone.
            send(&control, &report, None).map_or(ExitCode::FAILURE, |()| ExitCode::FAILURE)
        }
    }
}

fn describe(failure: &Failure) -> String {
    if failure.source.raw_os_error().is_some() {
        failure.step.to_owned()
    } else {
        format!("{}: {}", failure.step, failure.source)
    }
}

fn run(control: &OwnedFd) -> Result<(), Failure> {
    let wire = |source| Failure { step: "control socket", source };
    let Some((Order::Start(plan), _)) = receive(control).map_err(wire)? else {
        return Ok(());
    };
    if plan.isolate {
        isolate(control, &plan)?;
    }
    let doors = if plan.isolate {
        namespaces::network(&plan.listen)?
    } else {
        plain_doors(plan.listen.len())?
    };
    for door in &doors {
        send(control, &Report::Door, Some(door.as_fd())).map_err(wire)?;
    }
    // The parent owns the doors now; the service must not inherit or keep them.
    drop(doors);
    if plan.isolate {
        namespaces::files(&plan)?;
    }
    let service = launch::start(&plan).map_err(failed("start service"))?;
    send(control, &Report::Started { pid: service.pid() }, None).map_err(wire)?;
    serve(control, service).map_err(wire)
}

fn isolate(control: &OwnedFd, plan: &Plan) -> Result<(), Failure> {
    let wire = |source| Failure { step: "control socket", source };
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    if plan.hide.iter().chain(&plan.show).any(|path| path.is_relative()) {
        let source = io::Error::from(io::ErrorKind::InvalidInput);
        return Err(Failure { step: "hidden and shown folders must be absolute", source });
    }
    namespaces::enter()?;
    send(control, &Report::Unshared, None).map_err(wire)?;
    match receive(control).map_err(wire)? {
        Some((Order::Mapped(true), _)) => Ok(()),
        _ => namespaces::map_own_ids(uid.as_raw(), gid.as_raw()),
    }
}

/// Without namespaces the doors are on the machine's own loopback, on ports the kernel chooses.
fn plain_doors(count: usize) -> Result<Vec<std::net::TcpListener>, Failure> {
    let open = |_| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    (0..count).map(open).collect::<io::Result<_>>().map_err(failed("open door"))
}

/// Answers the parent until the service and everything it started has ended.
fn serve(control: &OwnedFd, mut service: Service) -> io::Result<()> {
    let clock = SystemClock::start();
    let watch = rustix::process::pidfd_open(service.process(), PidfdFlags::empty())?;
    let mut dials = Dials::default();
    let mut parent_gone = false;
    let mut kill_at: Option<Duration> = None;
    loop {
        if let Some(status) = service.reap()? {
            service.end_rest()?;
            let report =
                Report::Exited { code: status.exit_status(), signal: status.terminating_signal() };
            return if parent_gone { Ok(()) } else { send(control, &report, None) };
        }
        if kill_at.is_some_and(|at| clock.monotonic() >= at) {
            service.signal(Signal::KILL);
        }
        if wait(control, &watch, &dials, parent_gone)? {
            match receive(control)? {
                Some((Order::Dial { id, address }, _)) => {
                    dials.begin(id, address, clock.monotonic());
                }
                Some((Order::Stop { grace_millis }, _)) => {
                    service.signal(Signal::TERM);
                    kill_at = Some(clock.monotonic() + Duration::from_millis(grace_millis));
                }
                Some((Order::Start(_) | Order::Mapped(_), _)) => {}
                None => {
                    parent_gone = true;
                    service.signal(Signal::TERM);
                    kill_at = Some(clock.monotonic() + ORPHAN_GRACE);
                }
            }
        }
        if !parent_gone {
            dials.finish(control, clock.monotonic())?;
        }
    }
}

/// Waits for anything to do. True when the parent has something to say.
fn wait(
    control: &OwnedFd,
    service: &OwnedFd,
    dials: &Dials,
    parent_gone: bool,
) -> io::Result<bool> {
    let mut events = vec![PollFd::new(service, PollFlags::IN)];
    if !parent_gone {
        events.push(PollFd::new(control, PollFlags::IN));
    }
    events.extend(dials.sockets().map(|socket| PollFd::new(socket, PollFlags::OUT)));
    let timeout = Timespec::try_from(REAP_INTERVAL).map_err(io::Error::other)?;
    rustix::io::retry_on_intr(|| poll(&mut events, Some(&timeout)))?;
    Ok(!parent_gone && events.get(1).is_some_and(|event| !event.revents().is_empty()))
}
