//! Two gateways with one Redis: how far they exceed a limit together, and what they do without it.

use std::sync::Arc;
use std::time::Duration;

use ringwall_gateway::Sharing;
use ringwall_manifest::{Limit, Model, Plan, Rate, RateKey};
use ringwall_store::{Redis, RedisSettings, Wire, Wiring};
use ringwall_testkit::RedisServer;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

use crate::fleet::{Fleet, get, grants, model, service, status};
use crate::upstream::Upstream;

const ALICE: [&str; 1] = ["cookie: __Host-ringwall=alice"];

/// Ten in an hour: nothing comes back while a test runs.
fn shop(upstream: &Upstream) -> Model {
    let mut users = service("users", upstream.address, &["home = GET /"]);
    users.people.insert("anyone".to_owned(), grants(&["home"]));
    let mut model = model(vec![users]);
    let rate = Rate { count: 10, per: Duration::from_hours(1), key: RateKey::User };
    model.limits.default = Some(Limit { rate: Some(rate), ..Limit::default() });
    model
}

fn quota(upstream: &Upstream) -> Model {
    let mut model = shop(upstream);
    model.limits.default = None;
    let quota = Rate { count: 10, per: Duration::from_hours(24), key: RateKey::User };
    let roles = vec!["customer".to_owned()];
    let plan = Plan { roles, quota: Some(quota), ..Plan::default() };
    model.plans.insert("basic".to_owned(), plan);
    model
}

fn share(fleet: &Fleet, server: &RedisServer, runtime: &Runtime) {
    let socket = server.socket();
    let connect = move || {
        let socket = socket.clone();
        Box::pin(async move { Ok(Box::new(UnixStream::connect(socket).await?) as Box<dyn Wire>) })
            as Wiring
    };
    let prefix = "ringwall:shop:".to_owned();
    let settings = RedisSettings { prefix, password: None, time: Duration::from_secs(2) };
    let redis = Arc::new(Redis::new(settings, Box::new(connect)));
    runtime.spawn(fleet.core.share(redis).run());
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[track_caller]
fn until(what: &str, mut look: impl FnMut() -> bool) {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    for _ in 0..1_000 {
        if look() {
            return;
        }
        never.recv_timeout(Duration::from_millis(20)).ok();
    }
    panic!("waited in vain: {what}");
}

fn passed(_fleet: &Fleet, edge: std::net::SocketAddr, times: usize) -> usize {
    (0..times).filter(|_| status(&get(edge, "/", &ALICE)) == 200).count()
}

#[test]
fn two_gateways_exceed_a_limit_by_no_more_than_the_stated_bound() {
    for make in [shop, quota] {
        let (folder, upstream, runtime) =
            (tempfile::tempdir().unwrap(), Upstream::plain(), runtime());
        let server = RedisServer::start(folder.path(), &[]).unwrap();
        let fleets = [Fleet::new(&make(&upstream)), Fleet::new(&make(&upstream))];
        let edges = [fleets[0].edge(), fleets[1].edge()];
        for fleet in &fleets {
            share(fleet, &server, &runtime);
            until("the first exchange", || fleet.core.sharing_state() == Sharing::Up);
        }
        // Both at once, before one can have heard of the other: burst + (2 - 1) x burst.
        let all: usize = std::thread::scope(|scope| {
            let both = [0, 1].map(|at| {
                let (fleet, edge) = (&fleets[at], edges[at]);
                scope.spawn(move || passed(fleet, edge, 15))
            });
            both.map(|one| one.join().unwrap()).into_iter().sum()
        });
        assert!((10..=20).contains(&all), "{all}");
        // What was too much is known to both from then on.
        until("both have heard", || {
            edges.iter().all(|edge| status(&get(*edge, "/", &ALICE)) == 429)
        });
        // One after the other, by one alone: the one that had to be asked first.
        let bob = ["cookie: __Host-ringwall=bob"];
        for _ in 0..10 {
            assert_eq!(status(&get(edges[0], "/", &bob)), 200);
        }
        exchanged(&fleets[0]);
        assert_eq!(status(&get(edges[1], "/", &bob)), 200);
        exchanged(&fleets[1]);
        assert_eq!(status(&get(edges[1], "/", &bob)), 429);
    }
}

/// Waits for two exchanges: the first may have begun before what was counted last.
fn exchanged(fleet: &Fleet) {
    let count = || {
        let metrics = fleet.core.metrics().unwrap();
        let line = metrics.lines().find(|line| line.starts_with("ringwall_limit_shared_exchanges"));
        line.unwrap().rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let before = count();
    until("two exchanges", || count() >= before + 2);
}

#[test]
fn without_redis_local_limits_stay_and_this_is_said() {
    let (folder, upstream, runtime) = (tempfile::tempdir().unwrap(), Upstream::plain(), runtime());
    let mut server = RedisServer::start(folder.path(), &[]).unwrap();
    let fleets = [Fleet::new(&shop(&upstream)), Fleet::new(&shop(&upstream))];
    let edges = [fleets[0].edge(), fleets[1].edge()];
    for fleet in &fleets {
        share(fleet, &server, &runtime);
        until("the first exchange", || fleet.core.sharing_state() == Sharing::Up);
    }
    assert!(fleets[0].core.metrics().unwrap().contains("ringwall_limit_shared 1"));
    server.kill();
    until("away", || matches!(fleets[0].core.sharing_state(), Sharing::Away(_)));
    until("away", || matches!(fleets[1].core.sharing_state(), Sharing::Away(_)));
    let said = |action: &str| {
        fleets.iter().all(|fleet| fleet.sink.take().iter().any(|event| event.action == action))
    };
    assert!(said("limits-store-away"));
    assert!(fleets[0].core.metrics().unwrap().contains("ringwall_limit_shared 0"));
    // Each keeps the limit for itself: closed, and no more than before sharing was invented.
    assert_eq!(passed(&fleets[0], edges[0], 12), 10);
    // Back, and empty: what was counted meanwhile comes to the other gateway.
    server.revive().unwrap();
    for fleet in &fleets {
        until("back", || fleet.core.sharing_state() == Sharing::Up);
    }
    assert!(said("limits-store-back"));
    until("the other has heard", || status(&get(edges[1], "/", &ALICE)) == 429);
    assert!(passed(&fleets[1], edges[1], 12) == 0);
}
