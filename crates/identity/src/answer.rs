//! From a request to an endpoint, and from a refusal to a response: both in one place.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode};
use ringwall_base::{ClientCertificate, Timestamp};
use serde_json::json;

use crate::admin;
use crate::check::{Redirect, claimed_client, is_written};
use crate::clients::TokenFormat;
use crate::cors::{self, Readers};
use crate::endpoint::{
    account, authorize, callback, consent, device, device_authorization, discovery, end_session,
    introspect, invite, jwks, login, logout, par, passkey, register, reset, revocations, revoke,
    script, token, upstream, userinfo, verify_email,
};
use crate::form::Form;
use crate::identity::House;
use crate::page;
use crate::refresh;
use crate::settings::Settings;
use crate::texts::Language;

/// A response of ours: small and whole.
pub(crate) type Reply = Response<Bytes>;

/// A request, and where it came from.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) peer: IpAddr,
    pub(crate) request: Request<Bytes>,
    /// When it came: before anything was checked for it. What is revoked from then on takes with it
    /// what is given here.
    pub(crate) asked: Timestamp,
    is_known: Cell<bool>,
}

/// A mark on answers: whoever asked has proved to be known to us, or the answer lay ready. Such a
/// request is no part of a flood of strangers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Known;

impl Call {
    /// Notes that the caller has proved to be known.
    pub(crate) fn know(&self) {
        self.is_known.set(true);
    }

    /// Whether the caller has proved to be known.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known.get()
    }

    /// The certificate that the connection showed. Not a header: only the gateway can put it here.
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        self.request.extensions().get::<Arc<ClientCertificate>>().map(Arc::as_ref)
    }

    /// What the person reads.
    pub(crate) fn language(&self) -> Language {
        let query = self.request.uri().query().unwrap_or_default();
        let query = Form::parse(query.as_bytes()).unwrap_or_default();
        let named = query.get("ui_locales").and_then(Language::named);
        named.unwrap_or_else(|| Language::of(self.request.headers()))
    }
}

