//! U1 and U2: the links of letters, which development writes into a folder.

use std::thread;

use crate::ground::{Ground, hidden, with_form};
use crate::house::PASSWORD;
use crate::letters::Known;
use crate::library::Library;
use crate::request::{Request, escaped};
use crate::second_factor::Enrolled;
use crate::signing::hashed;
use crate::suite::{Attack, plays, run, unsound};
use crate::wire::Answer;

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "U1",
        "a password set without the link of the letter, or with something like it",
        "CVE-2026-18963, OWASP WSTG-ATHN-09",
        without,
    ),
    plays(
        "U1",
        "what a reset gives: no session, and no way around the second factor",
        "OWASP Forgot Password Cheat Sheet, NIST SP 800-63B-4 section 4.2",
        gives,
    ),
    plays(
        "U2",
        "a link for what another is for, twice, and sixteen times at once",
        "CVE-2026-4282, CVE-2026-37982",
        kinds,
    ),
];

const NEW: &str = "another lantern 9";
const CHOSEN: [(&str, &str); 2] = [("new", NEW), ("again", NEW)];

#[test]
fn nobody_sets_anothers_password() {
    run(ROWS, &Ground::on(Library::develop(|manifest| manifest)));
}

/// The links of rows before this one.
fn before(ground: &Ground) -> Known {
    ground.house().links().into_iter().collect()
}

/// What is after `token=`.
fn token(link: &str) -> &str {
    link.split_once("token=").unwrap().1
}

/// Somebody whose address is confirmed; gives a session.
#[track_caller]
fn mailed(ground: &Ground, name: &str, known: &mut Known) -> String {
    let house = ground.house();
    let address = format!("{name}@example.org");
    let words = ["user", "add", name, "--role", "customer", "--email", &address];
    house.pipe(PASSWORD, &words).good();
    let (link, session) = (house.letter("/oauth/email", known), house.sign_in(name));
    let done = follow(ground, &session, &link, &[]);
    assert_eq!(done.status, 200, "{}", done.raw);
    session
}

/// The link for who forgot the password.
#[track_caller]
fn forgotten(ground: &Ground, name: &str, known: &mut Known) -> String {
    let page = ground.house().get("/oauth/reset");
    let address = format!("{name}@example.org");
    let asked = ground.submit("", "/oauth/reset", &page, &[("address", &address)]);
    assert_eq!(asked.status, 200, "{}", asked.raw);
    ground.house().letter("/oauth/reset", known)
}

/// Opens a link as a browser does, and sends the form that it leads to.
#[track_caller]
fn follow(ground: &Ground, session: &str, link: &str, fields: &[(&str, &str)]) -> Answer {
    let path = link.strip_prefix(&ground.issuer()).unwrap();
    let request = Request::new(&format!("GET {path}"));
    let page = ground.send(&if session.is_empty() { request } else { request.field(session) });
    if page.status != 200 {
        return page;
    }
    ground.submit(session, path.split('?').next().unwrap(), &page, fields)
}

fn signs_in(ground: &Ground, name: &str, password: &str) -> bool {
    ground.house().try_sign_in(name, password).raw.contains("set-cookie: __Host-ringwall=")
}

fn without(ground: &Ground) {
    let mut known = before(ground);
    mailed(ground, "kim", &mut known);
    let page = ground.house().get("/oauth/reset");
    // The state skipped: the last form without the first ones, and a letter that nobody waited for.
    for more in [&[("username", "kim")][..], &[("name", "kim")], &[("sub", "kim")]] {
        let fields = [more, &CHOSEN].concat();
        for (line, session) in [("/oauth/reset", ""), ("/account", ""), ("/account", &*ground.ada)]
        {
            let answer = ground.submit(session, line, &page, &fields);
            assert!(unsound(&answer).is_none(), "{line} {more:?}: {}", answer.raw);
        }
    }
    let link = forgotten(ground, "kim", &mut known);
    let good = token(&link);
    let form_token = hidden(&page.body).remove(0).1;
    let (cut, longer) = (good.get(..good.len() - 1).unwrap(), format!("{good}A"));
    let (other, hash) = (good.to_uppercase(), hashed(good));
    let spaced = format!("{good} ");
    let guesses = ["", "x", "%", "null", "0", "' OR 1=1--", &form_token, cut, &longer, &other];
    for path in ["/oauth/reset", "/oauth/invite", "/oauth/email"] {
        for guess in guesses.iter().copied().chain([hash.as_str(), spaced.as_str()]) {
            let fields = [&[("token", guess), ("username", "kim")][..], &CHOSEN].concat();
            let answer = ground.submit("", path, &page, &fields);
            assert!(unsound(&answer).is_none(), "{path} {guess}: {}", answer.raw);
            assert_ne!(answer.status, 200, "{path} {guess}: {}", answer.raw);
        }
    }
    // A form that another page sends with the good link in it.
    let fields = [&[("token", good)][..], &CHOSEN].concat();
    let foreign = Request::form("/oauth/reset", &fields).field("Origin: https://evil.example");
    assert_eq!(ground.send(&foreign.field(with_form("", &page))).status, 403);
    let bare = Request::form("/oauth/reset", &fields).field(format!("Origin: {}", ground.issuer()));
    assert_eq!(ground.send(&bare).status, 403, "without the page's cookie");
    let query = format!("GET /oauth/reset?token={}&new={}", escaped(good), escaped(NEW));
    ground.send(&Request::new(&query));
    assert!(signs_in(ground, "kim", PASSWORD) && !signs_in(ground, "kim", NEW));
    assert_eq!(follow(ground, "", &link, &CHOSEN).status, 200, "the control");
    assert!(signs_in(ground, "kim", NEW));
}

