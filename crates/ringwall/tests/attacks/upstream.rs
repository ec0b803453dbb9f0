//! U3, U4, A6, K2: another issuer at which people sign in, and who would like to be it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::ground::{Ground, hidden, with_form};
use crate::library::Library;
use crate::request::{MARKER, Request, escaped, parameter};
use crate::signing::{Key, compact, encoded, now};
use crate::suite::{Attack, plays, run, unsound};
use crate::wait::until;
use crate::wire::Answer;

pub(crate) const ROWS: &[Attack] = &[
    plays(
        "U3",
        "an account's own address and name, said of somebody else",
        "CVE-2026-15571",
        equal,
    ),
    plays("U3", "a link that its person did not ask for", "CVE-2026-15571, CWE-352", forged),
    plays("U4", "an answer again, elsewhere, or made up", "CVE-2025-46815", replayed),
    plays(
        "U4",
        "ID tokens for others, of others, without a signature",
        "OIDC Core 3.1.3.7",
        tokens,
    ),
    plays(
        "A6",
        "an answer of another issuer",
        "RFC 9207 section 2.4, RFC 9700 section 4.4",
        mixed_up,
    ),
];

/// Made before anything is known of the issuer.
pub(crate) const FETCHES: &[Attack] = &[plays(
    "K2",
    "documents of an issuer that are HTML, long, elsewhere, slow, or another's",
    "RFC 9700 section 4.4, CWE-918",
    documents,
)];

#[test]
fn nobody_comes_in_as_somebody_of_another_issuer() {
    let issuer: &'static Issuer = Box::leak(Box::new(Issuer::start()));
    *ISSUER.lock().unwrap_or_else(PoisonError::into_inner) = Some(issuer);
    let there = format!(
        "\nlogin = \"http://127.0.0.1:{}\"\n\n[gateway.oidc]\nclient = \"library\"\nsign_up = true\n\
         domains = [\"harbour.example\"]\n\n[roles]",
        issuer.port
    );
    let library = Library::open_with(|manifest| {
        assert!(manifest.contains("\n[roles]"), "{manifest}");
        manifest.replacen("\n[roles]", &there, 1)
    });
    let ground = Ground::on(library);
    run(FETCHES, &ground);
    run(ROWS, &ground);
}

/// The one of this test.
static ISSUER: Mutex<Option<&'static Issuer>> = Mutex::new(None);

/// An issuer that does what the attacker wants. It is asked as soon as the program starts.
struct Issuer {
    port: u16,
    key: Key,
    /// What the next ID token says, and what is wrong with the documents.
    says: Mutex<(Value, Option<&'static str>)>,
    /// Requests for tokens, and for documents.
    asked: [AtomicUsize; 2],
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || issuer().answer(stream));
            }
        });
        let asked = [AtomicUsize::new(0), AtomicUsize::new(0)];
        Self { port, key: Key::ec(), says: Mutex::new((Value::Null, Some("html"))), asked }
    }

    fn name(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn asked(&self, which: usize) -> usize {
        self.asked[which].load(Ordering::SeqCst)
    }

    fn says(&self) -> (Value, Option<&'static str>) {
        self.says.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn say(&self, claims: Value, spoilt: Option<&'static str>) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = (claims, spoilt);
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut line, mut length) = (String::new(), 0);
        reader.read_line(&mut line).unwrap();
        loop {
            let mut field = String::new();
            reader.read_line(&mut field).unwrap();
            let (name, value) = field.trim().split_once(':').unwrap_or_default();
            if name.is_empty() {
                break;
            }
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let (status, kind, body) = self.document(line.split(' ').nth(1).unwrap_or_default());
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nLocation: {}/elsewhere\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n",
            self.name(),
            body.len()
        );
        // Whoever was waited for too long has gone.
        let sent =
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        drop(sent);
    }

    fn document(&self, path: &str) -> (&'static str, &'static str, String) {
        let (claims, spoilt) = self.says();
        let ok = |body: &Value| ("200 OK", "application/json", body.to_string());
        match path {
            "/jwks" => ok(&json!({ "keys": [self.key.registered()] })),
            "/token" => {
                self.asked[0].fetch_add(1, Ordering::SeqCst);
                ok(&json!({ "id_token": self.token(&claims), "token_type": "Bearer" }))
            }
            "/.well-known/openid-configuration" => self.metadata(spoilt),
            _ => ("404 Not Found", "text/plain", String::new()),
        }
    }

    fn metadata(&self, spoilt: Option<&str>) -> (&'static str, &'static str, String) {
        self.asked[1].fetch_add(1, Ordering::SeqCst);
        let (ok, kind) = ("200 OK", "application/json");
        let metadata = |(issuer, jwks_uri): (&str, &str)| {
            json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{}/authorize", self.name()),
                "token_endpoint": format!("{}/token", self.name()),
                "jwks_uri": jwks_uri,
                "authorization_response_iss_parameter_supported": true,
            })
            .to_string()
        };
        let (name, keys) = (self.name(), format!("{}/jwks", self.name()));
        let body = metadata((&name, &keys));
        match spoilt {
            None => (ok, kind, body),
            Some("html") => (ok, "text/html", body),
            Some("redirect") => ("302 Found", kind, body),
            Some("long") => (ok, kind, format!("{body}{}", " ".repeat(1_000_000))),
            Some("twice") => (ok, kind, body.replacen('{', "{\"issuer\":\"x\",", 1)),
            // More than anybody waits for.
            Some("slow") => {
                std::thread::park_timeout(std::time::Duration::from_secs(20));
                (ok, kind, body)
            }
            Some(address) => match address.strip_prefix('=') {
                Some(issuer) => (ok, kind, metadata((issuer, &keys))),
                None => (ok, kind, metadata((&name, address))),
            },
        }
    }

    /// An ID token; `"raw"` says how it is broken.
    fn token(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.key.thumbprint() });
        match claims["raw"].as_str() {
            None => self.key.token(&header, claims),
            Some("none") => compact(r#"{"alg":"none"}"#, &claims.to_string(), |_| Vec::new()),
            Some("stranger") => Key::ec().token(&header, claims),
            Some(_) => {
                let own = Key::ec();
                let mut header = header;
                header["jwk"] = own.public();
                own.token(&header, claims)
            }
        }
    }
}

