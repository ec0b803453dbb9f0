//! K4: what is revoked in an emergency is over at the gateway and in services that verify tokens
//! themselves, such as those with the SDK and no sidecar.
//!
//! How fast is counted, not timed: a service asks every two seconds what is revoked, and has to refuse
//! after its second question at the latest. The first may have been under way already.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::ground::{Ground, add};
use crate::program::{Program, not_run};
use crate::signing::{claims, part};
use crate::suite::{Attack, elsewhere, plays, run};
use crate::wait::until;

pub(crate) const ROWS: &[Attack] = &[
    elsewhere(
        "K2",
        "an issuer whose keys are not there, poisoned, a page, too large, too slow, somewhere else",
        "CVE-2024-21643, RFC 8414 sections 3.3 and 6.2",
        (
            include_str!("../../../../sdk/python/tests/test_fetched.py"),
            &[
                "test_k2_metadata_that_lead_elsewhere_lead_nowhere",
                "test_k2_what_is_no_key_set_changes_nothing_and_begins_nothing",
                "test_k2_keys_that_nobody_confirmed_for_a_day_are_none",
                "test_k2_an_issuer_that_is_away_lets_nobody_in_and_nobody_blames_the_token",
                "test_k2_redirects_failures_and_floods_are_no_keys",
                "test_k2_what_is_no_http_is_no_answer",
                "test_k2_an_answer_that_drips_ends_with_its_time",
            ],
        ),
    ),
    plays(
        "K4",
        "a token, a client or a key that was revoked, at the gateway and in a service of its own",
        "NIST SP 800-57 part 1 section 5.5.1, RFC 7009 section 3",
        revoked,
    ),
];

#[test]
fn nobody_goes_on_with_what_was_revoked() {
    run(ROWS, &Ground::open());
}

/// A Flask app with the SDK, in a process of its own.
struct Service {
    port: u16,
    _program: Program,
}

impl Service {
    fn start(ground: &Ground) -> Option<Self> {
        let scope = ["--bearer", "--scope", "ringwall:revocations"];
        let secret = add(ground.house(), "orders-app", &scope);
        let script = include_str!("emergency.py");
        let program = Program::start(&mut ground.house().script(script, &["orders-app", &secret]));
        let speaks = || Some(program.said()).filter(|said| said.contains('\n'));
        let said = until("the service speaks", speaks);
        let Some(port) = said.trim().strip_prefix("port ") else {
            not_run(said.trim());
            return None;
        };
        Some(Self { port: port.parse().unwrap(), _program: program })
    }

    /// Status and body.
    #[track_caller]
    fn get(&self, path: &str, token: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").unwrap_or_default().1;
        (status.unwrap_or_default(), body.to_owned())
    }

    fn opens(&self, token: &str) -> u16 {
        // Nothing is a program's own, so who is a program gets no further than into the view.
        match self.get("/", token).0 {
            404 => 200,
            other => other,
        }
    }

    /// How often it asked what is revoked, and which of the questions had another answer.
    fn asked(&self) -> (u64, Vec<u64>) {
        let told = self.get("/-/asked", "x").1;
        let mut numbers = told.split_whitespace().map(|number| number.parse().unwrap());
        (numbers.next().unwrap(), numbers.collect())
    }
}

fn revoked(ground: &Ground) {
    let Some(service) = Service::start(ground) else { return };
    let house = ground.house();
    let text = |token: &str, name: &str| claims(token)[name].as_str().unwrap().to_owned();
    let kid = |token: &str| part(token, 0)["kid"].as_str().unwrap().to_owned();
    let [jti, sub, client, key] = [0, 1, 2, 3].map(|_| ground.tokens().access);
    let robot = ground.program();
    let all = [&jti, &sub, &client, &key, &robot];
    for token in all {
        assert_eq!((ground.opens(token)[0], service.opens(token)), (200, 200), "the control");
    }
    let ends = |token: &str, words: &[&str]| {
        house.run(words).good();
        let (before, _) = service.asked();
        assert_eq!(ground.opens(token)[0], 401, "{words:?}: at the gateway at once");
        until("the service hears of it", || (service.opens(token) == 401).then_some(()));
        let (_, changes) = service.asked();
        // Without one it had heard of it by then.
        let first = changes.iter().find(|question| **question > before);
        assert!(first.is_none_or(|first| first - before <= 2), "{words:?}: {before}, {changes:?}");
    };
    ends(&jti, &["token", "revoke", "--jti", &text(&jti, "jti")]);
    assert_eq!((ground.opens(&sub)[0], service.opens(&sub)), (200, 200), "another token");
    ends(&robot, &["token", "revoke", "--client", "robot"]);
    ends(&sub, &["token", "revoke", "--sub", &text(&sub, "sub")]);
    let fresh = house.sign_in("ada");
    let to = ground.send(&Ground::authorize_as(&fresh, &[])).field("location").unwrap();
    let code = crate::request::parameter(&to, "code").unwrap();
    let last = crate::ground::Tokens::of(&ground.send(&Ground::redemption(&code, &[]))).access;
    assert_eq!((ground.opens(&last)[0], service.opens(&last)), (200, 200), "asked for after that");
    assert_eq!(kid(&last), kid(&key));
    ends(&last, &["key", "revoke", &kid(&last)]);
    for token in all {
        assert_eq!(
            (ground.opens(token)[0], service.opens(token)),
            (401, 401),
            "{words}",
            words = "all"
        );
    }
}
