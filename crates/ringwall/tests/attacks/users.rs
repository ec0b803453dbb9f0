//! U: people's accounts.

use crate::ground::{Ground, hidden, with_form};
use crate::house::PASSWORD;
use crate::library::Library;
use crate::request::{MARKER, Request};
use crate::second_factor::{Enrolled, first_step, second_step};
use crate::suite::{Attack, Want, asks, check, plays, run, unsound};
use crate::wire::Answer;

pub(crate) const ROWS: &[Attack] = &[
    asks(
        "U5",
        "another Host, and what a proxy would say",
        "CVE-2025-9312, OWASP WSTG-INPV-17",
        hosts,
        Want::Status(&[200]),
    ),
    plays(
        "U6",
        "an unknown name, a wrong password and a disabled account look the same",
        "OWASP ASVS 2.2.1, CWE-204",
        enumeration,
    ),
    plays(
        "U7",
        "guesses from one place wait, the owner elsewhere does not",
        "NIST SP 800-63B-4 section 3.2.2",
        stuffing,
    ),
    plays("U7", "a code twice, an old one, one of another person", "RFC 6238 section 5.2", codes),
    plays("U7", "a recovery code twice", "NIST SP 800-63B-4 section 3.1.2.1", recovery),
    plays("U7", "guesses at a code wait", "RFC 4226 section 7.3", guesses),
    plays("U9", "the second step left out, or taken with another's first one", "CWE-304", skipped),
    plays("U9", "a cookie that says that this device is known", "CWE-565", remembered),
    plays(
        "U10",
        "passwords of a megabyte, with NUL, spelt another way",
        "CVE-2025-22228, CWE-400",
        passwords,
    ),
    plays(
        "U11",
        "cookies that are broken, doubled, or for somebody else",
        "CVE-2026-25748",
        cookies,
    ),
    plays("U11", "a form of the account page that another page sends", "CWE-352", account),
    plays("U11", "sign-out in all places at once", "CWE-613", parallel),
];

/// In a house of its own: so many failures from one place slow everybody there down.
pub(crate) const COUNTED: &[Attack] = &[plays(
    "U6",
    "time tells nothing: as many passwords are hashed for anybody. Judged by that count, which is \
         nearly all of the work, and not by a clock",
    "OWASP ASVS 2.2.1, CWE-208",
    hashed_alike,
)];

#[test]
fn nobody_learns_a_name_from_the_work_that_it_makes() {
    run(COUNTED, &Ground::open());
}

#[test]
fn nobody_takes_an_account_over() {
    // Twelve seconds to wait after the free guesses, so that a slow machine does not sit them out.
    let patient = |manifest| format!("{manifest}login = \"5 per minute per account\"\n");
    run(ROWS, &Ground::on(Library::open_with(patient)));
}

fn hosts(_: &Ground) -> Vec<Request> {
    [
        "X-Forwarded-Host: evil.example",
        "X-Host: evil.example",
        "X-Original-URL: https://evil.example/",
        "X-Forwarded-Server: evil.example",
        "Forwarded: host=evil.example",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Port: 1",
    ]
    .into_iter()
    .flat_map(|field| {
        ["/login", "/.well-known/openid-configuration"].map(|path| {
            Request::new(&format!("GET {path}"))
                .field(field.replace("evil.example", MARKER))
                .label(field)
        })
    })
    .collect()
}

/// An answer without what is different each time.
fn plain(answer: &Answer) -> String {
    let mut pieces = answer.body.split("name=\"challenge\" value=\"");
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.filter_map(|piece| piece.split_once('"'));
    let page = rest.fold(first, |page, (_challenge, rest)| page + rest);
    let body = hidden(&answer.body).into_iter().fold(page, |body, (_, value)| {
        if value.is_empty() { body } else { body.replace(&value, "") }
    });
    format!("{} {body}", answer.status)
}

fn enumeration(ground: &Ground) {
    let house = ground.house();
    for name in ["mia", "nat"] {
        house.person(name, "customer");
    }
    house.run(&["user", "disable", "nat"]).good();
    let known = plain(&house.try_sign_in("mia", "wrong"));
    assert_eq!(plain(&house.try_sign_in("nobody", "wrong")), known);
    assert_eq!(plain(&house.try_sign_in("nat", "wrong")), known);
    assert_eq!(plain(&house.try_sign_in("nat", PASSWORD)), known, "disabled, right password");
    Enrolled::of(ground, "mia");
    assert_eq!(plain(&house.try_sign_in("mia", "wrong")), known, "with a second factor");
    let set =
        |answer: &Answer| answer.raw.lines().filter(|line| line.starts_with("set-cookie")).count();
    assert_eq!(set(&house.try_sign_in("nobody", "wrong")), set(&house.try_sign_in("mia", "wrong")));
}

