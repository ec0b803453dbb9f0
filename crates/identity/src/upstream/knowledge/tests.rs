use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Algorithm, ManualClock, Timestamp};
use ringwall_jose::PrivateKey;
use serde_json::json;

use super::*;
use crate::upstream::{Outgoing, UpstreamSettings};

const THERE: &str = "https://idp.example";

/// An issuer with a new key each time, that may let us wait in vain.
#[derive(Debug)]
struct Idp {
    clock: Arc<ManualClock>,
    is_away: Mutex<bool>,
    asked: Mutex<usize>,
}

impl Outgoing for Idp {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, OutgoingError> {
        *self.asked.lock().unwrap() += 1;
        if *self.is_away.lock().unwrap() {
            self.clock.advance(Duration::from_secs(5));
            return Err(OutgoingError("no answer in five seconds".to_owned()));
        }
        let key = PrivateKey::generate(Algorithm::Es256).unwrap();
        let body = match request.uri().path() {
            "/jwks" => json!({"keys": [key.public().to_json().unwrap()]}),
            _ => json!({"issuer": THERE, "authorization_endpoint": format!("{THERE}/authorize"),
                "token_endpoint": format!("{THERE}/token"), "jwks_uri": format!("{THERE}/jwks")}),
        };
        let reply = Response::builder().header("content-type", "application/json");
        Ok(reply.body(Bytes::from(body.to_string())).unwrap())
    }
}

fn world() -> (Arc<Idp>, Upstream) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
    let (is_away, asked) = (Mutex::new(false), Mutex::new(0));
    let idp = Arc::new(Idp { clock, is_away, asked });
    let upstream = Upstream::new((settings(), Arc::clone(&idp) as _), None);
    (idp, upstream)
}

fn settings() -> UpstreamSettings {
    UpstreamSettings { issuer: THERE.to_owned(), ..UpstreamSettings::default() }
}

/// K3: two people whose tokens came while the keys turned.
#[test]
fn k3_who_waited_while_another_read_the_keys_has_them_too() {
    let (idp, upstream) = world();
    let clock = &*idp.clock;
    let metadata = upstream.metadata(clock).unwrap();
    let old = upstream.keys(&metadata, clock).unwrap();
    clock.advance(KEYS_PAUSE);
    let both = std::thread::scope(|scope| {
        let one = || upstream.newer_keys(&metadata, &old, clock);
        let both = [scope.spawn(one), scope.spawn(one)];
        both.map(|one| one.join().unwrap().expect("the keys that turned"))
    });
    assert!(Arc::ptr_eq(&both[0], &both[1]) && !Arc::ptr_eq(&both[0], &old));
    assert_eq!(*idp.asked.lock().unwrap(), 3, "metadata, keys, and once again");
    assert!(upstream.newer_keys(&metadata, &both[0], clock).is_none(), "not for ever");
}

#[test]
fn q2_the_pause_begins_when_the_issuer_was_waited_for_in_vain() {
    let (idp, upstream) = world();
    let clock = &*idp.clock;
    *idp.is_away.lock().unwrap() = true;
    assert!(upstream.metadata(clock).is_err());
    assert!(upstream.metadata(clock).is_err());
    assert_eq!(*idp.asked.lock().unwrap(), 1, "nobody waits again at once");
    *idp.is_away.lock().unwrap() = false;
    clock.advance(AWAY);
    assert!(upstream.metadata(clock).is_ok());
}

#[test]
fn what_was_learned_is_forgotten_with_the_trust_that_it_came_by() {
    let (idp, upstream) = world();
    let clock = &*idp.clock;
    upstream.metadata(clock).unwrap();
    let next = |settings| Upstream::new((settings, Arc::clone(&idp) as _), Some(&upstream));
    next(settings()).metadata(clock).unwrap();
    assert_eq!(*idp.asked.lock().unwrap(), 1, "the same");
    next(UpstreamSettings { trust: vec![1], ..settings() }).metadata(clock).unwrap();
    assert_eq!(*idp.asked.lock().unwrap(), 2);
}
