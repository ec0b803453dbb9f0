//! Thirty-two at once: of everything that is good once, exactly one is taken, and nothing breaks.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};
use std::thread;

use serde_json::json;

use crate::ground::{Ground, Tokens};
use crate::library::Library;
use crate::program::Program;
use crate::request::{Request, parameter};
use crate::second_factor::{Enrolled, first_step, second_step};
use crate::signing::{Key, fresh};
use crate::suite::{said, unsound};
use crate::wire::{Answer, talk};

const MANY: usize = 32;

/// A house with four threads, so that requests meet.
fn busy() -> Ground {
    let (house, upstream) = Library::closed(|manifest| manifest);
    let mut server = Program::start(&mut house.command(&["serve", "--workers", "4"]));
    server.hears("Ready.");
    Ground::on(Library { house, upstream, server })
}

/// Sends all of them at the same moment, each on a connection that stands already.
fn at_once(ground: &Ground, requests: &[Request]) -> Vec<Answer> {
    let house = ground.house();
    let config = Arc::new(house.client_config());
    let barrier = Barrier::new(requests.len());
    let answers = thread::scope(|scope| {
        let send = |request: &Request| {
            let bytes = request.bytes(house, "close");
            let mut stream = house.connect_with(Arc::clone(&config));
            while stream.conn.is_handshaking() {
                stream.conn.complete_io(&mut stream.sock).unwrap();
            }
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                talk(stream, &bytes)
            })
        };
        let all: Vec<_> = requests.iter().map(send).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    for answer in &answers {
        assert!(unsound(answer).is_none(), "{:?}: {}", unsound(answer), answer.raw);
    }
    answers
}

/// The one that was taken; all others were refused with this status and one of these errors.
#[track_caller]
fn winner(answers: &[Answer], status: u16, errors: &[&str]) -> Answer {
    let (won, lost): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 200);
    for answer in lost {
        let is_refused = answer.status == status && errors.contains(&said(answer).as_str());
        assert!(is_refused, "wants {status} {errors:?}: {}", answer.raw);
    }
    assert_eq!(won.len(), 1, "winners");
    won[0].clone()
}

#[test]
fn a_code_is_redeemed_once() {
    let ground = busy();
    for _ in 0..4 {
        let code = ground.code(&[]);
        let all = vec![Ground::redemption(&code, &[]); MANY];
        let tokens = Tokens::of(&winner(&at_once(&ground, &all), 400, &["invalid_grant"]));
        // Thirty-one others had the code, too: nothing that it gave is good any more.
        assert_eq!(ground.opens(&tokens.access), [401, 401]);
    }
}

#[test]
fn a_refresh_token_has_one_successor() {
    let ground = busy();
    for _ in 0..4 {
        let first = ground.tokens().refresh;
        let answers = at_once(&ground, &vec![Ground::refreshing(&first, &[]); MANY]);
        let next: BTreeSet<String> =
            answers.iter().map(|answer| Tokens::of(answer).refresh).collect();
        assert_eq!(next.len(), 1, "one family, one successor");
        let next = next.into_iter().next().unwrap();
        assert_ne!(next, first);
        // Both generations at once: the old one is reused as soon as the new one is.
        let half = vec![Ground::refreshing(&first, &[]); MANY / 2];
        let both = [half, vec![Ground::refreshing(&next, &[]); MANY / 2]].concat();
        for answer in at_once(&ground, &both) {
            assert!(answer.status == 200 || said(&answer) == "invalid_grant", "{}", answer.raw);
        }
        assert_ne!(ground.send(&Ground::refreshing(&first, &[])).status, 200);
    }
}

#[test]
fn a_refresh_token_does_not_outrun_its_revocation() {
    let ground = busy();
    for _ in 0..4 {
        let token = ground.tokens().refresh;
        let revoke = Request::form("/oauth/revoke", &[("client_id", "web"), ("token", &token)]);
        let half = vec![Ground::refreshing(&token, &[]); MANY / 2];
        let answers = at_once(&ground, &[half, vec![revoke; MANY / 2]].concat());
        for answer in answers.iter().filter(|answer| !answer.body.is_empty()) {
            if answer.status == 200 && !answer.json()["refresh_token"].is_null() {
                let tokens = Tokens::of(answer);
                assert_ne!(ground.send(&Ground::refreshing(&tokens.refresh, &[])).status, 200);
                assert_eq!(ground.opens(&tokens.access), [401, 401]);
            }
        }
        assert_ne!(ground.send(&Ground::refreshing(&token, &[])).status, 200);
    }
}

