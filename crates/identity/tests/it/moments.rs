//! What happens between a check and what it allows: attacks C12, T5 and T8, while the disk is slow.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringwall_base::{Clock, Entropy, ManualClock, Secret, Timestamp};
use ringwall_identity::{Access, Grant, Identity, MIGRATIONS, NewClient, Seams, Settings};
use ringwall_jose::Expected;
use ringwall_store::Store;
use ringwall_testkit::{MemorySink, Sequence};
use tempfile::TempDir;

use crate::fixture::*;

/// What somebody else does at the next look at the clock, or the next random number.
#[derive(Default)]
struct Meanwhile(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Meanwhile {
    fn set(&self, what: impl FnOnce() + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::new(what));
    }

    fn run(&self) {
        let what = self.0.lock().unwrap().take();
        if let Some(what) = what {
            std::thread::spawn(what).join().unwrap();
        }
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

#[derive(Debug)]
struct SlowClock(Arc<ManualClock>, Meanwhile);

impl Clock for SlowClock {
    fn now(&self) -> Timestamp {
        let now = self.0.now();
        self.1.run();
        now
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

#[derive(Debug)]
struct SlowEntropy(Sequence, Meanwhile);

impl Entropy for SlowEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), std::io::Error> {
        self.1.run();
        self.0.fill(buffer)
    }
}

struct House {
    identity: Identity,
    time: Arc<ManualClock>,
    clock: Arc<SlowClock>,
    entropy: Arc<SlowEntropy>,
    secret: String,
    folder: TempDir,
    vault: Arc<MemoryVault>,
}

impl House {
    fn new() -> Self {
        let time = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let clock = Arc::new(SlowClock(Arc::clone(&time), Meanwhile::default()));
        let entropy = Arc::new(SlowEntropy(Sequence::from_seed(1), Meanwhile::default()));
        let (folder, vault) = (TempDir::new().unwrap(), Arc::new(MemoryVault::default()));
        let identity = Self::open(&folder, &clock, &entropy, &vault);
        let robot = NewClient { id: "robot".to_owned(), ..NewClient::default() };
        let secret = identity.clients().add(robot).unwrap().unwrap().expose().clone();
        let tv = NewClient {
            id: "tv".to_owned(),
            access: Access::Public,
            grants: vec![Grant::DeviceCode],
            ..NewClient::default()
        };
        identity.clients().add(tv).unwrap();
        Self { identity, time, clock, entropy, secret, folder, vault }
    }

    fn open(
        folder: &TempDir,
        clock: &Arc<SlowClock>,
        entropy: &Arc<SlowEntropy>,
        vault: &Arc<MemoryVault>,
    ) -> Identity {
        let store =
            Store::open(&folder.path().join("store.db"), Arc::clone(clock) as _, MIGRATIONS);
        let seams = Seams {
            store: Arc::new(store.unwrap()),
            vault: Arc::clone(vault) as _,
            clock: Arc::clone(clock) as _,
            entropy: Arc::clone(entropy) as _,
            sink: Arc::new(MemorySink::default()),
        };
        let settings = Settings { issuer: ISSUER.to_owned(), ..Settings::default() };
        Identity::open(settings, seams).unwrap()
    }

    fn form(&self) -> String {
        format!("grant_type=client_credentials&client_id=robot&client_secret={}", self.secret)
    }

    fn is_revoked(&self, token: &str) -> bool {
        let expected = Expected { issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() };
        let claims = self.identity.keys().verify_access(token, &expected, self.time.now());
        self.identity.is_revoked(&claims.unwrap())
    }

    fn restart(self) -> Self {
        let Self { identity, time, clock, entropy, secret, folder, vault } = self;
        drop(identity);
        let identity = Self::open(&folder, &clock, &entropy, &vault);
        Self { identity, time, clock, entropy, secret, folder, vault }
    }
}

/// A token of the program, by whoever asks on a thread of their own.
fn ask(identity: &Identity, form: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = form_request("/oauth/token", form, &[]);
    let reply = runtime.block_on(identity.answer("192.0.2.1".parse().unwrap(), request));
    json(&reply)["access_token"].as_str().unwrap_or_else(|| panic!("{}", text(&reply))).to_owned()
}

/// Two seconds pass, and a client that is still good gets a token.
fn asks_late(house: &House) -> Arc<Mutex<String>> {
    let got = Arc::new(Mutex::new(String::new()));
    let (time, identity) = (Arc::clone(&house.time), house.identity.clone());
    let (form, to) = (house.form(), Arc::clone(&got));
    house.clock.1.set(move || {
        time.advance(Duration::from_secs(2));
        *to.lock().unwrap() = ask(&identity, &form);
    });
    got
}

#[test]
fn c12_a_token_whose_checks_were_before_the_end_of_its_client_ends_with_it() {
    let house = House::new();
    let (time, identity) = (Arc::clone(&house.time), house.identity.clone());
    house.entropy.1.set(move || {
        identity.clients().disable("robot", true).unwrap();
        time.advance(Duration::from_secs(2));
    });
    let token = ask(&house.identity, &house.form());
    assert!(house.is_revoked(&token), "the client was disabled while the token was made");
}

#[test]
fn c12_a_token_that_is_given_while_its_client_is_being_ended_ends_with_it() {
    for end in [
        (|identity| identity.clients().disable("robot", true).unwrap()) as fn(&Identity),
        |identity| identity.clients().delete("robot").unwrap(),
        |identity| {
            let before = identity.clients().find("robot").unwrap();
            let new = NewClient { scopes: Vec::new(), ..before.settings.clone() };
            identity.clients().change(&before, new).unwrap();
        },
        |identity| {
            let all = ringwall_identity::Withdrawn::Client("robot".to_owned());
            identity.withdraw(&all).unwrap();
        },
    ] {
        let house = House::new();
        let got = asks_late(&house);
        end(&house.identity);
        let token = got.lock().unwrap().clone();
        assert!(house.is_revoked(&token), "before it was written");
        assert!(house.restart().is_revoked(&token), "after a restart");
    }
}

#[test]
fn c12_a_token_that_is_given_while_the_manifest_ends_its_client_ends_with_it() {
    let house = House::new();
    let secret = "0123456789abcdef0123456789abcdef";
    let settings = NewClient { id: "billing".to_owned(), ..NewClient::default() };
    let declared =
        ringwall_identity::Declared { settings, secret: Some(Secret::new(secret.to_owned())) };
    house.identity.clients().apply(&[declared]).unwrap();
    let house = House { secret: secret.to_owned(), ..house };
    let got = Arc::new(Mutex::new(String::new()));
    let (time, identity, to) = (Arc::clone(&house.time), house.identity.clone(), Arc::clone(&got));
    let form = house.form().replace("robot", "billing");
    house.clock.1.set(move || {
        time.advance(Duration::from_secs(2));
        *to.lock().unwrap() = ask(&identity, &form);
    });
    house.identity.clients().apply(&[]).unwrap();
    let token = got.lock().unwrap().clone();
    assert!(house.is_revoked(&token));
    assert!(house.restart().is_revoked(&token), "after a restart");
}

/// What a person's disabling, new password and the end of all their sessions take along.
#[test]
fn t5_a_token_that_is_given_while_its_person_is_being_ended_ends_with_them() {
    for end in [
        (|identity| identity.users().disable("ada", true).unwrap()) as fn(&Identity),
        |identity| {
            let new = Secret::new("another correct horse".to_owned());
            identity.users().set_password("ada", &new).unwrap();
        },
        |identity| {
            let subject = identity.users().find("ada").unwrap().subject;
            let all = ringwall_identity::Withdrawn::Subject(subject);
            identity.withdraw(&all).unwrap();
        },
        |identity| identity.users().revoke("ada", "customer").unwrap(),
    ] {
        let house = House::new();
        let (identity, time) = (&house.identity, &house.time);
        let password = Secret::new(PASSWORD.to_owned());
        identity.users().add("ada", &["customer".to_owned()], &password).unwrap();
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let peer = "192.0.2.1".parse().unwrap();
        let send = |request| runtime.block_on(identity.answer(peer, request));
        let get = |path: &str, cookies: &str| {
            let request = http::Request::get(path).header("cookie", cookies);
            Page::of(&send(request.body(bytes::Bytes::new()).unwrap()), cookies)
        };
        let submit = |page: &Page, path: &str, form: &str| {
            let form = format!("form_token={}&{form}", page.token);
            send(form_request(path, &form, &[("cookie", &page.cookies), ("origin", ISSUER)]))
        };
        let page = get("/login?return_to=%2Foauth%2Fauthorize%3Fa", "");
        let form = format!("username=ada&password={}", PASSWORD.replace(' ', "+"));
        let session = set_cookie(&submit(&page, "/login", &form), "__Host-ringwall").unwrap();
        let started = json(&send(form_request("/oauth/device_authorization", "client_id=tv", &[])));
        let code = started["user_code"].as_str().unwrap();
        let page = get("/oauth/device", &session);
        submit(&page, "/oauth/device", &format!("user_code={code}&decision=approve"));
        let form = format!(
            "grant_type={kind}&client_id=tv&device_code={}",
            started["device_code"].as_str().unwrap()
        );
        let got = Arc::new(Mutex::new(String::new()));
        let (late, other, to) = (Arc::clone(time), identity.clone(), Arc::clone(&got));
        // Late enough for the store's own look at the clock.
        house.clock.1.set(move || {
            late.advance(Duration::from_secs(2));
            *to.lock().unwrap() = ask(&other, &form);
        });
        end(identity);
        let token = got.lock().unwrap().clone();
        assert!(house.is_revoked(&token));
        assert!(house.restart().is_revoked(&token), "after a restart");
    }
}
