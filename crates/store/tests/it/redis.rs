//! Counts in a real Redis: together, away, full, guarded by a password, and answered by nonsense.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ringwall_base::Secret;
use ringwall_store::{Count, Redis, RedisSettings, Shared, SharedError, Tally, Total, Wire};
use ringwall_testkit::RedisServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

fn gateway(socket: PathBuf, password: Option<&str>) -> Redis {
    patient(socket, password, Duration::from_secs(5))
}

fn patient(socket: PathBuf, password: Option<&str>, time: Duration) -> Redis {
    let settings = RedisSettings {
        prefix: "ringwall:test:".to_owned(),
        password: password.map(|text| Secret::new(text.to_owned())),
        time,
    };
    let connect = move || {
        let socket = socket.clone();
        let open = async move { Ok(Box::new(UnixStream::connect(socket).await?) as Box<dyn Wire>) };
        Box::pin(open) as ringwall_store::Wiring
    };
    Redis::new(settings, Box::new(connect))
}

fn quota(name: &str, used: u64, total: u64) -> Tally {
    let ends = Duration::from_mins(1);
    Tally { name: name.to_owned(), count: Count::Quota { used, total, ends } }
}

fn rate(name: &str, [taken, age, ahead]: [u64; 3]) -> Tally {
    let [taken, age, ahead] = [taken, age, ahead].map(Duration::from_secs);
    Tally { name: name.to_owned(), count: Count::Rate { taken, age, ahead } }
}

async fn one(redis: &Redis, tally: Tally) -> Result<Total, SharedError> {
    redis.exchange(&[tally]).await.map(|totals| *totals.first().unwrap())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

async fn say_often(redis: Redis) {
    for _ in 0..100 {
        redis.exchange(&[quota("a", 2, 0), rate("b", [1, 0, 0])]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_count_is_lost_when_eight_gateways_say_the_same_name_at_once() {
    let folder = folder();
    let server = RedisServer::start(folder.path(), &[]).unwrap();
    let all = (0..8).map(|_| {
        let redis = gateway(server.socket(), None);
        tokio::spawn(say_often(redis))
    });
    for task in all.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let totals = gateway(server.socket(), None);
    let totals = totals.exchange(&[quota("a", 0, 0), rate("b", [0, 0, 0])]).await.unwrap();
    assert_eq!(totals[0].used, 1_600);
    assert!(totals[0].ahead > Duration::ZERO && totals[0].ahead <= Duration::from_mins(1));
    // 800 s were taken, in a few seconds.
    assert!(totals[1].ahead > Duration::from_mins(12), "{:?}", totals[1]);
    assert!(totals[1].ahead <= Duration::from_secs(800));
}

#[tokio::test]
async fn what_came_a_while_ago_has_been_paid_back_meanwhile() {
    let folder = folder();
    let server = RedisServer::start(folder.path(), &[]).unwrap();
    let redis = gateway(server.socket(), None);
    // Sixty seconds taken over the last fifty: ten are left.
    let total = one(&redis, rate("a", [60, 50, 0])).await.unwrap();
    assert!(total.ahead > Duration::from_secs(9) && total.ahead <= Duration::from_secs(10));
    assert_eq!(one(&redis, rate("b", [5, 50, 0])).await.unwrap().ahead, Duration::ZERO);
}

#[tokio::test]
async fn a_server_that_lost_everything_is_filled_up_by_what_gateways_know() {
    let folder = folder();
    let mut server = RedisServer::start(folder.path(), &[]).unwrap();
    let redis = gateway(server.socket(), None);
    assert_eq!(one(&redis, quota("a", 7, 0)).await.unwrap().used, 7);
    server.kill();
    let away = one(&redis, quota("a", 1, 8)).await.unwrap_err();
    assert!(matches!(away, SharedError::Connection(_)), "{away}");
    server.revive().unwrap();
    assert_eq!(one(&redis, quota("a", 1, 8)).await.unwrap().used, 8);
    let total = one(&redis, rate("b", [1, 0, 30])).await.unwrap();
    assert!(total.ahead > Duration::from_secs(28), "{total:?}");
}

#[tokio::test]
async fn a_wrong_password_is_said_and_the_right_one_is_not_shown() {
    let folder = folder();
    let server = RedisServer::start(folder.path(), &["--requirepass", "open sesame"]).unwrap();
    for password in [None, Some("wrong")] {
        let refused = one(&gateway(server.socket(), password), quota("a", 1, 1)).await.unwrap_err();
        let SharedError::Refused(why) = refused else { panic!("{refused}") };
        assert!(why.starts_with("NOAUTH") || why.starts_with("WRONGPASS"), "{why}");
    }
    let redis = gateway(server.socket(), Some("open sesame"));
    assert_eq!(one(&redis, quota("a", 1, 1)).await.unwrap().used, 1);
    assert!(!format!("{redis:?}").contains("sesame"));
}

#[tokio::test]
async fn a_full_server_refuses_and_works_again_when_there_is_room() {
    let folder = folder();
    let server = RedisServer::start(folder.path(), &["--maxmemory", "1"]).unwrap();
    let redis = gateway(server.socket(), None);
    let refused = one(&redis, quota("a", 1, 1)).await.unwrap_err();
    let SharedError::Refused(why) = refused else { panic!("{refused}") };
    assert!(why.contains("OOM"), "{why}");
    let mut operator = UnixStream::connect(server.socket()).await.unwrap();
    operator.write_all(b"CONFIG SET maxmemory 0\r\n").await.unwrap();
    operator.read_exact(&mut [0; 5]).await.unwrap();
    assert_eq!(one(&redis, quota("a", 1, 1)).await.unwrap().used, 1);
}

async fn lie(mut client: UnixStream, answer: Option<&'static [u8]>) {
    let mut asked = vec![0; 65_536];
    while client.read(&mut asked).await.is_ok_and(|length| length > 0) {
        match answer {
            Some(answer) => client.write_all(answer).await.unwrap_or_default(),
            None => std::future::pending().await,
        }
    }
}

/// A server that answers every command with these bytes, or never.
fn liar(folder: &Path, answer: Option<&'static [u8]>) -> PathBuf {
    let socket = folder.join("liar.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(lie(client, answer));
        }
    });
    socket
}

#[tokio::test]
async fn nonsense_is_not_a_count() {
    for answer in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(),
        b"\0\0\0\0\n",
        b"*1\r\n:5\r\n",
        b"*2\r\n:5\r\n$1\r\nx\r\n",
        b"*2\r\n:1\r\n:2\r\n:3\r\n",
        b"+OK\r\n",
    ] {
        let folder = folder();
        let socket = liar(folder.path(), Some(answer));
        let got = one(&gateway(socket, None), quota("a", 1, 1)).await;
        assert!(matches!(got, Err(SharedError::Malformed(_))), "{got:?}");
    }
    // Numbers below zero, and of a size that nobody counts to, stay numbers.
    let folder = folder();
    let socket = liar(folder.path(), Some(b"*2\r\n:-9\r\n:9223372036854775807\r\n"));
    let total = one(&gateway(socket, None), quota("a", 1, 1)).await.unwrap();
    assert_eq!((total.ahead, total.used), (Duration::ZERO, i64::MAX.unsigned_abs()));
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let folder = folder();
    let redis = patient(liar(folder.path(), None), None, Duration::from_millis(50));
    let got = one(&redis, quota("a", 1, 1)).await;
    assert!(matches!(got, Err(SharedError::Time)), "{got:?}");
}