fn issuer() -> &'static Issuer {
    until("the issuer is there", || *ISSUER.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A browser on its way.
struct Way {
    state: String,
    nonce: String,
    cookie: String,
}

fn leave(ground: &Ground) -> Way {
    let answer = ground.send(&Request::new("GET /oauth/upstream?return_to=%2Fbooks%2F7"));
    let to = answer.field("location").unwrap_or_else(|| panic!("{}", answer.raw));
    let part = |name: &str| parameter(&to, name).unwrap_or_else(|| panic!("{name}: {to}"));
    Way { state: part("state"), nonce: part("nonce"), cookie: cookie(&answer, COOKIE).unwrap() }
}

/// An honest token for this journey, with these claims changed; null takes one away.
fn claimed(way: &Way, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": issuer().name(), "aud": "library", "sub": "248289761001", "nonce": way.nonce,
        "iat": now(), "exp": now() + 300, "auth_time": now(),
        "email": "grace@harbour.example", "email_verified": true,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn back(ground: &Ground, way: &Way, more: &str) -> Answer {
    let line = format!("GET /oauth/callback?code=c&state={}{more}", escaped(&way.state));
    ground.send(&Request::new(&line).field(format!("Cookie: {}", way.cookie)))
}

/// There and back.
fn travel(ground: &Ground, changes: &Value) -> Answer {
    let way = leave(ground);
    issuer().say(claimed(&way, changes), None);
    back(ground, &way, &honest())
}

fn honest() -> String {
    format!("&iss={}", escaped(&issuer().name()))
}

/// A cookie that an answer sets.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let sets = answer.raw.lines().filter_map(|line| line.split_once(": "));
    let mut sets = sets.filter(|(field, _)| field.eq_ignore_ascii_case("set-cookie"));
    let set = sets.find(|(_, value)| value.starts_with(&format!("{name}=")))?;
    set.1.split(';').next().map(str::to_owned)
}

#[track_caller]
fn stays_out(answer: &Answer, what: &str) {
    assert!(answer.status == 401 && cookie(answer, SESSION).is_none(), "{what}: {}", answer.raw);
    assert!(unsound(answer).is_none() && !answer.body.contains(MARKER), "{what}: {}", answer.raw);
}

fn name_of(ground: &Ground, answer: &Answer) -> String {
    let session = cookie(answer, SESSION).unwrap_or_else(|| panic!("{}", answer.raw));
    let page = ground.send(&Request::new("GET /account").field(format!("Cookie: {session}")));
    page.body.split("<b>").nth(1).and_then(|rest| rest.split('<').next()).unwrap().to_owned()
}

fn equal(ground: &Ground) {
    ground.house().person("grace@harbour.example", "customer");
    let name = name_of(ground, &travel(ground, &json!({})));
    assert!(name.starts_with("u-"), "{name}");
    // The same person there is the same one here, whatever they are called by now.
    let again = travel(ground, &json!({ "email": "ada@harbour.example" }));
    assert_eq!(name_of(ground, &again), name);
    for change in [
        json!({ "sub": "s2", "email_verified": "true" }),
        json!({ "sub": "s2", "email_verified": false }),
        json!({ "sub": "s2", "email": "ada@harbour.example.evil.example" }),
        json!({ "sub": "s2", "email": "ada@evil.example" }),
        json!({ "sub": "s2", "email": null }),
    ] {
        stays_out(&travel(ground, &change), &change.to_string());
    }
}

fn forged(ground: &Ground) {
    let page = ground.send(&Request::new("GET /account").field(&ground.ada));
    let (cookies, fields) = (with_form(&ground.ada, &page), hidden(&page.body));
    let token = fields.iter().find(|(name, _)| name == "form_token").unwrap().1.clone();
    let form = |token: &str| Request::form("/oauth/upstream", &[("form_token", token)]);
    let own = format!("Origin: {}", ground.issuer());
    for request in [
        form(&token).field("Origin: https://evil.example").field(&cookies),
        form(&token).field("Origin: null").field(&cookies),
        form("").field(&own).field(&cookies),
        form(&token).field(&own).field(&ground.ada),
        form(&token).field(&own),
    ] {
        let answer = ground.send(&request);
        assert_ne!(answer.status, 200, "{}", answer.raw);
        assert!(cookie(&answer, COOKIE).is_none(), "{}", answer.raw);
    }
    // Asked for by Ada, and brought back by somebody else.
    let answer = ground.send(&form(&token).field(&own).field(&cookies));
    let to = answer.body.split("href=\"").nth(1).unwrap_or_else(|| panic!("{}", answer.raw));
    let to = to.split('"').next().unwrap().replace("&amp;", "&");
    let part = |name: &str| parameter(&to, name).unwrap();
    let cookie = cookie(&answer, COOKIE).unwrap();
    let way = Way { state: part("state"), nonce: part("nonce"), cookie };
    issuer().say(claimed(&way, &json!({ "sub": "mallory" })), None);
    stays_out(&back(ground, &way, &honest()), "without her session");
    let name = name_of(ground, &travel(ground, &json!({ "sub": "mallory" })));
    assert_ne!(name, "ada");
}

fn replayed(ground: &Ground) {
    let way = leave(ground);
    issuer().say(claimed(&way, &json!({})), None);
    let before = issuer().asked(0);
    let other = Way { cookie: leave(ground).cookie, ..leave(ground) };
    stays_out(&back(ground, &other, &honest()), "in another browser");
    let bare = Way { cookie: "x=y".to_owned(), ..leave(ground) };
    stays_out(&back(ground, &bare, &honest()), "in none");
    let changed = Way { cookie: way.cookie.replacen("=e", "=f", 1), ..leave(ground) };
    stays_out(&back(ground, &changed, &honest()), "with a cookie that was changed");
    assert_eq!(issuer().asked(0), before, "no code went anywhere");
    assert_eq!(back(ground, &way, &honest()).status, 303);
    stays_out(&back(ground, &way, &honest()), "again");
    assert_eq!(issuer().asked(0), before + 1);
    let told = format!("&error=server_error&error_description={MARKER}{}", honest());
    stays_out(&back(ground, &leave(ground), &told), "an error");
}

fn tokens(ground: &Ground) {
    for change in [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": format!("{}/", issuer().name()) }),
        json!({ "aud": "other" }),
        json!({ "aud": ["library", "other"] }),
        json!({ "aud": null }),
        json!({ "azp": "other" }),
        json!({ "nonce": "other" }),
        json!({ "nonce": null }),
        json!({ "exp": now() - 60, "iat": now() - 120 }),
        json!({ "iat": now() + 120 }),
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "at_hash": encoded("x") }),
        json!({ "raw": "none" }),
        json!({ "raw": "stranger" }),
        json!({ "raw": "its own key" }),
    ] {
        // Each has a person of its own: they are strangers all the same.
        stays_out(&travel(ground, &change), &change.to_string());
        assert_eq!(travel(ground, &json!({})).status, 303, "the control");
    }
}

