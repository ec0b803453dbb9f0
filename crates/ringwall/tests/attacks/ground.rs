//! The ground on which attacks are made: a running house with clients of every kind.

use serde_json::{Value, json};

use crate::house::House;
use crate::library::Library;
use crate::request::{Request, form, parameter};
use crate::signing::{Key, fresh, hashed, now};
use crate::wire::Answer;

/// Where the applications live.
pub(crate) const CALLBACK: &str = "https://web.example/callback";
/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// RFC 7523 section 2.2.
pub(crate) const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// RFC 8693 section 2.1.
pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// RFC 8693 section 3.
pub(crate) const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
/// RFC 8628 section 3.4.
pub(crate) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The house and its clients: `robot`, `other` and `shop` have secrets, `signer` and `rival` keys, `web`,
/// `twin`, `native`, `tv` and `pushed` nothing; `bound` has to prove a key, `orders` acts for `web`.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) library: Library,
    pub(crate) robot: String,
    pub(crate) other: String,
    pub(crate) shop: String,
    pub(crate) bound: String,
    pub(crate) orders: String,
    pub(crate) signer: Key,
    pub(crate) rival: Key,
    /// Ada's session, as a `Cookie` line.
    pub(crate) ada: String,
}

impl Ground {
    /// Starts a house and registers everybody.
    pub(crate) fn open() -> Self {
        Self::on(Library::open())
    }

    pub(crate) fn on(library: Library) -> Self {
        let house = &library.house;
        house.person("ada", "customer");
        let (signer, rival) = (Key::ec(), Key::ed());
        let wide = ["--redirect-uri", CALLBACK, "--grant", "refresh_token"];
        let keyed = |id: &str, key: &Key| {
            let file = format!("{id}.json");
            house.write(&file, &json!({ "keys": [key.registered()] }).to_string());
            add(house, id, &[&["--bearer", "--jwks", &file][..], &wide].concat());
        };
        keyed("signer", &signer);
        keyed("rival", &rival);
        add(house, "web", &[&["--public"][..], &wide].concat());
        add(house, "twin", &[&["--public"][..], &wide].concat());
        add(house, "pushed", &[&["--public", "--par"][..], &wide].concat());
        add(house, "native", &["--public", "--redirect-uri", "http://127.0.0.1/done"]);
        add(house, "tv", &["--public", "--grant", "device_code", "--grant", "refresh_token"]);
        Self {
            robot: add(house, "robot", &["--bearer"]),
            other: add(house, "other", &["--bearer"]),
            shop: add(house, "shop", &[&["--bearer"][..], &wide].concat()),
            bound: add(house, "bound", &["--dpop"]),
            orders: add(house, "orders", &["--bearer", "--acts-for", "web"]),
            ada: house.sign_in("ada"),
            signer,
            rival,
            library,
        }
    }

    pub(crate) fn house(&self) -> &House {
        &self.library.house
    }

    pub(crate) fn issuer(&self) -> String {
        self.house().origin()
    }

    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Answer {
        request.to(self.house())
    }

