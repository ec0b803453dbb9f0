//! U8: passkeys, by a device of the attacker's that says whatever it likes. The same attacks through a
//! browser are in `it/passkeys.rs`.

use crate::authenticator::{Device, UP, UV, attested_at, client_data, head, object};
use crate::ground::Ground;
use crate::request::MARKER;
use crate::signing::encoded;
use crate::suite::{Attack, plays, run, unsound};
use crate::wire::Answer;

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "U8",
        "another origin, host, challenge, purpose, key or person; nobody there, no PIN",
        "WebAuthn Level 3 section 7.2, CVE-2022-42731",
        wrong,
    ),
    plays(
        "U8",
        "a counter that goes back",
        "WebAuthn Level 3 section 6.1.1 and 7.2 step 22",
        copied,
    ),
    plays(
        "U8",
        "an answer twice, of another page, and CBOR that is none",
        "CVE-2020-8236, WebAuthn Level 3 section 13.4.3",
        malformed,
    ),
];

const ID: &[u8] = b"a credential";

#[test]
fn nobody_signs_in_with_anothers_passkey() {
    run(ROWS, &Ground::open());
}

/// Somebody with a passkey.
struct Keyed<'a> {
    ground: &'a Ground,
    device: Device,
    id: Vec<u8>,
    handle: String,
}

/// What is changed of a good answer.
#[derive(Clone)]
struct Says<'a> {
    by: &'a Device,
    id: Vec<u8>,
    handle: String,
    host: &'a str,
    flags: u8,
    counter: u32,
    client_data: String,
}

impl<'a> Keyed<'a> {
    #[track_caller]
    fn of(ground: &'a Ground, name: &str) -> Self {
        let house = ground.house();
        house.person(name, "customer");
        let (session, device) = (house.sign_in(name), Device::new());
        let page = house.send("GET /account", &[&session], "");
        let page = ground.submit(&session, "/account", &page, &[("do", "passkey")]);
        let (challenge, handle) = (field(&page, "challenge"), attribute(&page, "data-user"));
        let id = [ID, name.as_bytes()].concat();
        let said = client_data("webauthn.create", &challenge, &ground.issuer());
        let data = attested_at(HOST, UP | UV, &id, &device.key());
        let fields = [
            ("do", "passkey-add"),
            ("name", "Laptop"),
            ("client_data", &encoded(said)),
            ("attestation", &encoded(object(&data))),
        ];
        let made = ground.submit(&session, "/account", &page, &fields);
        assert!(made.body.contains("<li><code>"), "{}", made.raw);
        Self { ground, device, id, handle }
    }

    /// As it should be.
    fn says(&self, challenge: &str, counter: u32) -> Says<'_> {
        Says {
            by: &self.device,
            id: self.id.clone(),
            handle: self.handle.clone(),
            host: HOST,
            flags: UP | UV,
            counter,
            client_data: client_data("webauthn.get", challenge, &self.ground.issuer()),
        }
    }

    fn sign_in(&self, counter: u32) -> bool {
        let page = self.ground.house().get("/login");
        let says = self.says(&field(&page, "challenge"), counter);
        is_in(&says.given(self.ground, &page))
    }
}

impl Says<'_> {
    #[track_caller]
    fn given(&self, ground: &Ground, page: &Answer) -> Answer {
        let data = head(self.host, self.flags, self.counter);
        let signature = self.by.sign(&data, &self.client_data);
        give(
            ground,
            page,
            &[&self.id, self.client_data.as_bytes(), &data, &signature],
            &self.handle,
        )
    }
}

/// Sends the form of the login page with what a device said.
#[track_caller]
fn give(ground: &Ground, page: &Answer, said: &[&[u8]; 4], handle: &str) -> Answer {
    let said = said.map(encoded);
    let challenge = field(page, "challenge");
    let fields = [
        ("challenge", challenge.as_str()),
        ("credential", &said[0]),
        ("client_data", &said[1]),
        ("authenticator_data", &said[2]),
        ("signature", &said[3]),
        ("user_handle", &encoded(handle)),
    ];
    let answer = ground.submit("", "/login", page, &fields);
    assert!(unsound(&answer).is_none(), "{:?}: {}", unsound(&answer), answer.raw);
    answer
}

fn is_in(answer: &Answer) -> bool {
    answer.raw.contains("set-cookie: __Host-ringwall=")
}

/// A hidden field, of whatever form.
#[track_caller]
fn field(page: &Answer, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = page.body.split(&start).nth(1).unwrap_or_else(|| panic!("{name}: {}", page.raw));
    rest.split('"').next().unwrap().to_owned()
}