fn gives(ground: &Ground) {
    let mut known = before(ground);
    let session = mailed(ground, "lou", &mut known);
    let enrolled = Enrolled::of(ground, "lou");
    let link = forgotten(ground, "lou", &mut known);
    let done = follow(ground, "", &link, &CHOSEN);
    assert_eq!(done.status, 200, "{}", done.raw);
    assert!(!done.raw.contains("set-cookie: __Host-ringwall="), "{}", done.raw);
    let before = ground.send(&Request::new("GET /books/7").field(&session));
    assert_ne!(before.status, 200, "sessions of before have ended");
    let page = ground.house().try_sign_in("lou", NEW);
    assert!(page.body.contains("name=\"code\""), "the second factor is asked for: {}", page.raw);
    let second = crate::second_factor::second_step(ground, &page, &enrolled.code(0));
    let answer = ground.send(&second);
    assert!(answer.raw.contains("set-cookie: __Host-ringwall="), "the control: {}", answer.raw);
}

fn kinds(ground: &Ground) {
    let mut known = before(ground);
    let house = ground.house();
    let session = mailed(ground, "max", &mut known);
    let reset = forgotten(ground, "max", &mut known);
    let page = ground.send(&Request::new("GET /account").field(&session));
    let fields = [("do", "email"), ("address", "max@example.com")];
    assert_eq!(ground.submit(&session, "/account", &page, &fields).status, 200);
    let verify = house.letter("/oauth/email", &mut known);
    house.run(&["user", "invite", "ned", "--email", "ned@example.org"]).good();
    let invite = house.letter("/oauth/invite", &mut known);
    let all = [("/oauth/reset", &reset), ("/oauth/email", &verify), ("/oauth/invite", &invite)];
    for (path, own) in all {
        for (_, other) in all.into_iter().filter(|(_, other)| *other != own) {
            let link = format!("{}{path}?token={}", ground.issuer(), token(other));
            assert_eq!(follow(ground, &session, &link, &CHOSEN).status, 400, "{link}");
            let page = house.get("/login");
            let fields = [&[("token", token(other))][..], &CHOSEN].concat();
            assert_ne!(ground.submit(&session, path, &page, &fields).status, 200, "{link}");
        }
    }
    // Of sixteen at once one sets the password, and it is that one's.
    let page = ground
        .send(&Request::new(&format!("GET {}", reset.strip_prefix(&ground.issuer()).unwrap())));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let tries: Vec<_> = (0..16)
            .map(|number| {
                let (new, page) = (format!("lantern number {number}"), &page);
                scope.spawn(move || {
                    let fields = [("new", new.as_str()), ("again", &new)];
                    ground.submit("", "/oauth/reset", page, &fields).status
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let set: Vec<_> = (0..16).filter(|number| statuses[*number] == 200).collect();
    assert_eq!(set.len(), 1, "{statuses:?}");
    assert!(signs_in(ground, "max", &format!("lantern number {}", set[0])));
    assert_eq!(follow(ground, "", &invite, &CHOSEN).status, 200);
    assert!(signs_in(ground, "ned", NEW));
    // Used, or made under another password.
    for link in [&reset, &invite, &verify] {
        let session = house.sign_in("ada");
        assert_eq!(follow(ground, &session, link, &CHOSEN).status, 400, "{link}");
    }
}
