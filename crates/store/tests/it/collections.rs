//! Collections in a real Redis: together, said twice, lost, hostile, and bounded.

use std::path::PathBuf;
use std::time::Duration;

use ringwall_store::{
    Act, Batch, Change, Member, Part, Redis, RedisSettings, SharedCollections, SharedError, Wire,
};
use ringwall_testkit::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

fn gateway(socket: PathBuf) -> Redis {
    let time = Duration::from_secs(5);
    let settings = RedisSettings { prefix: "ringwall:test:".to_owned(), password: None, time };
    let connect = move || {
        let socket = socket.clone();
        let open = async move { Ok(Box::new(UnixStream::connect(socket).await?) as Box<dyn Wire>) };
        Box::pin(open) as ringwall_store::Wiring
    };
    Redis::new(settings, Box::new(connect))
}

fn change(name: &[u8], act: Act) -> Change {
    let first_lasts = Duration::from_mins(1);
    Change { name: name.to_vec(), act, lasts: None, first_lasts }
}

fn set(name: &[u8], value: &[u8]) -> Change {
    change(name, Act::Set(value.to_vec()))
}

fn member(name: &[u8], value: &[u8]) -> Member {
    Member { name: name.to_vec(), value: value.to_vec(), lasts: Duration::from_mins(1) }
}

fn batch(id: &str, changes: Vec<Change>, known: Vec<Member>) -> Batch {
    let part = Part { name: "place".to_owned(), changes, known };
    Batch { id: id.to_owned(), parts: vec![part] }
}

/// The collection after a batch: names and values in order.
async fn after(redis: &Redis, batch: &Batch) -> Pairs {
    let [members] = <[_; 1]>::try_from(redis.merge(batch).await.unwrap()).unwrap();
    let mut pairs: Vec<_> = members.into_iter().map(|one| (one.name, one.value)).collect();
    pairs.sort();
    pairs
}

/// Names and values.
type Pairs = Vec<(Vec<u8>, Vec<u8>)>;
type Texts<'t> = &'t [(&'t [u8], &'t [u8])];

fn pairs(texts: Texts<'_>) -> Pairs {
    texts.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

/// What an operator sees; one command in one line.
async fn operator(server: &RedisServer, command: &str) -> String {
    let mut client = UnixStream::connect(server.socket()).await.unwrap();
    client.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn count_often(redis: Redis, name: usize) {
    for turn in 0..100 {
        let known = vec![member(b"n", b"2")];
        let one = batch(&format!("{name}-{turn}"), vec![change(b"n", Act::Add(2))], known);
        redis.merge(&one).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_addition_is_lost_when_eight_gateways_count_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = RedisServer::start(folder.path(), &[]).unwrap();
    let all = (0..8).map(|name| tokio::spawn(count_often(gateway(server.socket()), name)));
    for task in all.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let redis = gateway(server.socket());
    assert_eq!(after(&redis, &batch("", vec![], vec![])).await, pairs(&[(b"n", b"1600")]));
}

#[tokio::test]
async fn each_change_does_what_it_says_to_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = RedisServer::start(folder.path(), &[]).unwrap();
    let redis = gateway(server.socket());
    let known = vec![member(b"n", b"5"), member(b"t", b" -7x"), member(b"u", b"x")];
    assert_eq!(after(&redis, &batch("1", vec![], known)).await.len(), 3);
    let changes = vec![
        change(b"n", Act::Add(-6)),
        change(b"t", Act::Add(2)),
        change(b"u", Act::Add(3)),
        change(b"new", Act::Add(4)),
        change(b"none", Act::Keep),
        set(b"s", b"a:b"),
    ];
    let want: Texts<'_> =
        &[(b"n", b"-1"), (b"new", b"4"), (b"s", b"a:b"), (b"t", b"-5"), (b"u", b"3")];
    assert_eq!(after(&redis, &batch("2", changes, vec![])).await, pairs(want));
    let gone = ["n", "new", "s", "t"].map(|name| change(name.as_bytes(), Act::Delete)).to_vec();
    assert_eq!(after(&redis, &batch("3", gone, vec![])).await, pairs(&[(b"u", b"3")]));
    let most = vec![change(b"u", Act::Add(i64::MAX)), change(b"v", Act::Add(i64::MIN))];
    let want: Texts<'_> = &[(b"u", b"9007199254740991"), (b"v", b"-9007199254740991")];
    assert_eq!(after(&redis, &batch("4", most, vec![])).await, pairs(want));
}

#[tokio::test]
async fn a_batch_that_is_said_again_counts_once_and_a_lost_store_takes_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = RedisServer::start(folder.path(), &[]).unwrap();
    let redis = gateway(server.socket());
    let first = batch("1", vec![change(b"n", Act::Add(1))], vec![member(b"n", b"1")]);
    assert_eq!(after(&redis, &first).await, pairs(&[(b"n", b"1")]));
    assert_eq!(after(&redis, &first).await, pairs(&[(b"n", b"1")]));
    let second = batch("2", vec![change(b"n", Act::Add(1))], vec![member(b"n", b"2")]);
    for _ in 0..2 {
        assert_eq!(after(&redis, &second).await, pairs(&[(b"n", b"2")]));
    }
    server.kill();
    let third = batch("3", vec![change(b"n", Act::Add(5))], vec![member(b"n", b"7")]);
    let away = redis.merge(&third).await.unwrap_err();
    assert!(matches!(away, SharedError::Connection(_)), "{away}");
    server.revive().unwrap();
    assert_eq!(after(&redis, &third).await, pairs(&[(b"n", b"7")]));
    // What was taken out is not lost, and does not come back from who has not heard of it.
    let gone = batch("4", vec![change(b"n", Act::Delete)], vec![]);
    assert_eq!(after(&redis, &gone).await, []);
    assert_eq!(after(&redis, &batch("5", vec![], vec![member(b"n", b"7")])).await, []);
}

#[tokio::test]
async fn members_end_one_by_one_and_every_key_has_a_time_to_live() {
    let folder = tempfile::tempdir().unwrap();
    let server = RedisServer::start(folder.path(), &[]).unwrap();
    let redis = gateway(server.socket());
    let short = Change { lasts: Some(Duration::from_millis(40)), ..set(b"short", b"1") };
    let week = Duration::from_hours(24 * 365);
    let long = Change { lasts: Some(week), ..set(b"long", b"1") };
    let base = batch("0", vec![], vec![member(b"a", b"1")]);
    after(&redis, &base).await;
    let all = after(&redis, &batch("1", vec![short, long], vec![])).await;
    assert_eq!(all.len(), 3);
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if after(&redis, &batch("", vec![], vec![])).await.len() == 2 {
            break;
        }
    }
    // As before: what only counts keeps its time.
    let counted = batch("2", vec![change(b"a", Act::Add(1))], vec![]);
    let [members] = <[_; 1]>::try_from(redis.merge(&counted).await.unwrap()).unwrap();
    let lasts = |name: &[u8]| members.iter().find(|one| one.name == name).unwrap().lasts;
    assert!(lasts(b"a") < Duration::from_mins(1), "{members:?}");
    assert!(lasts(b"long") <= Duration::from_hours(24 * 7));
    assert_eq!(members.len(), 2);
    let keys = operator(&server, "KEYS *").await;
    let keys: Vec<&str> = keys.lines().filter(|line| line.starts_with("ringwall:test:")).collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    for key in keys {
        let left = operator(&server, &format!("PTTL {key}")).await;
        let left = left.lines().next().unwrap();
        let left: u64 = left.trim_start_matches(':').parse().unwrap();
        assert!((1..=604_800_000).contains(&left), "{key} {left}");
    }
}