fn mixed_up(ground: &Ground) {
    let before = issuer().asked(0);
    for iss in ["&iss=https%3A%2F%2Fevil.example", "&iss=", "", &format!("{}%2F", honest())] {
        let way = leave(ground);
        issuer().say(claimed(&way, &json!({})), None);
        stays_out(&back(ground, &way, iss), iss);
    }
    assert_eq!(issuer().asked(0), before, "no code went anywhere");
}

fn documents(ground: &Ground) {
    for spoilt in [
        "html",
        "redirect",
        "long",
        "twice",
        "=https://evil.example",
        "=",
        "http://169.254.169.254/latest",
        "http://127.0.0.1:1/jwks",
        "file:///etc/passwd",
        "slow",
    ] {
        issuer().say(Value::Null, Some(spoilt));
        let before = issuer().asked(1);
        // After one that failed nobody asks for a moment.
        let answer = until(spoilt, || {
            let answer = ground.send(&Request::new("GET /oauth/upstream"));
            assert_eq!(answer.status, 502, "{spoilt}: {}", answer.raw);
            (issuer().asked(1) > before).then_some(answer)
        });
        assert!(answer.body.contains("cannot be reached"), "{spoilt}: {}", answer.raw);
        assert!(!answer.body.contains("169.254"), "{spoilt}: {}", answer.raw);
        assert_eq!(ground.house().try_sign_in("ada", crate::house::PASSWORD).status, 303);
    }
    issuer().say(Value::Null, None);
    until("the issuer is well again", || {
        let answer = ground.send(&Request::new("GET /oauth/upstream"));
        (answer.status == 303).then_some(())
    });
}

const COOKIE: &str = "__Host-ringwall-upstream";
const SESSION: &str = "__Host-ringwall";