#[track_caller]
fn attribute(page: &Answer, name: &str) -> String {
    let rest = page.body.split(&format!("{name}=\"")).nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn wrong(ground: &Ground) {
    let (uli, eve, other) = (Keyed::of(ground, "uli"), Keyed::of(ground, "eve"), Device::new());
    let cases: [(&str, &dyn Fn(&mut Says<'_>)); 16] = [
        ("origin", &|s| s.client_data = s.client_data.replace("harbour", "evil")),
        ("port", &|s| s.client_data = s.client_data.replace("localhost:", "localhost:1")),
        ("scheme", &|s| s.client_data = s.client_data.replace("https:", "http:")),
        ("host", &|s| s.host = "evil.example"),
        ("parent", &|s| s.host = "localhost"),
        ("purpose", &|s| s.client_data = s.client_data.replace(".get", ".create")),
        ("challenge", &|s| s.client_data = s.client_data.replace("nge\":\"", "nge\":\"A")),
        ("frame", &|s| s.client_data = s.client_data.replace("false", "true")),
        ("no PIN", &|s| s.flags = UP),
        ("nobody there", &|s| s.flags = UV),
        ("nothing at all", &|s| s.flags = 0),
        ("unknown", &|s| s.id = b"nobody's".to_vec()),
        ("nobody named", &|s| s.handle = String::new()),
        ("eve's name", &|s| s.handle.clone_from(&eve.handle)),
        ("eve's id", &|s| s.id.clone_from(&eve.id)),
        ("two origins", &|s| s.client_data = s.client_data.replace('{', "{\"origin\":\"x\",")),
    ];
    for (case, change) in cases {
        let page = ground.house().get("/login");
        let mut says = uli.says(&field(&page, "challenge"), 0);
        change(&mut says);
        assert!(!is_in(&says.given(ground, &page)), "{case}");
    }
    for by in [&other, &eve.device] {
        let page = ground.house().get("/login");
        let says = Says { by, ..uli.says(&field(&page, "challenge"), 0) };
        assert!(!is_in(&says.given(ground, &page)), "another key");
    }
    assert!(uli.sign_in(0) && eve.sign_in(0), "the control");
}

fn copied(ground: &Ground) {
    let keyed = Keyed::of(ground, "una");
    assert!(keyed.sign_in(7), "the control");
    for counter in [7, 6, 1, 0] {
        assert!(!keyed.sign_in(counter), "{counter}");
    }
    let told = ground.house().events(&["--action", "passkey-copied"]);
    assert!(told.len() >= 4, "{told:?}");
    assert!(keyed.sign_in(8), "the owner goes on");
}

fn malformed(ground: &Ground) {
    let keyed = Keyed::of(ground, "ute");
    let house = ground.house();
    let (page, other) = (house.get("/login"), house.get("/login"));
    let says = keyed.says(&field(&page, "challenge"), 0);
    assert!(!is_in(&says.given(ground, &other)), "for another page");
    let (data, client_data) = (head(HOST, UP | UV, 0), says.client_data.as_bytes());
    let signature = keyed.device.sign(&data, &says.client_data);
    let (deep, long) = ([0x81; 3_000], vec![0xff; 6_000]);
    let bad: [&[u8]; 7] = [b"", b"\0", b"\xff\xff", b"\xa1", &deep, &long, MARKER.as_bytes()];
    for bad in bad {
        for at in 0..4 {
            let mut said = [keyed.id.as_slice(), client_data, &data, &signature];
            said[at] = bad;
            assert!(!is_in(&give(ground, &page, &said, &keyed.handle)), "{at}: {bad:?}");
        }
        let session = house.sign_in("ada");
        let account = house.send("GET /account", &[&session], "");
        let made = ground.submit(&session, "/account", &account, &[("do", "passkey")]);
        let said = crate::authenticator::client_data(
            "webauthn.create",
            &field(&made, "challenge"),
            &ground.issuer(),
        );
        for object in [bad.to_vec(), object(bad), object(&[&data[..], bad].concat())] {
            let fields = [
                ("do", "passkey-add"),
                ("client_data", &*encoded(&said)),
                ("attestation", &encoded(object)),
            ];
            let answer = ground.submit(&session, "/account", &made, &fields);
            assert!(unsound(&answer).is_none(), "{bad:?}: {}", answer.raw);
        }
    }
    let listed = house.run(&["user", "factors", "ada"]).good().out;
    assert!(!listed.contains("passkey"), "{listed}");
    assert!(is_in(&says.given(ground, &page)), "the control: nothing was used up");
    assert!(!is_in(&says.given(ground, &page)), "twice");
}

const HOST: &str = "harbour.localhost";
