//! The parent's side of a cell: starts the shim, owns the doors, asks for connections.

mod control;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use tokio::sync::mpsc;

use crate::line::{LINES_WAITING_MAX, LineReader, Stream, pump};
use crate::shim::SHIM_COMMAND;
use crate::wire::Plan;
use control::Control;

/// What to run, and what it may see.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The service's name, for threads and messages.
    pub name: String,
    /// A command for `/bin/sh -c`. Write `exec` before a single command to save a process.
    pub command: String,
    /// Its working directory.
    pub dir: PathBuf,
    /// Its whole environment: nothing is inherited.
    pub env: Vec<(String, String)>,
    /// Listeners to make inside. Use [`door_address`] for addresses that cannot collide with what
    /// the service itself binds. Without isolation each is `127.0.0.1` and a free port instead.
    pub listen: Vec<SocketAddr>,
    /// Names that `/etc/hosts` inside knows, beside `localhost`.
    pub hosts: Vec<(String, IpAddr)>,
    /// Absolute folders that are empty inside.
    pub hide: Vec<PathBuf>,
    /// Absolute folders below hidden ones that stay visible.
    pub show: Vec<PathBuf>,
    /// False runs the command plainly, with the same interface.
    pub isolate: bool,
    /// How to start this program as a shim.
    pub shim: Shim,
}

/// How to start a program whose `main` calls [`crate::shim_main`].
#[derive(Clone, Debug)]
pub struct Shim {
    /// The program. The default is the running one, even when its file was replaced.
    pub program: PathBuf,
    /// Its first arguments. The default is [`SHIM_COMMAND`].
    pub arguments: Vec<String>,
}

/// How a service ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// It returned this status.
    Code(i32),
    /// The shim ended without a word; the kernel has then killed the service.
    Lost,
    /// This signal ended it.
    Signal(i32),
}

