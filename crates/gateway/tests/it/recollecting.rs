//! What rules remember, by two gateways with one Redis: together, alone, and together again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ringwall_gateway::Sharing;
use ringwall_manifest::Waf;
use ringwall_store::{Redis, RedisSettings, Wire, Wiring};
use ringwall_testkit::RedisServer;
use ringwall_waf::{NoLibrary, Ruleset, Source};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

use crate::fleet::{Fleet, get, grants, model, service, status};
use crate::upstream::Upstream;

/// A third request is one too many; `/find?block=1` blocks the address, and nothing else does.
const RULES: &str = r#"
SecRuleEngine On
SecAction "id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}_%{REQUEST_HEADERS.x-who}"
SecRule IP:blocked "@eq 1" "id:2,phase:1,deny,status:403,log,msg:'blocked'"
SecRule IP:count "@ge 3" "id:3,phase:1,deny,status:429,log,msg:'often'"
SecRule ARGS:block "@streq 1" "id:4,phase:1,pass,nolog,setvar:ip.blocked=1,expirevar:ip.blocked=60"
SecRule ARGS:name "@unconditionalMatch" "id:6,phase:2,pass,nolog,setvar:ip.%{ARGS.name}=%{ARGS.name}"
SecAction "id:5,phase:5,pass,nolog,setvar:ip.count=+1,deprecatevar:ip.count=1/3600"
"#;

struct Pair {
    server: RedisServer,
    fleets: [Fleet; 2],
    edges: [SocketAddr; 2],
    runtime: Runtime,
    _upstream: Upstream,
    _folder: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let (folder, upstream) = (tempfile::tempdir().unwrap(), Upstream::plain());
        let mut shop = service("shop", upstream.address, &["find = GET /find"]);
        shop.people.insert("anyone".to_owned(), grants(&["find"]));
        let mut model = model(vec![shop]);
        model.gateway.waf = Waf::Block;
        model.gateway.refuses_unknown_parameters = false;
        let rules = Source { name: "test.conf".to_owned(), text: RULES.into() };
        let rules = Arc::new(Ruleset::load(&[rules], &NoLibrary).unwrap());
        let fleet = || Fleet::judged(&model, &BTreeMap::new(), &rules);
        let fleets = [fleet(), fleet()];
        let edges = [fleets[0].edge(), fleets[1].edge()];
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = RedisServer::start(folder.path(), &[]).unwrap();
        let pair = Self { server, fleets, edges, runtime, _upstream: upstream, _folder: folder };
        for (fleet, seed) in pair.fleets.iter().zip(1..) {
            pair.share(fleet, seed);
        }
        pair.all("shared", |state| *state == Sharing::Up);
        pair
    }

    fn share(&self, fleet: &Fleet, turns: u8) {
        let socket = self.server.socket();
        let connect = move || {
            let socket = socket.clone();
            let open =
                async move { Ok(Box::new(UnixStream::connect(socket).await?) as Box<dyn Wire>) };
            Box::pin(open) as Wiring
        };
        let prefix = "ringwall:shop:".to_owned();
        let settings = RedisSettings { prefix, password: None, time: Duration::from_secs(2) };
        let redis = Arc::new(Redis::new(settings, Box::new(connect)));
        // Both draw from the same seed: each has a name of its own all the same.
        for _ in 1..turns {
            fleet.core.recollect(Arc::clone(&redis) as Arc<_>).unwrap();
        }
        let exchange = fleet.core.recollect(redis).unwrap();
        self.runtime.spawn(exchange.run());
    }

    fn all(&self, what: &str, look: impl Fn(&Sharing) -> bool) {
        until(what, || self.fleets.iter().all(|fleet| look(&fleet.core.collections_state())));
    }

    /// Waits for two exchanges of each: the first may have begun before what was changed last.
    fn exchanged(&self) {
        for fleet in &self.fleets {
            let count = || metric(fleet, "ringwall_waf_collections_exchanges_total");
            let before = count();
            until("two exchanges", || count() >= before + 2);
        }
        // A copy that nobody used here is not believed for longer than two seconds.
        for fleet in &self.fleets {
            fleet.clock.advance(Duration::from_secs(2));
        }
    }

    fn ask(&self, at: usize, who: &str) -> u16 {
        status(&get(self.edges[at], "/find", &[&format!("x-who: {who}")]))
    }
}

