//! The main loop of `dev` and `serve`: start, announce, watch, reload, drain.

mod announce;
mod connections;
mod reload;
mod status;
mod succession;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use ringwall_api::Reply;
use ringwall_base::{Class, Event, Outcome};
use ringwall_gateway::{Contracts, Core};
use ringwall_manifest::Model;
use ringwall_net::Census;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, LocalSet};

use super::beside::Beside;
use super::declared;
use super::doors::Doors;
use super::execute::{done, failed};
use super::fleet::Fleet;
use super::ground::{make_private, replace};
use super::groundwork::Groundwork;
use super::handover::{Heir, Inherited};
use super::logouts::Logouts;
use super::post::Post;
use super::shared_limits::SharedLimits;
use super::showcase::Showcase;
use super::socket::{self, Ask};
use super::watch::{self, Seen};
use super::{Ground, activation, certified, elsewhere, learning, notify, pages};
use crate::exit::Exit;
use crate::load::Loaded;
use crate::out::Out;
use crate::paths::Place;

/// What the process is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// Starts the services too.
    Dev,
    /// Production: services run elsewhere.
    Serve,
}

/// How it was started.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) role: Role,
    /// Threads; zero is one a core.
    pub(crate) workers: usize,
    /// Another address than the manifest's port.
    pub(crate) listen: Option<SocketAddr>,
    /// Certificate chain and key of the public door.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    /// No TLS at the public door: only behind something that terminates it on this machine.
    pub(crate) danger_plain_http: bool,
    /// Run services without namespaces.
    pub(crate) is_open: bool,
    /// This program, where it lies and not what it was: an upgrade starts what lies there then.
    pub(crate) program: PathBuf,
}

impl Options {
    pub(crate) fn is_dev(&self) -> bool {
        self.role == Role::Dev
    }
}

/// What the control socket looks at.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) ground: Arc<Ground>,
    core: Arc<Core>,
    showcase: Arc<Showcase>,
    model: ArcSwap<Model>,
    broken: Mutex<Option<String>>,
    census: Census,
}

impl Shared {
    /// The manifest in force.
    pub(crate) fn model(&self) -> Arc<Model> {
        self.model.load_full()
    }

    /// Whether decisions can be recorded.
    pub(crate) fn is_ready(&self) -> bool {
        self.ground.log().stats().is_writable
    }

    /// All counters, in the `OpenMetrics` text format.
    pub(crate) fn metrics(&self) -> Result<String, std::fmt::Error> {
        let text = self.core.metrics()?;
        let text = text.strip_suffix(END).unwrap_or(&text);
        let logins = self.ground.identity.login_metrics();
        let text = format!("{text}{}{logins}{END}", self.showcase.metrics());
        Ok(connections::add(&text, &self.census.look()))
    }
}

/// Runs until it is told to stop.
pub(crate) fn serve(options: &Options, place: &Place, out: &mut Out) -> Result<Exit> {
    let (mut heir, inheritance) = match Heir::find()? {
        Some((heir, inheritance)) => (Some(heir), inheritance),
        None => (None, activation::sockets()?),
    };
    let ended = serve_as(options, place, (&mut heir, inheritance), out);
    // The process that started this one says it to the operator, and goes on itself.
    if let Some(heir) = heir {
        heir.failed(&match &ended {
            Ok(_) => "the manifest has errors; `ringwall check` shows them".to_owned(),
            Err(error) => format!("{error:#}"),
        });
    }
    ended
}

