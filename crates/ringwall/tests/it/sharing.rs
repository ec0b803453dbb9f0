//! Two gateways, each a process, that keep limits together in one Redis.

use ringwall_testkit::RedisServer;
use serde_json::Value;

use crate::house::House;
use crate::library::{MANIFEST, Upstream};
use crate::program::Program;
use crate::wait::until;

struct Pair {
    redis: RedisServer,
    houses: [House; 2],
    _servers: [Program; 2],
    _upstream: Upstream,
    _folder: tempfile::TempDir,
}

/// Two hundred in a day: nothing comes back while the test runs, on a slow machine neither.
fn pair() -> Pair {
    let folder = tempfile::TempDir::new().unwrap();
    let redis = RedisServer::start_on_port(folder.path(), &["--requirepass", "between us"]);
    let redis = redis.unwrap();
    let upstream = Upstream::start();
    let limits = format!(
        "[secrets]\nredis_key = {{}}\n\n[limits]\nredis = \"redis://127.0.0.1:{}\"\n\
         redis_secret = \"redis_key\"",
        redis.port()
    );
    let rules = "[waf]\nfiles = [\"waf/count.conf\"]\ncollections = \"shared\"\n\n[roles]";
    let manifest = MANIFEST
        .replace("[gateway]", "[gateway]\nwaf = \"block\"")
        .replace("[roles]", rules)
        .replace("UPSTREAM", &upstream.port.to_string())
        .replace("[limits]", &limits)
        .replace("3 per minute per ip", "200 per day per ip");
    let houses = [0, 1].map(|_| {
        let house = House::new(&manifest);
        house.write("books.yaml", include_str!("books.yaml"));
        house.write("waf/count.conf", COUNT);
        house.pipe("between us", &["secret", "set", "redis_key"]).good();
        house
    });
    let servers = [houses[0].serve(), houses[1].serve()];
    Pair { redis, houses, _servers: servers, _upstream: upstream, _folder: folder }
}

/// Rules that let one address see the large answer four times.
const COUNT: &str = "
SecRule REQUEST_FILENAME \"@streq /lab/large\" \"id:100001,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}\"
SecRule IP:large \"@ge 4\" \"id:100002,phase:1,deny,status:403,log,msg:'often'\"
SecRule REQUEST_FILENAME \"@streq /lab/large\" \"id:100003,phase:5,pass,nolog,setvar:ip.large=+1\"
";

fn sharing(house: &House) -> String {
    state(house, "shared_limits")
}

fn state(house: &House, what: &str) -> String {
    let status: Value = serde_json::from_str(&house.run(&["status", "--json"]).out).unwrap();
    status[what].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_rules_counted_at_one_gateway_counts_at_the_other() {
    let mut pair = pair();
    for house in &pair.houses {
        until("both share", || (state(house, "shared_collections") == "up").then_some(()));
    }
    let [first, second] = &pair.houses;
    let three = [0, 1, 2].map(|_| first.get("/lab/large").status);
    assert_eq!(three, [200; 3]);
    let told = || {
        let metrics = first.metrics();
        let name = "ringwall_waf_collections_exchanges_total";
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let before = told();
    until("it is told", || (told() >= before + 2).then_some(()));
    let mut passed = 0;
    until("the second gateway hears", || {
        let status = second.get("/lab/large").status;
        passed += usize::from(status == 200);
        (status == 403).then_some(())
    });
    assert!((1..4).contains(&passed), "{passed} passed at the second gateway");
    assert!(first.metrics().contains("ringwall_waf_collections_shared 1"));
    pair.redis.kill();
    for house in &pair.houses {
        let is_away = || state(house, "shared_collections").contains("shared store");
        until("it is away", || is_away().then_some(()));
        assert!(!house.events(&["--action", "waf-store-away"]).is_empty());
        assert_eq!(house.get("/lab/echo").status, 200);
    }
    assert_eq!(pair.houses[1].get("/lab/large").status, 403, "what was counted stays");
}

#[test]
fn what_one_gateway_let_pass_counts_at_the_other_and_without_redis_each_counts_alone() {
    let mut pair = pair();
    for house in &pair.houses {
        until("both share", || (sharing(house) == "up").then_some(()));
    }
    let [first, second] = &pair.houses;
    let passed = (0..201).filter(|_| first.get("/lab/rated").status == 200).count();
    // Never more. A few less where an exchange was given up after the store had counted it: what
    // cannot be known to have been counted is counted again.
    assert!((150..=200).contains(&passed), "{passed} passed at the first gateway");
    // A gateway hears of a key as soon as it is asked for it, and long before it could have let
    // as many pass by itself.
    let mut passed = 0;
    until("the second gateway hears", || {
        let status = second.get("/lab/rated").status;
        passed += usize::from(status == 200);
        (status == 429).then_some(())
    });
    assert!(passed < 150, "{passed} passed at the second gateway");
    pair.redis.kill();
    until("both say that it is away", || {
        pair.houses.iter().all(|house| sharing(house).contains("shared store")).then_some(())
    });
    // Neither open nor closed: what was counted stays, and others go on.
    let [first, second] = &pair.houses;
    assert_eq!(second.get("/lab/rated").status, 429);
    assert_eq!(first.get("/lab/echo").status, 200);
    assert!(!first.events(&["--action", "limits-store-away"]).is_empty());
    pair.redis.revive().unwrap();
    for house in &pair.houses {
        until("both share again", || (sharing(house) == "up").then_some(()));
    }
    assert_eq!(pair.houses[0].events(&["--action", "limits-store-back"]).len(), 2);
}