/// Why an endpoint gives no normal answer. Who learns of it is in the type.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// To the client application, as JSON (RFC 6749 section 5.2). Fixed texts: nothing of the input
    /// can be in them (attack T9).
    Client { status: StatusCode, error: &'static str, why: &'static str },
    /// To the client application, through the browser. Needs a redirect URI that was checked.
    Redirect { to: Box<Redirect>, error: &'static str, why: &'static str },
    /// To the person: there is nobody else whom we could trust with it.
    Person { status: StatusCode, why: &'static str },
    /// To who asked without a token: how to come with one (RFC 6750 section 3.1).
    NoToken,
    /// Ours to repair; the cause is in the log.
    Unavailable,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Endpoint {
    Account,
    Admin,
    Authorize,
    Consent,
    Callback,
    Device,
    DeviceAuthorization,
    Discovery,
    EndSession,
    Introspect,
    Invite,
    Jwks,
    Login,
    Logout,
    Par,
    Register,
    Revocations,
    Reset,
    Revoke,
    Script,
    Token,
    Upstream,
    Userinfo,
    VerifyEmail,
}

pub(crate) const AUTHORIZE: &str = "/oauth/authorize";
pub(crate) const CONSENT: &str = "/oauth/consent";
pub(crate) const CALLBACK: &str = "/oauth/callback";
pub(crate) const UPSTREAM: &str = "/oauth/upstream";
pub(crate) const DEVICE: &str = "/oauth/device";
pub(crate) const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
pub(crate) const END_SESSION: &str = "/oauth/end_session";
pub(crate) const EMAIL: &str = "/oauth/email";
pub(crate) const INVITE: &str = "/oauth/invite";
pub(crate) const RESET: &str = "/oauth/reset";
pub(crate) const INTROSPECT: &str = "/oauth/introspect";
pub(crate) const JWKS: &str = "/oauth/jwks";
pub(crate) const PAR: &str = "/oauth/par";
pub(crate) const PASSKEY_SCRIPT: &str = "/oauth/passkey.js";
pub(crate) const REGISTER: &str = "/oauth/register";
pub(crate) const REVOCATIONS: &str = "/oauth/revocations";
pub(crate) const REVOKE: &str = "/oauth/revoke";
pub(crate) const TOKEN: &str = "/oauth/token";
pub(crate) const USERINFO: &str = "/oauth/userinfo";
const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// Answers; never fails, never panics.
pub(crate) async fn answer(house: &Arc<House>, peer: IpAddr, request: Request<Bytes>) -> Reply {
    let path = request.uri().path();
    let endpoint = Endpoint::of(&house.settings, path).or_else(|| Endpoint::opened(house, path));
    let Some(endpoint) = endpoint else {
        let refusal = Refusal::Person { status: StatusCode::NOT_FOUND, why: "No such page." };
        return refuse(house, Language::of(request.headers()), refusal);
    };
    if let Some(reply) = cors::preflight(house, endpoint.readers(), &request) {
        return reply;
    }
    let reader = cors::allowed(house, endpoint.readers(), &request);
    let asked = house.seams.clock.now();
    let call = Call { peer, request, asked, is_known: Cell::new(false) };
    let mut reply = reply(house, endpoint, call).await;
    if let Some(origin) = reader {
        cors::open(&mut reply, origin);
    }
    reply
}

async fn reply(house: &Arc<House>, endpoint: Endpoint, call: Call) -> Reply {
    if endpoint.stays_in_memory(house, &call) {
        return run(house, endpoint, &call);
    }
    let mut permit = None;
    if endpoint.hashes(&call) {
        // Hashes are heavy: a bounded number at a time, and a queue that gives up (attack U10).
        let turn = Arc::clone(&house.hashing).acquire_owned();
        match tokio::time::timeout(house.settings.hash_wait, turn).await {
            Ok(Ok(turn)) => permit = Some(turn),
            Ok(Err(_)) | Err(_) => return busy(),
        }
    }
    let house = Arc::clone(house);
    let work = tokio::task::spawn_blocking(move || {
        let reply = run(&house, endpoint, &call);
        // Held until the hash is done, also when the client hung up meanwhile.
        drop(permit);
        reply
    });
    work.await.unwrap_or_else(|_stopped| busy())
}

/// The paths that [`answer`] knows.
pub(crate) fn paths(settings: &Settings) -> Vec<String> {
    let own = [&settings.login_path, &settings.logout_path, &settings.account_path];
    let mut paths = own.map(Clone::clone).to_vec();
    let fixed = [
        AUTHORIZE,
        CONSENT,
        CALLBACK,
        DEVICE,
        DEVICE_AUTHORIZATION,
        END_SESSION,
        EMAIL,
        INTROSPECT,
        INVITE,
        JWKS,
        PAR,
        PASSKEY_SCRIPT,
        REVOCATIONS,
        RESET,
        REVOKE,
        TOKEN,
        UPSTREAM,
        USERINFO,
        OPENID,
        OAUTH,
    ];
    paths.extend(fixed.map(str::to_owned));
    paths
}

fn run(house: &House, endpoint: Endpoint, call: &Call) -> Reply {
    let result = match endpoint {
        Endpoint::Account => account::answer(house, call),
        Endpoint::Admin => Ok(admin::answer(house, call)),
        Endpoint::Authorize => authorize::answer(house, call),
        Endpoint::Consent => consent::answer(house, call),
        Endpoint::Callback => callback::answer(house, call),
        Endpoint::Device => device::answer(house, call),
        Endpoint::DeviceAuthorization => device_authorization::answer(house, call),
        Endpoint::Discovery => discovery::answer(house, call),
        Endpoint::EndSession => end_session::answer(house, call),
        Endpoint::Introspect => introspect::answer(house, call),
        Endpoint::Invite => invite::answer(house, call),
        Endpoint::Jwks => jwks::answer(house, call),
        Endpoint::Login => login::answer(house, call),
        Endpoint::Logout => logout::answer(house, call),
        Endpoint::Par => par::answer(house, call),
        Endpoint::Register => register::answer(house, call),
        Endpoint::Revocations => revocations::answer(house, call),
        Endpoint::Reset => reset::answer(house, call),
        Endpoint::Revoke => revoke::answer(house, call),
        Endpoint::Script => script::answer(call),
        Endpoint::Token => token::answer(house, call),
        Endpoint::Upstream => upstream::answer(house, call),
        Endpoint::Userinfo => userinfo::answer(house, call),
        Endpoint::VerifyEmail => verify_email::answer(house, call),
    };
    let is_good = result.is_ok();
    let mut reply = result.unwrap_or_else(|refusal| refuse(house, call.language(), refusal));
    let lay_ready = matches!(endpoint, Endpoint::Discovery | Endpoint::Jwks | Endpoint::Script);
    if is_good && (lay_ready || call.is_known()) {
        reply.extensions_mut().insert(Known);
    }
    if reply.status() == StatusCode::METHOD_NOT_ALLOWED {
        // The admin API's routes know better.
        let methods = HeaderValue::from_static(endpoint.methods());
        reply.headers_mut().entry(ALLOW).or_insert(methods);
    }
    // RFC 9449 section 8.2: whoever proves a key learns the nonce for the next proof.
    let is_proved = matches!(endpoint, Endpoint::Par | Endpoint::Token);
    if is_proved && call.request.headers().contains_key("dpop") {
        let nonce = HeaderValue::from_str(&house.nonces.current(house.seams.clock.now()));
        reply.headers_mut().extend(nonce.map(|nonce| (DPOP_NONCE, nonce)));
    }
    reply
}

impl Endpoint {
    fn of(settings: &Settings, path: &str) -> Option<Self> {
        if path == settings.login_path {
            return Some(Self::Login);
        }
        if path == settings.logout_path {
            return Some(Self::Logout);
        }
        if path == settings.account_path {
            return Some(Self::Account);
        }
        Some(match path {
            AUTHORIZE => Self::Authorize,
            CONSENT => Self::Consent,
            CALLBACK => Self::Callback,
            DEVICE => Self::Device,
            DEVICE_AUTHORIZATION => Self::DeviceAuthorization,
            END_SESSION => Self::EndSession,
            EMAIL => Self::VerifyEmail,
            INTROSPECT => Self::Introspect,
            INVITE => Self::Invite,
            JWKS => Self::Jwks,
            PAR => Self::Par,
            PASSKEY_SCRIPT => Self::Script,
            REVOCATIONS => Self::Revocations,
            RESET => Self::Reset,
            REVOKE => Self::Revoke,
            TOKEN => Self::Token,
            UPSTREAM => Self::Upstream,
            USERINFO => Self::Userinfo,
            OPENID | OAUTH => Self::Discovery,
            _ => return None,
        })
    }

    /// What the manifest opens.
    fn opened(house: &House, path: &str) -> Option<Self> {
        let is_open = house.powers.load().claim(path);
        is_open.then(|| if path.starts_with(REGISTER) { Self::Register } else { Self::Admin })
    }

    /// Whether a request may carry a password. On the login page one with a passkey carries none,
    /// and does not wait behind those who guess.
    fn hashes(self, call: &Call) -> bool {
        let (method, path) = (call.request.method(), call.request.uri().path());
        match self {
            Self::Account | Self::Invite | Self::Reset => method == Method::POST,
            Self::Admin => admin::hashes(method, path),
            Self::Login => {
                let form = Form::parse(call.request.body());
                method == Method::POST && !form.is_ok_and(|form| passkey::is_given(&form))
            }
            _ => false,
        }
    }

    /// What it answers (RFC 9110 section 15.5.6).
    fn methods(self) -> &'static str {
        match self {
            Self::Discovery | Self::Jwks => "GET, HEAD",
            Self::Register => "DELETE, GET, POST, PUT",
            Self::DeviceAuthorization
            | Self::Introspect
            | Self::Par
            | Self::Revocations
            | Self::Revoke
            | Self::Token => "POST",
            _ => "GET, POST",
        }
    }

    /// Who may read the answer from another site's page.
    fn readers(self) -> Readers {
        match self {
            Self::Discovery | Self::Jwks => Readers::Everybody,
            Self::DeviceAuthorization | Self::Par | Self::Revoke | Self::Token | Self::Userinfo => {
                Readers::Applications
            }
            _ => Readers::Nobody,
        }
    }

    /// Whether the answer needs neither the disk nor a password hash.
    fn stays_in_memory(self, house: &House, call: &Call) -> bool {
        match self {
            Self::Discovery | Self::Jwks | Self::Script | Self::Userinfo => true,
            Self::Introspect => Form::parse(call.request.body()).is_ok_and(|form| {
                let is_refresh = form.get("token").is_some_and(refresh::is_refresh_token);
                !is_refresh && !is_written(house, call, &form)
            }),
            Self::Revocations => {
                Form::parse(call.request.body()).is_ok_and(|form| !is_written(house, call, &form))
            }
            Self::Token => Form::parse(call.request.body()).is_ok_and(|form| {
                let is_programs = form.get("grant_type") == Some("client_credentials");
                // An opaque token is written down.
                is_programs && !is_for_opaque(house, call, &form) && !is_written(house, call, &form)
            }),
            Self::Account
            | Self::Admin
            | Self::Authorize
            | Self::Consent
            | Self::Callback
            | Self::Device
            | Self::DeviceAuthorization
            | Self::EndSession
            | Self::Invite
            | Self::Login
            | Self::Logout
            | Self::Par
            | Self::Register
            | Self::Reset
            | Self::Revoke
            | Self::Upstream
            | Self::VerifyEmail => false,
        }
    }
}