/// Passwords that were hashed for this sign-in.
fn hashes(ground: &Ground, name: &str, password: &str) -> u64 {
    let count = || {
        let metrics = ground.house().metrics();
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix("ringwall_login_hashes_total "));
        value.unwrap_or_else(|| panic!("{metrics}")).parse::<u64>().unwrap()
    };
    let before = count();
    ground.house().try_sign_in(name, password);
    count() - before
}

fn hashed_alike(ground: &Ground) {
    let house = ground.house();
    for name in ["ivo", "jan", "kai"] {
        house.person(name, "customer");
    }
    house.run(&["user", "disable", "jan"]).good();
    Enrolled::of(ground, "kai");
    for name in ["ivo", "jan", "kai", "nobody-at-all", "ivo%20x", ""] {
        assert_eq!(hashes(ground, name, "wrong"), 1, "{name}");
        let long = "p".repeat(1_025);
        assert_eq!(hashes(ground, name, &long), 0, "{name}: too long for anybody");
    }
    assert_eq!(hashes(ground, "ivo", PASSWORD), 1, "the control");
}

fn stuffing(ground: &Ground) {
    let house = ground.house();
    house.person("oda", "customer");
    let statuses: Vec<u16> = (0..8).map(|_| house.try_sign_in("oda", "wrong").status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    let right = house.try_sign_in("oda", PASSWORD);
    assert_eq!(right.status, 429, "the right one waits, too: {}", right.raw);
    assert!(right.field("retry-after").is_some(), "{}", right.raw);
    // A name that does not exist waits as well, and other accounts do not.
    let statuses: Vec<u16> = (0..8).map(|_| house.try_sign_in("nemo", "wrong").status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    house.person("pia", "customer");
    assert_eq!(house.try_sign_in("pia", PASSWORD).status, 303);
    // Another spelling is no other account: it waits, or is nobody.
    for name in ["ODA", "oda ", " oda", "oda\0", "\u{43e}da"] {
        let answer = try_as(ground, name);
        assert!([400, 401, 429].contains(&answer.status), "{name}: {}", answer.raw);
    }
}

/// A sign-in with any name at all.
fn try_as(ground: &Ground, name: &str) -> Answer {
    let page = ground.house().get("/login");
    ground.submit("", "/login", &page, &[("username", name), ("password", PASSWORD)])
}

fn is_in(answer: &Answer) -> bool {
    answer.raw.contains("set-cookie: __Host-ringwall=")
}

fn codes(ground: &Ground) {
    let house = ground.house();
    for name in ["quin", "rita"] {
        house.person(name, "customer");
    }
    let (quin, rita) = (Enrolled::of(ground, "quin"), Enrolled::of(ground, "rita"));
    let step = |name: &str, code: &str| {
        let page = first_step(ground, name);
        ground.send(&second_step(ground, &page, code))
    };
    assert!(!is_in(&step("quin", &rita.code(0))), "another person's");
    assert!(!is_in(&step("quin", &quin.code(-20))), "ten minutes old");
    assert!(!is_in(&step("quin", &quin.code(20))), "in ten minutes");
    let code = quin.code(0);
    assert!(is_in(&step("quin", &code)), "the control");
    assert!(!is_in(&step("quin", &code)), "twice");
    assert!(!is_in(&step("quin", &quin.code(-1))), "one before it");
}

fn recovery(ground: &Ground) {
    ground.house().person("sam", "customer");
    let sam = Enrolled::of(ground, "sam");
    let step = |code: &str| {
        let page = first_step(ground, "sam");
        ground.send(&second_step(ground, &page, code))
    };
    assert!(is_in(&step(&sam.recovery[0])), "the control");
    assert!(!is_in(&step(&sam.recovery[0])), "twice");
    assert!(!is_in(&step(&sam.recovery[0].replace('-', ""))), "twice, spelt another way");
    assert!(!is_in(&step("%")), "a pattern");
    assert!(is_in(&step(&sam.recovery[1])), "the next one");
}

fn guesses(ground: &Ground) {
    ground.house().person("tim", "customer");
    Enrolled::of(ground, "tim");
    let step = |code: &str| {
        let page = ground.house().try_sign_in("tim", PASSWORD);
        if !page.body.contains("name=\"code\"") {
            return page;
        }
        ground.send(&second_step(ground, &page, code))
    };
    let statuses: Vec<u16> = (0..9).map(|_| step("000000").status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
}

fn skipped(ground: &Ground) {
    let house = ground.house();
    for name in ["uma", "vic"] {
        house.person(name, "customer");
    }
    Enrolled::of(ground, "uma");
    let vic = Enrolled::of(ground, "vic");
    let page = first_step(ground, "uma");
    assert!(!is_in(&page));
    let cookie = with_form("", &page);
    let step = hidden(&page.body).into_iter().find(|(name, _)| name == "step").unwrap().1;
    // Nothing that the first step gave opens anything.
    for line in ["GET /books/7", "GET /account", "GET /oauth/authorize?client_id=web"] {
        for cookie in [cookie.clone(), format!("Cookie: __Host-ringwall={step}")] {
            let answer = ground.send(&Request::new(line).field(&cookie));
            assert_ne!(answer.status, 200, "{line}: {}", answer.raw);
        }
    }
    let origin = format!("Origin: {}", ground.issuer());
    let token = hidden(&page.body).remove(0).1;
    let bare = [("form_token", token.as_str()), ("step", step.as_str())];
    for more in [
        &[][..],
        &[("code", "")],
        &[("username", "uma")],
        &[("username", "uma"), ("password", PASSWORD)],
        &[("code", "000000"), ("username", "vic")],
        &[("step", "x"), ("code", "000000")],
    ] {
        let request = Request::form("/login", &[&bare, more].concat());
        assert!(!is_in(&ground.send(&request.field(&cookie).field(&origin))), "{more:?}");
    }
    // The first step of one with the code of another, who may both be in.
    let page = first_step(ground, "uma");
    assert!(!is_in(&ground.send(&second_step(ground, &page, &vic.code(0)))));
    // A first step that was used is over, with a good code, too.
    let page = first_step(ground, "vic");
    assert!(is_in(&ground.send(&second_step(ground, &page, &vic.code(0)))), "the control");
    assert!(!is_in(&ground.send(&second_step(ground, &page, &vic.code(1)))));
}

fn remembered(ground: &Ground) {
    ground.house().person("wil", "customer");
    Enrolled::of(ground, "wil");
    let page = ground.house().get("/login");
    for name in ["__Host-ringwall-device", "remember", "ringwall-known", "mfa", "trusted_device"] {
        let fields =
            [("username", "wil"), ("password", PASSWORD), ("remember", "1"), ("acr", "aal2")];
        let answer = ground.submit(&format!("Cookie: {name}=1"), "/login", &page, &fields);
        assert!(!is_in(&answer), "{name}: {}", answer.raw);
    }
    let session = first_step(ground, "wil");
    assert!(!is_in(&session));
    // A level that was asked for and cannot be reached is not claimed.
    let asked = ground.send(&ground.authorize(&[("acr_values", "aal2")]));
    check(&asked, Want::Told("unmet_authentication_requirements"));
}

fn passwords(ground: &Ground) {
    let house = ground.house();
    let send = |password: &str| {
        let page = house.get("/login");
        ground.submit("", "/login", &page, &[("username", "ada"), ("password", password)])
    };
    for password in [
        "p".repeat(1_000_000),
        "p".repeat(2_000),
        "p".repeat(1_025),
        format!("{PASSWORD}\0x"),
        format!("{PASSWORD}\0"),
    ] {
        let answer = send(&password);
        assert!(
            !is_in(&answer) && unsound(&answer).is_none(),
            "{}: {}",
            password.len(),
            answer.raw
        );
        assert!((400..500).contains(&answer.status), "{}", answer.raw);
    }
    let long = "\u{1f600}".repeat(256);
    house.pipe(&long, &["user", "add", "xia", "--role", "customer"]).good();
    for bad in ["", "short", "password1", "xenia", &"p".repeat(1_025)] {
        assert_ne!(
            house.pipe(bad, &["user", "add", "xenia", "--role", "customer"]).code,
            0,
            "{bad}"
        );
    }
    // A letter that looks alike is another letter.
    house.pipe("caf\u{e9} and lantern 7", &["user", "add", "yva", "--role", "customer"]).good();
    let page = house.get("/login");
    let with = |password: &str| {
        is_in(&ground.submit("", "/login", &page, &[("username", "yva"), ("password", password)]))
    };
    assert!(!with("c\u{430}f\u{e9} and lantern 7") && !with("cafe and lantern 7"));
    assert!(with("caf\u{e9} and lantern 7"), "the control");
}

fn cookies(ground: &Ground) {
    let session = ground.ada.split_once('=').unwrap().1;
    let good = format!("__Host-ringwall={session}");
    for cookie in [
        format!("{good}; {good}"),
        format!("__Host-ringwall=x; {good}"),
        format!("{good}; __Host-ringwall=x"),
        format!("__host-ringwall={session}"),
        format!("\u{2000}__Host-ringwall={session}"),
        format!("a=b; \u{2000}__Host-ringwall={session}"),
        format!("$Version=1,__Host-ringwall={session}"),
        format!("a=\"b; __Host-ringwall={session}\"; c=\"d\""),
        format!("__Host-ringwall={session}x"),
        format!("__Host-ringwall=\"{session}\""),
        format!("ringwall={session}"),
        format!("__Secure-ringwall={session}"),
        format!("__Host-ringwall={}", session.to_uppercase()),
        format!("__Host-ringwall={session}%00"),
        "__Host-ringwall=".to_owned(),
        "__Host-ringwall".to_owned(),
        "=;;;=".to_owned(),
        format!("__Host-ringwall={}", "A".repeat(8_000)),
        "__Host-ringwall=../../etc/passwd".to_owned(),
        "__Host-ringwall=' OR 1=1--".to_owned(),
        "__Host-ringwall=\u{e9}".to_owned(),
    ] {
        for line in ["GET /books/7", "GET /account"] {
            let answer = ground.send(&Request::new(line).field(format!("Cookie: {cookie}")));
            assert!(unsound(&answer).is_none(), "{cookie}: {}", answer.raw);
            assert_ne!(answer.status, 200, "{cookie}: {}", answer.raw);
        }
    }
    // In two lines they are one list (RFC 6265 section 5.4 sends one; RFC 9113 section 8.2.3 may split).
    let two = Request::new("GET /books/7").field("Cookie: __Host-ringwall=x").field(&ground.ada);
    assert_ne!(ground.send(&two).status, 200);
    check(&ground.send(&Request::new("GET /books/7").field(&ground.ada)), Want::Passes);
}

fn account(ground: &Ground) {
    let house = ground.house();
    house.person("zoe", "customer");
    let session = house.sign_in("zoe");
    let page = ground.send(&Request::new("GET /account").field(&session));
    assert_eq!(page.status, 200, "{}", page.raw);
    let cookie = with_form(&session, &page);
    let forms: Vec<&str> = page.body.split("<form").skip(1).collect();
    let origin = format!("Origin: {}", ground.issuer());
    for form in forms {
        let fields = hidden(&format!("<form{form}"));
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let more = [
            ("password", PASSWORD),
            ("current", PASSWORD),
            ("new", "another lantern 9"),
            ("new_password", "another lantern 9"),
        ];
        let all = [&fields[..], &more].concat();
        let without: Vec<_> =
            all.iter().copied().filter(|(name, _)| *name != "form_token").collect();
        for request in [
            Request::form("/account", &all).field("Origin: https://evil.example").field(&cookie),
            Request::form("/account", &all).field("Origin: null").field(&cookie),
            Request::form("/account", &without).field(&origin).field(&cookie),
            Request::form("/account", &all).field(&origin).field(&session),
            Request::query("/account", &all).field(&cookie),
        ] {
            let answer = ground.send(&request);
            assert!(unsound(&answer).is_none(), "{}", answer.raw);
        }
    }
    let after = ground.send(&Request::new("GET /account").field(&session));
    assert_eq!(after.status, 200, "the session is there: {}", after.raw);
    assert_eq!(house.try_sign_in("zoe", PASSWORD).status, 303, "the password is the same");
    let listed = house.run(&["user", "factors", "zoe"]).good().out;
    assert!(!listed.contains("app"), "{listed}");
}

fn parallel(ground: &Ground) {
    let house = ground.house();
    house.person("abe", "customer");
    let sessions: Vec<String> = (0..4).map(|_| house.sign_in("abe")).collect();
    let page = ground.send(&Request::new("GET /logout").field(&sessions[0]));
    let out = ground.submit(&sessions[0], "/logout", &page, &[]);
    assert!(out.status < 400, "{}", out.raw);
    let open = |session: &String| ground.send(&Request::new("GET /books/7").field(session)).status;
    assert_ne!(open(&sessions[0]), 200);
    assert_eq!(open(&sessions[1]), 200);
    house.run(&["user", "disable", "abe"]).good();
    house.run(&["user", "enable", "abe"]).good();
    assert!(sessions.iter().all(|session| open(session) != 200));
}
