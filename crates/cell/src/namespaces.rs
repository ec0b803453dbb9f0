//! Builds the inside of a cell: namespaces, id maps, links, listeners, and the files that it sees.
//!
//! Runs in the shim while it has one thread. The order is forced by the kernel: the user namespace
//! first (it gives the rights for the others), the id maps second (files cannot be made without).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, unmount,
};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use crate::netlink::Netlink;
use crate::wire::Plan;

/// A step that failed, and why.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) step: &'static str,
    pub(crate) source: io::Error,
}

/// The near end of the link between the service and its doors.
pub(crate) const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const DOORS_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 254);
const DOORS_PREFIX: u8 = 15;
/// Mounted over for an instant while the generated files are written; every system has it.
const SCRATCH: &str = "/tmp";

/// Enters new user, network and mount namespaces.
pub(crate) fn enter() -> Result<(), Failure> {
    let all = UnshareFlags::NEWUSER | UnshareFlags::NEWNET | UnshareFlags::NEWNS;
    unshare(all).map_err(failed("unshare"))
}

/// Maps this user and group to themselves. All that a process without privileges may map.
pub(crate) fn map_own_ids(uid: u32, gid: u32) -> Result<(), Failure> {
    fs::write("/proc/self/setgroups", "deny").map_err(failed("setgroups"))?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1")).map_err(failed("uid_map"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1")).map_err(failed("gid_map"))
}

/// Maps every id of this process's namespace to itself in the namespace of `pid`. Only root may.
///
/// Without it, root in a cell could not write the files of other owners in its own repository.
pub(crate) fn map_all_ids(pid: u32) -> io::Result<()> {
    for map in ["uid_map", "gid_map"] {
        let mut lines = String::new();
        for line in fs::read_to_string(format!("/proc/self/{map}"))?.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if let [inside, _, count] = fields.as_slice() {
                writeln!(lines, "{inside} {inside} {count}").map_err(io::Error::other)?;
            }
        }
        fs::write(format!("/proc/{pid}/{map}"), lines)?;
    }
    Ok(())
}

/// Brings up the loopback, and opens the listeners that were asked for.
///
/// Loopback addresses are opened in the cell itself. All others are opened in a second network
/// namespace, joined to the cell by one link: a service that binds `0.0.0.0:5001` does then not
/// collide with the door of another service that the code knows as `users:5001`.
pub(crate) fn network(listen: &[SocketAddr]) -> Result<Vec<TcpListener>, Failure> {
    let inside = Netlink::open().map_err(failed("netlink"))?;
    inside.up("lo").map_err(failed("loopback up"))?;
    // The namespace is the cell's own: no other process is affected, and port 80 is then usual.
    let ports = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    drop(ports);
    let outer: BTreeSet<Ipv4Addr> = listen.iter().filter_map(door).collect();
    if outer.is_empty() {
        return listen.iter().map(open).collect();
    }
    let cell = File::open("/proc/self/ns/net").map_err(failed("open network namespace"))?;
    unshare(UnshareFlags::NEWNET).map_err(failed("unshare network for doors"))?;
    let doors = Netlink::open().map_err(failed("netlink for doors"))?;
    doors.veth("doors", "service", cell.as_fd()).map_err(failed("link to doors"))?;
    doors.address("doors", DOORS_ADDRESS, DOORS_PREFIX).map_err(failed("address of doors"))?;
    for address in outer {
        doors.address("doors", address, 32).map_err(failed("address of a door"))?;
    }
    doors.up("doors").map_err(failed("doors up"))?;
    let listeners: Vec<Option<TcpListener>> = listen
        .iter()
        .map(|address| door(address).map(|_| open(address)).transpose())
        .collect::<Result<_, _>>()?;
    move_into_link_name_space(cell.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(io::Error::from)
        .map_err(failed("return to the cell"))?;
    inside.up("service").map_err(failed("link up"))?;
    inside.address("service", SERVICE_ADDRESS, DOORS_PREFIX).map_err(failed("address"))?;
    listen
        .iter()
        .zip(listeners)
        .map(|(address, listener)| listener.map_or_else(|| open(address), Ok))
        .collect()
}

/// Gives the cell its own `hosts`, resolver settings, and empty folders over what it may not see.
pub(crate) fn files(plan: &Plan) -> Result<(), Failure> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(io::Error::from)
        .map_err(failed("private mounts"))?;
    let shown: Vec<(PathBuf, OwnedFd)> =
        plan.show.iter().map(|path| Ok((path.clone(), handle(path)?))).collect::<Result<_, _>>()?;
    for path in &plan.hide {
        tmpfs(path).map_err(failed("hide folder"))?;
    }
    for (path, origin) in &shown {
        fs::create_dir_all(path).map_err(failed("show folder"))?;
        mount_bind_recursive(format!("/proc/self/fd/{}", origin.as_raw_fd()), path)
            .map_err(io::Error::from)
            .map_err(failed("show folder"))?;
    }
    // A name service cache answers from outside the cell, before `hosts` is read.
    for cache in ["/run/nscd", "/var/run/nscd"] {
        if Path::new(cache).is_dir() {
            tmpfs(Path::new(cache)).map_err(failed("hide name cache"))?;
        }
    }
    generated(plan)
}