/// Whether the client that the request claims to be from gets opaque tokens.
fn is_for_opaque(house: &House, call: &Call, form: &Form) -> bool {
    let claimed = house.clients.has_opaque().then(|| claimed_client(call, form)).flatten();
    let client = claimed.and_then(|id| house.clients.get(&id));
    client.is_some_and(|client| client.settings.token_format == TokenFormat::Opaque)
}

impl Refusal {
    /// 400 with an error of RFC 6749 section 5.2.
    pub(crate) const fn client(error: &'static str, why: &'static str) -> Self {
        Self::Client { status: StatusCode::BAD_REQUEST, error, why }
    }

    /// The client did not prove who it is: one text for all reasons.
    pub(crate) const fn invalid_client() -> Self {
        Self::Client {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_client",
            why: "client authentication failed",
        }
    }

    pub(crate) const fn person(why: &'static str) -> Self {
        Self::Person { status: StatusCode::BAD_REQUEST, why }
    }

    pub(crate) const fn method() -> Self {
        Self::Client {
            status: StatusCode::METHOD_NOT_ALLOWED,
            error: "invalid_request",
            why: "method not allowed",
        }
    }

    /// Keeps the cause for the operator, and lets nothing of it out.
    pub(crate) fn unavailable(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(cause, "identity cannot answer");
        Self::Unavailable
    }
}