#[test]
fn a_device_gets_its_tokens_once() {
    let ground = busy();
    for _ in 0..3 {
        let (code, user) = ground.device();
        ground.approve(&user);
        let answers = at_once(&ground, &vec![Ground::polling(&code); MANY]);
        winner(&answers, 400, &["invalid_grant", "slow_down", "expired_token"]);
    }
}

#[test]
fn a_pushed_request_gives_one_code() {
    let ground = busy();
    for _ in 0..3 {
        let pushed = Request::form("/oauth/par", &[]).and(&crate::ground::question_form(&[]));
        let uri = ground.send(&pushed).json()["request_uri"].as_str().unwrap().to_owned();
        let ask =
            Request::query("/oauth/authorize", &[("client_id", "web"), ("request_uri", &uri)]);
        let answers = at_once(&ground, &vec![ask.field(&ground.ada); MANY]);
        let code = |answer: &Answer| answer.field("location").and_then(|to| parameter(&to, "code"));
        let codes = answers.iter().filter(|answer| code(answer).is_some()).count();
        assert_eq!(codes, 1);
    }
}

#[test]
fn an_assertion_proves_its_client_once() {
    let ground = busy();
    for _ in 0..4 {
        let assertion = ground.signer.token(&ground.header(&[]), &ground.claimed(&[]));
        let answers = at_once(&ground, &vec![Ground::asserting(&assertion, &[]); MANY]);
        winner(&answers, 401, &["invalid_client"]);
    }
}

#[test]
fn a_proof_counts_once() {
    let ground = busy();
    let key = Key::ec();
    for _ in 0..4 {
        let request = Request::token(&[("grant_type", "client_credentials")]);
        let all = vec![request.basic("bound", &ground.bound).field(ground.proven(&key)); MANY];
        winner(&at_once(&ground, &all), 400, &["invalid_dpop_proof"]);
        // Signed anew, but with one `jti`: still one proof.
        let (nonce, jti) = (json!(ground.nonce()), json!(fresh()));
        let proof = || {
            ground.proof(
                &key,
                ("POST", "/oauth/token"),
                &[("nonce", nonce.clone()), ("jti", jti.clone())],
            )
        };
        let request =
            Request::token(&[("grant_type", "client_credentials")]).basic("bound", &ground.bound);
        let all: Vec<_> =
            (0..MANY).map(|_| request.clone().field(format!("DPoP: {}", proof()))).collect();
        winner(&at_once(&ground, &all), 400, &["invalid_dpop_proof"]);
    }
    let token = ground.bound_tokens(&key).access;
    for path in ["/books", "/oauth/userinfo"] {
        let call =
            Request::new(&format!("GET {path}")).field(format!("Authorization: DPoP {token}"));
        let all = vec![call.field(ground.shown(&key, ("GET", path), &token)); MANY];
        let passed = at_once(&ground, &all).iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1, "{path}");
    }
}

/// Whoever has both the password and one code is in once.
#[track_caller]
fn one_session(ground: &Ground, name: &str, code: &str) {
    let steps: Vec<Answer> = (0..MANY).map(|_| first_step(ground, name)).collect();
    let all: Vec<Request> = steps.iter().map(|step| second_step(ground, step, code)).collect();
    let answers = at_once(ground, &all);
    let is_in = |answer: &&Answer| answer.raw.contains("set-cookie: __Host-ringwall=");
    assert_eq!(answers.iter().filter(is_in).count(), 1);
    for answer in &answers {
        assert!([303, 401, 403, 429].contains(&answer.status), "{}", answer.raw);
    }
}

#[test]
fn a_code_of_an_authenticator_counts_once() {
    let ground = busy();
    ground.house().person("kim", "customer");
    let enrolled = Enrolled::of(&ground, "kim");
    one_session(&ground, "kim", &enrolled.code(0));
}

#[test]
fn a_recovery_code_counts_once() {
    let ground = busy();
    ground.house().person("lea", "customer");
    let enrolled = Enrolled::of(&ground, "lea");
    one_session(&ground, "lea", &enrolled.recovery[0]);
}