/// Why a cell was not started.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// The parent and the shim cannot talk.
    #[error("the cell does not answer")]
    Control(#[source] io::Error),
    /// The working directory does not exist.
    #[error("the folder `{}` does not exist", .0.display())]
    Directory(PathBuf),
    /// The shim could not build the inside.
    #[error("the cell cannot be built ({step})")]
    Inside {
        /// What it was doing.
        step: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The shim could not be started.
    #[error("the cell cannot be started")]
    Spawn(#[source] io::Error),
}

/// Why cells are not possible on this machine, with what an operator can do.
#[derive(Debug, thiserror::Error)]
#[error("services cannot be isolated here: {hint}")]
pub struct Why {
    /// The likely cause and its remedy.
    pub hint: String,
    /// What failed.
    #[source]
    pub source: CellError,
}

/// A running service and its doors. Dropping it ends the service.
#[derive(Debug)]
pub struct Cell {
    name: String,
    pid: i32,
    control: Arc<Control>,
    listeners: Vec<TcpListener>,
    lines: Option<LineReader>,
}

impl Cell {
    /// Builds the cell and starts the service. Blocks for some ten milliseconds.
    ///
    /// # Errors
    /// When the shim cannot be started or the inside cannot be built; nothing is left running.
    pub fn spawn(spec: Spec) -> Result<Self, CellError> {
        if !spec.dir.is_dir() {
            return Err(CellError::Directory(spec.dir));
        }
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
            .map_err(|errno| CellError::Spawn(errno.into()))?;
        let mut child = start_shim(&spec.shim, theirs).map_err(CellError::Spawn)?;
        let lines = read_output(&spec.name, &mut child).map_err(CellError::Spawn)?;
        let plan = Plan {
            shim_arguments: spec.shim.arguments,
            command: spec.command,
            dir: spec.dir,
            env: spec.env,
            listen: spec.listen,
            hosts: spec.hosts,
            hide: spec.hide,
            show: spec.show,
            isolate: spec.isolate,
        };
        let (control, (pid, listeners)) = Control::start(&spec.name, ours, child, plan)?;
        Ok(Self { name: spec.name, pid, control, listeners, lines: Some(lines) })
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id of the service; it leads its process group.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Takes the listeners that were made inside, in the order asked for; non-blocking.
    pub fn listeners(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.listeners)
    }

    /// Takes the service's output. The second call gives `None`.
    pub fn lines(&mut self) -> Option<LineReader> {
        self.lines.take()
    }

    /// A handle that connects into the cell; it may outlive it, and then fails.
    pub fn dialer(&self) -> Dialer {
        Dialer(Arc::clone(&self.control))
    }

    /// Connects to an address inside the cell. The stream is connected and non-blocking.
    ///
    /// # Errors
    /// What the kernel said inside, such as `ConnectionRefused`.
    pub async fn dial(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.control.dial(address).await
    }

    /// Like [`Cell::dial`] for callers without a runtime. The stream blocks.
    ///
    /// # Errors
    /// What the kernel said inside, such as `ConnectionRefused`.
    pub fn dial_blocking(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.control.dial_blocking(address)
    }

    /// Asks the service to end; it is killed, with all that it started, after `grace`.
    ///
    /// # Errors
    /// When the shim is gone; the service is then gone too.
    pub fn stop(&self, grace: Duration) -> io::Result<()> {
        self.control.stop(grace)
    }

    /// How it ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        self.control.exit()
    }

    /// Waits for its end.
    pub async fn wait(&self) -> Exit {
        self.control.wait().await
    }

    /// Waits for its end, at most `limit`, for callers without a runtime.
    pub fn wait_blocking(&self, limit: Duration) -> Option<Exit> {
        self.control.wait_blocking(limit)
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        self.control.hang_up();
    }
}

/// Connects into a cell from any thread.
#[derive(Clone, Debug)]
pub struct Dialer(Arc<Control>);

impl Dialer {
    /// As [`Cell::dial`].
    ///
    /// # Errors
    /// What the kernel said inside, or `BrokenPipe` when the cell has ended.
    pub async fn dial(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.0.dial(address).await
    }
}

/// The address for the `index`-th door of a cell: a network (RFC 2544) that no real host has.
///
/// `None` beyond the size of that network.
pub fn door_address(index: u16) -> Option<IpAddr> {
    // The first addresses belong to the link itself; 198.19.0.0/16 stays free.
    let [high, low] = index.checked_add(16)?.to_be_bytes();
    Some(Ipv4Addr::new(198, 18, high, low).into())
}

/// Tries whether services can be isolated on this machine, by isolating `true`.
///
/// # Errors
/// With the likely cause when they cannot.
pub fn available(shim: Shim) -> Result<(), Why> {
    let door = door_address(0).map(|ip| SocketAddr::new(ip, 80));
    let spec = Spec {
        command: "exec true".to_owned(),
        listen: door.into_iter().collect(),
        isolate: true,
        shim,
        ..Spec::default()
    };
    match Cell::spawn(spec) {
        Ok(_cell) => Ok(()),
        Err(source) => Err(Why { hint: hint(), source }),
    }
}

impl Default for Shim {
    fn default() -> Self {
        Self { program: "/proc/self/exe".into(), arguments: vec![SHIM_COMMAND.to_owned()] }
    }
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            name: "cell".to_owned(),
            command: String::new(),
            dir: PathBuf::from("/"),
            env: Vec::new(),
            listen: Vec::new(),
            hosts: Vec::new(),
            hide: Vec::new(),
            show: Vec::new(),
            isolate: true,
            shim: Shim::default(),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Lost => f.write_str("lost"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
        }
    }
}

fn start_shim(shim: &Shim, control: OwnedFd) -> io::Result<Child> {
    Command::new(&shim.program)
        .args(shim.arguments.iter().map(OsString::from))
        // The operator's environment is readable in /proc by every process of the same user.
        .env_clear()
        .stdin(control)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in the terminal reaches the parent only, which then ends services in order.
        .process_group(0)
        .spawn()
}

fn read_output(name: &str, child: &mut Child) -> io::Result<LineReader> {
    let (sender, lines) = mpsc::channel(LINES_WAITING_MAX);
    let errors = sender.clone();
    if let Some(out) = child.stdout.take() {
        let thread = thread::Builder::new().name(format!("{name} out"));
        thread.spawn(move || pump(out, Stream::Out, &sender))?;
    }
    if let Some(err) = child.stderr.take() {
        let thread = thread::Builder::new().name(format!("{name} err"));
        thread.spawn(move || pump(err, Stream::Err, &errors))?;
    }
    Ok(lines)
}

/// The usual switches that forbid user namespaces, in the order of how often they are met.
fn hint() -> String {
    let is = |file: &str, value: &str| {
        std::fs::read_to_string(file).is_ok_and(|text| text.trim() == value)
    };
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns = 1)"
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "user namespaces are off (kernel.unprivileged_userns_clone = 0)"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "user namespaces are off (user.max_user_namespaces = 0)"
    } else {
        "the kernel or a container's seccomp profile refuses user namespaces"
    }
    .to_owned()
}