    /// What `web` asks for, with these parameters changed; a value of `-` takes one away.
    pub(crate) fn question(changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let plain = [
            ("response_type", "code"),
            ("client_id", "web"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("state", "s"),
            ("nonce", "n"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        changed(&plain, changes)
    }

    /// The question at the authorization endpoint, with Ada's session.
    pub(crate) fn authorize(&self, changes: &[(&str, &str)]) -> Request {
        Self::authorize_as(&self.ada, changes)
    }

    pub(crate) fn authorize_as(session: &str, changes: &[(&str, &str)]) -> Request {
        let question = Self::question(changes);
        let label = format!("{changes:?}").chars().take(120).collect::<String>();
        Request::query("/oauth/authorize", &borrowed(&question)).field(session).label(label)
    }

    /// A code for Ada.
    #[track_caller]
    pub(crate) fn code(&self, changes: &[(&str, &str)]) -> String {
        let answer = self.send(&self.authorize(changes));
        let to = answer.field("location").unwrap_or_else(|| panic!("{}", answer.raw));
        parameter(&to, "code").unwrap_or_else(|| panic!("{}", answer.raw))
    }

    /// What `web` sends with a code.
    pub(crate) fn redemption(code: &str, changes: &[(&str, &str)]) -> Request {
        let plain = [
            ("grant_type", "authorization_code"),
            ("client_id", "web"),
            ("redirect_uri", CALLBACK),
            ("code", code),
            ("code_verifier", VERIFIER),
        ];
        Request::token(&borrowed(&changed(&plain, changes))).label(format!("{changes:?}"))
    }

    /// Tokens for Ada at `web`: access, refresh, ID.
    #[track_caller]
    pub(crate) fn tokens(&self) -> Tokens {
        Tokens::of(&self.send(&Self::redemption(&self.code(&[]), &[])))
    }

    /// What a client with a refresh token sends.
    pub(crate) fn refreshing(token: &str, changes: &[(&str, &str)]) -> Request {
        let plain =
            [("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", token)];
        Request::token(&borrowed(&changed(&plain, changes))).label(format!("{changes:?}"))
    }

    /// An access token of `robot`.
    #[track_caller]
    pub(crate) fn program(&self) -> String {
        self.house().token("robot", &self.robot)
    }

    /// What `signer` proves itself with, with these claims changed; null takes one away.
    pub(crate) fn claimed(&self, changes: &[(&str, Value)]) -> Value {
        let mut claims = json!({
            "iss": "signer",
            "sub": "signer",
            "aud": self.issuer(),
            "iat": now(),
            "exp": now() + 60,
            "jti": fresh(),
        });
        set(&mut claims, changes);
        claims
    }

    /// Its header, with these members changed.
    pub(crate) fn header(&self, changes: &[(&str, Value)]) -> Value {
        let mut header =
            json!({ "typ": "JWT", "alg": self.signer.alg(), "kid": self.signer.thumbprint() });
        set(&mut header, changes);
        header
    }

    /// A token request of `signer` with this assertion.
    pub(crate) fn asserting(assertion: &str, changes: &[(&str, &str)]) -> Request {
        let plain = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion),
        ];
        Request::token(&borrowed(&changed(&plain, changes)))
    }

    /// An exchange by `orders`.
    pub(crate) fn exchange(&self, subject: &str, changes: &[(&str, &str)]) -> Request {
        let plain =
            [("grant_type", EXCHANGE), ("subject_token", subject), ("subject_token_type", ACCESS)];
        let request = Request::token(&borrowed(&changed(&plain, changes)));
        request.basic("orders", &self.orders).label(format!("{changes:?}"))
    }

    /// A device code and its user code.
    #[track_caller]
    pub(crate) fn device(&self) -> (String, String) {
        let request = Request::form(
            "/oauth/device_authorization",
            &[("client_id", "tv"), ("scope", "openid")],
        );
        let answer = self.send(&request).json();
        let text =
            |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        (text("device_code"), text("user_code"))
    }

    /// A device's question whether it may.
    pub(crate) fn polling(code: &str) -> Request {
        Request::token(&[("grant_type", DEVICE), ("client_id", "tv"), ("device_code", code)])
    }

    /// Ada lets a device in, through its page.
    #[track_caller]
    pub(crate) fn approve(&self, user_code: &str) {
        let page = self.send(&Request::new("GET /oauth/device").field(&self.ada));
        let asked = self.submit(&self.ada, "/oauth/device", &page, &[("user_code", user_code)]);
        assert!(asked.body.contains("tv"), "{}", asked.raw);
        let done = self.submit(&self.ada, "/oauth/device", &asked, &[("decision", "approve")]);
        assert_eq!(done.status, 200, "{}", done.raw);
    }

    /// Sends a page's form with this session and these fields, as a browser does.
    #[track_caller]
    pub(crate) fn submit(
        &self,
        session: &str,
        path: &str,
        page: &Answer,
        fields: &[(&str, &str)],
    ) -> Answer {
        let hidden = hidden(&page.body);
        let hidden: Vec<_> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| fields.iter().all(|(other, _)| other != name))
            .collect();
        let request = Request::form(path, &[&hidden, fields].concat());
        let request = request.field(with_form(session, page));
        self.send(&request.field(format!("Origin: {}", self.issuer())))
    }