fn serve_as(
    options: &Options,
    place: &Place,
    (heir, inheritance): (&mut Option<Heir>, Vec<Inherited>),
    out: &mut Out,
) -> Result<Exit> {
    let loaded = Loaded::read_with_rules(place)?;
    let model = match loaded.model(out)? {
        Ok(model) => model.clone(),
        Err(exit) => return Ok(exit),
    };
    let mut groundwork = Groundwork::default();
    if let Some(heir) = heir {
        groundwork = Groundwork::lay(place)?;
        heir.loaded()?;
    }
    let ground = Arc::new(Ground::open_upon(place, Some(&model), groundwork)?);
    make_private(&place.run().join("keys"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(LocalSet::new().run_until(async {
        let mut running = Running::start((options, place), &ground, (loaded, &model), inheritance)?;
        let _beside = Beside::start(&running.doors.core, &ground, place).await;
        if let Some(heir) = heir.take() {
            heir.ready(Arc::clone(&ground.sink))?;
        }
        let announced = announce::start(&mut running, out).await;
        let ended = match announced {
            Ok(()) => running.watch(out).await,
            Err(error) => Err(error),
        };
        if let Ok(End::Succeeded) = ended {
            running.fade(out).await;
        } else {
            notify::tell("STOPPING=1");
            out.talk("  stopping");
            running.stop();
        }
        ended
    }));
    record(&ground, "node-stopped", Outcome::Success, None);
    if let Ok(End::Succeeded) = ended {
        // What the doors still wait for was given up.
        runtime.shutdown_background();
        // The log is another process's now, which has all events up to here.
        return Ok(Exit::Ok);
    }
    if let Err(error) = ground.log().flush() {
        out.problem("RW4010", &format!("the audit log could not be finished: {error}"), None);
    }
    ended.map(|_| Exit::Ok)
}

/// Why the main loop ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// It was told to.
    Told,
    /// Another process took over.
    Succeeded,
}

/// The server as it runs.
#[derive(Debug)]
struct Running {
    options: Options,
    place: Place,
    shared: Arc<Shared>,
    doors: Doors,
    fleet: Fleet,
    version: u64,
    loaded: Loaded,
    isolation: std::result::Result<(), String>,
    asks: mpsc::Receiver<Ask>,
    sender: mpsc::Sender<Ask>,
    control: AbortHandle,
    shared_limits: SharedLimits,
    /// The keys that services verify with, as they stand in the file.
    shown: String,
    logouts: Logouts,
    post: Post,
    started: Duration,
}

impl Running {
    fn start(
        (options, place): (&Options, &Place),
        ground: &Arc<Ground>,
        (loaded, model): (Loaded, &Model),
        inheritance: Vec<Inherited>,
    ) -> Result<Self> {
        let keys = place.run().join("keys").join("internal.json");
        let shown = ground.identity.internal_jwks();
        replace(&keys, shown.as_bytes(), 0o644)?;
        let isolation = match (options.is_dev(), options.is_open) {
            (true, false) => ringwall_cell::available(ringwall_cell::Shim::default())
                .map_err(|why| why.to_string()),
            (true, true) => Err("services are not isolated because of --open".to_owned()),
            (false, _) => Ok(()),
        };
        let mut doors = Doors::open(ground, model, options, &inheritance)?;
        let mut fleet = Fleet::new(place, isolation.is_ok())?;
        pages::show(&doors.core, place, model)?;
        certified::tell(&ground.identity, model);
        let version = in_force(&doors, model, &loaded)?;
        declared::apply(ground, model)?;
        ground.identity.empower(declared::powers(model));
        // Not before: clients may wait already, and a door without a manifest refuses them.
        doors.follow(model, options, inheritance)?;
        learning::begin(&doors.core, place);
        let started = ground.clock.monotonic();
        let shared = Arc::new(Shared {
            ground: Arc::clone(ground),
            core: Arc::clone(&doors.core),
            showcase: Arc::clone(&doors.showcase),
            model: ArcSwap::from_pointee(model.clone()),
            broken: Mutex::default(),
            census: doors.census(),
        });
        record(ground, "node-started", Outcome::Success, None);
        if options.is_dev() {
            // Doors lead somewhere only now: the snapshot is built again with all of them open.
            if let Err(error) = fleet.apply(ground, model, &mut doors) {
                fleet.stop();
                return Err(error);
            }
        }
        let version = if options.is_dev() { in_force(&doors, model, &loaded)? } else { version };
        let mut shared_limits = SharedLimits::default();
        shared_limits.apply(&doors.core, ground, model)?;
        let post = outward(ground, model, outbox(options, place).as_deref())?;
        let (sender, asks) = mpsc::channel(ASKS_MAX);
        let control = socket::listen(place, &shared, sender.clone())?;
        Ok(Self {
            options: options.clone(),
            place: place.clone(),
            shared,
            doors,
            fleet,
            version,
            loaded,
            isolation,
            asks,
            sender,
            control,
            shared_limits,
            shown,
            logouts: Logouts::new(place),
            post,
            started,
        })
    }

    /// Waits for whatever comes, until a signal says stop.
    async fn watch(&mut self, out: &mut Out) -> Result<End> {
        let mut stop = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut look = tokio::time::interval(watch::INTERVAL);
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        let mut clean = tokio::time::interval(CLEAN_INTERVAL);
        let mut tell = tokio::time::interval(TELL_INTERVAL);
        let mut watchdog = tokio::time::interval(notify::watchdog());
        let mut seen = Seen::now(&self.loaded.files);
        let [interrupt, terminate] = &mut stop;
        loop {
            tokio::select! {
                () = caught(interrupt) => return Ok(End::Told),
                () = caught(terminate) => return Ok(End::Told),
                () = caught(&mut hang_up) => drop(self.reload(out)),
                _ = watchdog.tick() => notify::tell("WATCHDOG=1"),
                _ = look.tick() => {
                    let now = Seen::now(&self.loaded.files);
                    if now != seen && self.options.is_dev() {
                        seen = now;
                        drop(self.reload(out));
                    }
                    self.show_keys();
                    self.report_ends(out).await;
                }
                _ = sweep.tick() => self.sweep().await,
                _ = clean.tick() => self.clean().await,
                _ = tell.tick() => self.logouts.go(&self.shared.ground.identity),
                ask = self.asks.recv() => if self.take(ask, out).await {
                    return Ok(End::Succeeded);
                },
            }
        }
    }

    /// Services learn of a key that was revoked within a second or two (attack K4).
    fn show_keys(&mut self) {
        let jwks = self.shared.ground.identity.internal_jwks();
        if jwks == self.shown {
            return;
        }
        let keys = self.place.run().join("keys").join("internal.json");
        match replace(&keys, jwks.as_bytes(), 0o644) {
            Ok(()) => self.shown = jwks,
            Err(error) => tracing::error!(error = format!("{error:#}"), "keys were not shown"),
        }
    }

    /// Rows that nobody needs any more.
    async fn clean(&self) {
        let ground = Arc::clone(&self.shared.ground);
        let cleaned = tokio::task::spawn_blocking(move || ground.identity.clean()).await;
        match cleaned {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "what has expired was not removed"),
            Err(error) => tracing::error!(%error, "the cleaner panicked"),
        }
    }

    /// Keys, sessions and certificates that are due, and what was learned meanwhile.
    async fn sweep(&mut self) {
        learning::write_beside(&self.doors.core, &self.place).await;
        let ground = Arc::clone(&self.shared.ground);
        elsewhere::refresh(&ground);
        let swept = tokio::task::spawn_blocking(move || ground.identity.sweep()).await;
        match swept {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "keys and sessions were not turned"),
            Err(error) => tracing::error!(%error, "the sweeper panicked"),
        }
        let keys = self.place.run().join("keys").join("internal.json");
        let jwks = self.shared.ground.identity.internal_jwks();
        let renewed = replace(&keys, jwks.as_bytes(), 0o644)
            .and_then(|()| self.doors.renew(&self.shared.ground, &self.shared.model()));
        if let Err(error) = renewed {
            tracing::error!(error = format!("{error:#}"), "certificates were not renewed");
        }
    }

    /// Does what the control socket asks. Whether another process took over.
    async fn take(&mut self, ask: Option<Ask>, out: &mut Out) -> bool {
        match ask {
            Some(Ask::Upgrade(to)) => return self.upgrade(to, out).await,
            Some(ask) => self.answer(ask, out).await,
            None => {}
        }
        false
    }

    async fn answer(&mut self, ask: Ask, out: &mut Out) {
        let (reply, to) = match ask {
            Ask::Reload(to) => (self.reload(out), to),
            Ask::Status(to) => (Reply::Status(Box::new(self.status().await)), to),
            Ask::Upgrade(to) => (failed("it is upgraded already", None), to),
        };
        // Whoever asked may have gone away.
        drop(to.send(reply));
    }

    async fn report_ends(&mut self, out: &mut Out) {
        announce::ends(&mut self.fleet, out).await;
    }

    fn stop(mut self) {
        // Doors first: no new request reaches a service that is about to end.
        self.doors.drain(self.shared.model().gateway.drain.unwrap_or(DRAIN));
        learning::write(&self.shared.core, &self.place);
        self.fleet.stop();
        drop(std::fs::remove_file(self.place.socket()));
    }
}