fn metric(fleet: &Fleet, name: &str) -> u64 {
    let metrics = fleet.core.metrics().unwrap();
    let line = metrics.lines().find(|line| line.starts_with(name)).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
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

#[test]
fn two_gateways_count_together_and_a_new_caller_is_asked_for_before_it_is_judged() {
    let pair = Pair::new();
    assert_eq!((pair.ask(0, "a"), pair.ask(1, "b"), pair.ask(0, "a")), (200, 200, 200));
    pair.exchanged();
    // The first time that the other sees this caller: two have been counted.
    assert_eq!(pair.ask(1, "a"), 200);
    pair.exchanged();
    assert_eq!((pair.ask(0, "a"), pair.ask(1, "a"), pair.ask(1, "b")), (429, 429, 200));
    let block = |at: usize| get(pair.edges[at], "/find?block=1", &["x-who: c"]);
    assert_eq!(status(&block(0)), 200);
    pair.exchanged();
    assert_eq!(
        pair.ask(1, "c"),
        403,
        "the first request at the other is judged by what the one saw"
    );
    let late: u64 =
        pair.fleets.iter().map(|one| metric(one, "ringwall_waf_collections_late_total")).sum();
    assert_eq!(late, 0, "a Redis on this machine answers in time");
}

#[test]
fn without_redis_each_goes_on_alone_which_is_said_once_and_nothing_counted_is_lost() {
    let mut pair = Pair::new();
    assert_eq!(pair.ask(0, "a"), 200);
    pair.exchanged();
    assert_eq!(pair.ask(1, "a"), 200);
    pair.exchanged();
    pair.server.kill();
    pair.all("away", |state| matches!(state, Sharing::Away(_)));
    assert_eq!(metric(&pair.fleets[0], "ringwall_waf_collections_shared"), 0);
    // Nobody is refused for it, and nobody waits for it.
    assert_eq!((pair.ask(1, "a"), pair.ask(0, "d"), pair.ask(1, "d")), (200, 200, 200));
    assert_eq!(metric(&pair.fleets[1], "ringwall_waf_collections_late_total"), 0);
    pair.server.revive().unwrap();
    pair.all("back", |state| *state == Sharing::Up);
    pair.exchanged();
    // Redis came back empty: who knows of three tells of three.
    assert_eq!((pair.ask(0, "a"), pair.ask(1, "a")), (429, 429));
    for fleet in &pair.fleets {
        let events = fleet.sink.take();
        let count = |action: &str| events.iter().filter(|event| event.action == action).count();
        assert_eq!((count("waf-store-away"), count("waf-store-back")), (1, 2));
    }
}

#[test]
fn keys_in_the_store_are_hashes_and_hostile_names_are_only_names() {
    let pair = Pair::new();
    let evil = "%0d%0aFLUSHALL%0d%0a";
    for at in 0..2 {
        let path = format!("/find?name={evil}");
        assert_eq!(status(&get(pair.edges[at], &path, &["x-who: *?[a] {x} '\"\\"])), 200);
        pair.exchanged();
    }
    let folder = pair.server.socket();
    let keys = pair.runtime.block_on(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut client = UnixStream::connect(folder).await.unwrap();
        client.write_all(b"KEYS *\r\nQUIT\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    });
    let names: Vec<&str> = keys.lines().filter(|line| line.starts_with("ringwall:")).collect();
    assert!(!names.is_empty(), "{keys}");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
    assert!(names.iter().all(|name| name.bytes().all(plain)), "{names:?}");
    let ours = names.iter().filter(|name| name.starts_with("ringwall:shop:waf:ip:"));
    assert_eq!(ours.count(), 1, "{names:?}");
}