    /// A proof of a key for this request, with claims changed.
    pub(crate) fn proof(&self, key: &Key, line: (&str, &str), changes: &[(&str, Value)]) -> String {
        let mut claims = json!({
            "htm": line.0,
            "htu": format!("{}{}", self.issuer(), line.1),
            "iat": now(),
            "jti": fresh(),
        });
        set(&mut claims, changes);
        let header = json!({ "typ": "dpop+jwt", "alg": key.alg(), "jwk": key.public() });
        key.token(&header, &claims)
    }

    /// The nonce that proofs at the token endpoint have to carry now.
    #[track_caller]
    pub(crate) fn nonce(&self) -> String {
        let proof = self.proof(&Key::ec(), ("POST", "/oauth/token"), &[]);
        let request = Request::token(&[("grant_type", "client_credentials")]);
        let answer =
            self.send(&request.basic("bound", &self.bound).field(format!("DPoP: {proof}")));
        answer.field("dpop-nonce").unwrap_or_else(|| panic!("{}", answer.raw))
    }

    /// The `DPoP` line of a request to the token endpoint.
    #[track_caller]
    pub(crate) fn proven(&self, key: &Key) -> String {
        let nonce = json!(self.nonce());
        format!("DPoP: {}", self.proof(key, ("POST", "/oauth/token"), &[("nonce", nonce)]))
    }

    /// The `DPoP` line of a request to a resource.
    pub(crate) fn shown(&self, key: &Key, line: (&str, &str), token: &str) -> String {
        let ath = json!(hashed(token));
        format!("DPoP: {}", self.proof(key, line, &[("ath", ath)]))
    }

    /// Tokens for Ada at `web` that are bound to a key.
    #[track_caller]
    pub(crate) fn bound_tokens(&self, key: &Key) -> Tokens {
        let request = Self::redemption(&self.code(&[]), &[]).field(self.proven(key));
        Tokens::of(&self.send(&request))
    }

    /// Whether an access token opens the gateway and userinfo.
    #[track_caller]
    pub(crate) fn opens(&self, token: &str) -> [u16; 2] {
        ["GET /books", "GET /oauth/userinfo"]
            .map(|line| self.send(&Request::new(line).bearer(token)).status)
    }
}

/// What came of a code.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: String,
}

impl Tokens {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.raw);
        let value = answer.json();
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), id: text("id_token") }
    }
}

/// Registers a client; gives its secret, or nothing.
#[track_caller]
pub(crate) fn add(house: &House, id: &str, more: &[&str]) -> String {
    house.run(&[&["client", "add", id], more].concat()).good().out.trim().to_owned()
}

/// A session and the cookie of a page's form, as one line.
pub(crate) fn with_form(session: &str, page: &Answer) -> String {
    let set = page.field("set-cookie").unwrap_or_default();
    let pair = set.split(';').next().unwrap_or_default();
    if session.is_empty() {
        return format!("Cookie: {pair}");
    }
    if pair.starts_with("__Host-ringwall-form=") {
        return format!("{session}; {pair}");
    }
    session.to_owned()
}

/// Hidden fields of a page's first form.
pub(crate) fn hidden(page: &str) -> Vec<(String, String)> {
    let form = page.split("<form").nth(1).unwrap_or_default();
    let form = form.split("</form").next().unwrap_or_default();
    let inputs = form.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
    hidden
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&"))
}

/// Parameters with some of them changed; a value of `-` takes one away.
pub(crate) fn changed(plain: &[(&str, &str)], changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let kept = plain.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let new = changes.iter().filter(|(_, value)| *value != "-");
    kept.chain(new).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn set(value: &mut Value, changes: &[(&str, Value)]) {
    let members = value.as_object_mut().unwrap();
    for (name, value) in changes {
        if value.is_null() {
            members.remove(*name);
        } else {
            members.insert((*name).to_owned(), value.clone());
        }
    }
}

/// The form of a question, for other endpoints.
pub(crate) fn question_form(changes: &[(&str, &str)]) -> String {
    form(&borrowed(&Ground::question(changes)))
}