impl<E: Ours> From<E> for Refusal {
    fn from(cause: E) -> Self {
        Self::unavailable(&cause)
    }
}

/// Failures that are ours to repair.
pub(crate) trait Ours: std::error::Error + 'static {}

impl Ours for crate::PeopleError {}
impl Ours for refresh::RefreshError {}
impl Ours for crate::sessions::SessionError {}
impl Ours for crate::pushed::PushError {}
impl Ours for ringwall_base::SignError {}
impl Ours for ringwall_base::SinkError {}
impl Ours for ringwall_store::StoreError {}
impl Ours for std::io::Error {}

fn refuse(house: &House, language: Language, refusal: Refusal) -> Reply {
    match refusal {
        Refusal::Client { status, error, why } => {
            let mut reply = json_reply(status, &json!({"error": error, "error_description": why}));
            let challenge = match (status, error) {
                (StatusCode::UNAUTHORIZED, "invalid_client") => Some("Basic realm=\"ringwall\""),
                (StatusCode::UNAUTHORIZED, "invalid_dpop_proof") => Some(PROOF),
                (StatusCode::UNAUTHORIZED, _) => Some(TOKEN_OR_PROOF),
                _ => None,
            };
            if let Some(challenge) = challenge {
                let value = HeaderValue::from_static(challenge);
                reply.headers_mut().insert(WWW_AUTHENTICATE, value);
            }
            reply
        }
        Refusal::Redirect { to, error, why } => {
            to.reply(&house.settings.issuer, &[("error", error), ("error_description", why)])
        }
        Refusal::Person { status, why } => page::message(status, language, why),
        Refusal::NoToken => {
            let mut reply = plain(StatusCode::UNAUTHORIZED, Bytes::new());
            reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(ANY_TOKEN));
            reply
        }
        Refusal::Unavailable => busy(),
    }
}

fn busy() -> Reply {
    let body = json!({"error": "temporarily_unavailable"});
    let mut reply = json_reply(StatusCode::SERVICE_UNAVAILABLE, &body);
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    reply
}

/// A JSON response that nobody keeps.
pub(crate) fn json_reply(status: StatusCode, body: &serde_json::Value) -> Reply {
    let mut reply = plain(status, Bytes::from(body.to_string()));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// 303: a form is never sent again to another host (attack A11).
pub(crate) fn see_other(location: &str) -> Reply {
    let mut reply = plain(StatusCode::SEE_OTHER, Bytes::new());
    // What is no header value was not checked: go nowhere else than home.
    let location =
        HeaderValue::from_str(location).unwrap_or_else(|_| HeaderValue::from_static("/"));
    reply.headers_mut().insert(LOCATION, location);
    reply
}

pub(crate) fn plain(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    for (name, value) in EVERYWHERE {
        reply.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    reply
}

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// RFC 9449 section 7.1.
const PROOF: &str = "DPoP error=\"invalid_dpop_proof\", algs=\"ES256 EdDSA Ed25519\"";
pub(crate) const ANY_TOKEN: &str = "Bearer, DPoP algs=\"ES256 EdDSA Ed25519\"";
pub(crate) const TOKEN_OR_PROOF: &str =
    "Bearer error=\"invalid_token\", DPoP algs=\"ES256 EdDSA Ed25519\"";

const EVERYWHERE: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("pragma", "no-cache"),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
];