fn generated(plan: &Plan) -> Result<(), Failure> {
    tmpfs(Path::new(SCRATCH)).map_err(failed("scratch folder"))?;
    let files = [
        ("/etc/hosts", hosts(plan), !plan.hosts.is_empty()),
        // glibc: files only. Without this, resolved and mDNS are asked over their unix sockets.
        ("/etc/nsswitch.conf", "hosts: files\n".to_owned(), false),
        // musl has no nsswitch: an address where nothing listens fails at once.
        (
            "/etc/resolv.conf",
            "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n".to_owned(),
            false,
        ),
    ];
    for (target, text, needed) in files {
        let made = Path::new(SCRATCH).join(target.trim_start_matches("/etc/"));
        if !Path::new(target).exists() && !needed {
            continue;
        }
        let text = if target.ends_with("nsswitch.conf") { nsswitch(target) } else { text };
        fs::write(&made, text).map_err(failed("write generated file"))?;
        mount_bind(&made, target).map_err(io::Error::from).map_err(failed("mount /etc file"))?;
    }
    unmount(SCRATCH, UnmountFlags::DETACH)
        .map_err(io::Error::from)
        .map_err(failed("scratch folder"))
}

fn hosts(plan: &Plan) -> String {
    let mut text = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n".to_owned();
    if let Ok(name) = rustix::system::uname().nodename().to_str() {
        text.extend(["127.0.0.1 ", name, "\n"]);
    }
    for (name, address) in &plan.hosts {
        text.extend([address.to_string().as_str(), " ", name, "\n"]);
    }
    text
}

/// The machine's own file with one line replaced, so that users and groups are still found.
fn nsswitch(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut kept: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("hosts:")).collect();
    kept.push("hosts: files");
    kept.join("\n") + "\n"
}

fn tmpfs(path: &Path) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    Ok(mount("tmpfs", path, "tmpfs", flags, Some(c"mode=0755"))?)
}

fn handle(path: &Path) -> Result<OwnedFd, Failure> {
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(io::Error::from)
        .map_err(failed("open shown folder"))
}

fn door(address: &SocketAddr) -> Option<Ipv4Addr> {
    match address.ip() {
        IpAddr::V4(ip) if !ip.is_loopback() && !ip.is_unspecified() => Some(ip),
        _ => None,
    }
}

fn open(address: &SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).map_err(failed("open door"))?;
    listener.set_nonblocking(true).map_err(failed("open door"))?;
    Ok(listener)
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for the sake of UnshareFlags::FILES, which is not used here"
)]
fn unshare(flags: UnshareFlags) -> io::Result<()> {
    Ok(rustix::thread::unshare(flags)?)
}

pub(crate) fn failed(step: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |source| Failure { step, source }
}