#[tokio::test]
async fn a_collection_is_bounded_in_members_and_in_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let server = RedisServer::start(folder.path(), &[]).unwrap();
    let redis = gateway(server.socket());
    let many = |from: u32| (from..from + 300).map(|at| set(&at.to_be_bytes(), b"1")).collect();
    after(&redis, &batch("0", vec![], vec![member(b"n", b"1")])).await;
    assert_eq!(after(&redis, &batch("1", many(0), vec![])).await.len(), 256);
    let all = batch("2", vec![change(b"n", Act::Add(1)), set(b"more", b"")], vec![]);
    let found = after(&redis, &all).await;
    assert!(found.contains(&(b"n".to_vec(), b"2".to_vec())), "what is there counts on");
    assert_eq!(found.len(), 256);
    let large = [b'x'; 1_000];
    let long: Vec<_> = (0..100_u32).map(|at| set(&at.to_be_bytes(), &large)).collect();
    let found = after(&redis, &batch("3", long, vec![])).await;
    let bytes: usize = found.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!((15_000..=16_384).contains(&bytes), "{bytes}");
    let rest = set(b"rest", &vec![b'x'; 16_384 - bytes - 4]);
    after(&redis, &batch("4", vec![rest], vec![])).await;
    let found = after(&redis, &batch("5", vec![change(b"n", Act::Add(98))], vec![])).await;
    assert!(found.contains(&(b"n".to_vec(), b"100".to_vec())), "a count goes on without room");
}

#[tokio::test]
async fn no_text_of_a_client_means_anything_to_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = RedisServer::start(folder.path(), &[]).unwrap();
    let redis = gateway(server.socket());
    let every: Vec<u8> = (0..=255).collect();
    let evil: [&[u8]; 7] = [
        b"\r\n$8\r\nFLUSHALL\r\n",
        b"'] redis.call('FLUSHALL') --",
        b"t",
        b"",
        b"9999999999999:x",
        b"%d+:%z",
        &every,
    ];
    after(&redis, &batch("0", vec![], vec![member(b"n", b"1")])).await;
    let changes = evil.iter().map(|text| set(text, text)).collect();
    let found = after(&redis, &batch("1", changes, vec![])).await;
    let mut want = pairs(&[(b"n", b"1")]);
    want.extend(evil.iter().map(|text| (text.to_vec(), text.to_vec())));
    want.sort();
    assert_eq!(found, want);
    assert_eq!(after(&redis, &batch("", vec![], vec![])).await, want, "and so it is kept");
    // A key of ours that is something else is made anew.
    operator(&server, "SET ringwall:test:waf:place x").await;
    let known = vec![member(b"n", b"1")];
    assert_eq!(after(&redis, &batch("2", vec![], known)).await, pairs(&[(b"n", b"1")]));
}

#[tokio::test]
async fn nonsense_is_not_a_collection() {
    for answer in [
        b"*0\r\n".as_slice(),
        b"+OK\r\n",
        b"*1\r\n+x\r\n",
        b"*1\r\n*1\r\n+n\r\n",
        b"*1\r\n*3\r\n+n\r\n+v\r\n+v\r\n",
        b"*1\r\n*3\r\n+n\r\n:1\r\n:1\r\n",
        b"*2\r\n*0\r\n*0\r\n",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("liar.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 65_536];
            let _bytes = client.read(&mut asked).await.unwrap();
            client.write_all(answer).await.unwrap();
            std::future::pending::<()>().await;
        });
        let got = gateway(socket).merge(&batch("1", vec![], vec![])).await;
        assert!(matches!(got, Err(SharedError::Malformed(_))), "{got:?}");
    }
}