/// Puts a manifest in force, with its schemas and rules.
fn in_force(doors: &Doors, model: &Model, loaded: &Loaded) -> Result<u64> {
    let contracts = Contracts { schemas: &loaded.schemas, descriptors: &loaded.descriptors };
    let version = doors.core.load_contracts(model, contracts, loaded.rules.as_ref());
    version.context("the manifest cannot be enforced")
}

/// The ways to others on behalf of people: another issuer, and letters.
fn outward(ground: &Arc<Ground>, model: &Model, outbox: Option<&Path>) -> Result<Post> {
    elsewhere::apply(ground, model)?;
    let mut post = Post::default();
    post.apply(ground, model, outbox)?;
    Ok(post)
}

/// Where letters are written that no server takes: in development only.
fn outbox(options: &Options, place: &Place) -> Option<PathBuf> {
    options.is_dev().then(|| place.state().join("outbox"))
}

async fn caught(signal: &mut Signal) {
    signal.recv().await;
}

fn record(ground: &Ground, action: &'static str, outcome: Outcome, reason: Option<&str>) {
    let event = Event {
        at: ground.clock.now(),
        action,
        class: Class::Sync,
        outcome,
        reason: reason.map(str::to_owned),
        ..Event::default()
    };
    if let Err(error) = ground.sink.put(event) {
        tracing::error!(%error, "the audit log does not take events");
    }
}

/// The last line of the `OpenMetrics` text format.
const END: &str = "# EOF\n";
const ASKS_MAX: usize = 64;
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
const CLEAN_INTERVAL: Duration = Duration::from_secs(10);
/// How soon an application hears that a session has ended.
const TELL_INTERVAL: Duration = Duration::from_secs(1);
/// Requests on their way may take this long when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
