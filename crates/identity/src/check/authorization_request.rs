//! What an authorization request asks for, read once: at the front door, and where it is pushed.

use std::time::Duration;

use ringwall_base::Tenant;
use ringwall_jose::base64url_decode;

use crate::check::{challenge, resource, scope};
use crate::clients::Client;
use crate::form::Form;
use crate::people::login_name;
use crate::step_up::asks_for_two;

/// A request that is well-formed and within what the client registered.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationRequest {
    pub(crate) challenge: String,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    /// `dpop_jkt`: the key that must be proved with the code.
    pub(crate) jkt: Option<String>,
    /// The oldest acceptable sign-in.
    pub(crate) age_max: Duration,
    pub(crate) prompt: Prompt,
    /// The client's own, `organization`, or that of `login_hint`: nobody of another one answers.
    pub(crate) organisation: Option<Tenant>,
    /// `acr_values`: whether nothing less than two factors will do.
    pub(crate) wants_two: bool,
}

/// `prompt` (OpenID Connect Core section 3.1.2.1). Without one, a page is shown if it is needed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Prompt {
    /// `none`: no page at all, so that it goes with nothing else.
    pub(crate) is_silent: bool,
    /// `login`, or `select_account`, which is the same as there is one account in a session.
    pub(crate) signs_in: bool,
    /// `consent`.
    pub(crate) asks_consent: bool,
}

/// An error for the client (RFC 6749 section 4.1.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    pub(crate) error: &'static str,
    pub(crate) why: &'static str,
}

pub(crate) fn authorization_request(
    issuer: &str,
    client: &Client,
    form: &Form,
) -> Result<AuthorizationRequest, Fault> {
    response_type(form)?;
    let is_long = |name| form.get(name).is_some_and(|value| value.len() > 512);
    if is_long("state") || is_long("nonce") {
        return Err(invalid("state or nonce is too long"));
    }
    if !resource(issuer, form) {
        return Err(Fault {
            error: "invalid_target",
            why: "the resource is not behind this server",
        });
    }
    Ok(AuthorizationRequest {
        challenge: challenge(form).map_err(invalid)?,
        scope: scope(client, form)
            .ok_or(Fault { error: "invalid_scope", why: "a scope is not the client's" })?,
        nonce: form.get("nonce").map(str::to_owned),
        jkt: dpop_jkt(form)?,
        age_max: age_max(form)?,
        prompt: prompt(form)?,
        organisation: organisation(client, form)?,
        wants_two: form.get("acr_values").is_some_and(asks_for_two),
    })
}

fn response_type(form: &Form) -> Result<(), Fault> {
    if form.get("request").is_some() {
        return Err(Fault { error: "request_not_supported", why: "request is not supported" });
    }
    if form.get("request_uri").is_some() {
        let why = "request_uri is not supported";
        return Err(Fault { error: "request_uri_not_supported", why });
    }
    // Tokens never travel through a browser's address bar: no implicit, no hybrid.
    if form.get("response_type") != Some("code") {
        let why = "response_type must be code";
        return Err(Fault { error: "unsupported_response_type", why });
    }
    match form.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err(invalid("response_mode must be query")),
    }
}

/// The key that the code will be bound to, so that who steals it needs the key, too.
fn dpop_jkt(form: &Form) -> Result<Option<String>, Fault> {
    let Some(jkt) = form.get("dpop_jkt") else { return Ok(None) };
    let is_hash = base64url_decode(jkt).is_some_and(|bytes| bytes.len() == 32);
    if is_hash { Ok(Some(jkt.to_owned())) } else { Err(invalid("dpop_jkt is malformed")) }
}

fn age_max(form: &Form) -> Result<Duration, Fault> {
    let Some(text) = form.get("max_age") else { return Ok(Duration::MAX) };
    let secs = text.parse::<u32>().map_err(|_text| invalid("max_age is not a number"))?;
    Ok(Duration::from_secs(u64::from(secs)))
}

/// Whether there is such an organisation is not said: nobody can sign in to one that is not.
fn organisation(client: &Client, form: &Form) -> Result<Option<Tenant>, Fault> {
    let asked = asked_for(form)?;
    let own = client.settings.organisation.as_deref().and_then(Tenant::parse);
    match (&own, &asked) {
        // A hint is no more than that.
        (Some(own), Some(asked)) if own != asked && form.get("organization").is_some() => {
            Err(invalid("the client is of another organization"))
        }
        _ => Ok(own.or(asked)),
    }
}

fn asked_for(form: &Form) -> Result<Option<Tenant>, Fault> {
    if let Some(slug) = form.get("organization") {
        let tenant = Tenant::parse(slug).ok_or(invalid("organization is malformed"))?;
        return Ok(Some(tenant));
    }
    // An address may have a slash, too: such a hint is no name of an organisation's.
    let hint = form.get("login_hint").filter(|hint| hint.contains('/') && !hint.contains('@'));
    Ok(hint.and_then(login_name).map(|name| name.organisation))
}

fn prompt(form: &Form) -> Result<Prompt, Fault> {
    let mut prompt = Prompt::default();
    let words = form.get("prompt").unwrap_or_default().split(' ');
    for word in words.filter(|word| !word.is_empty()) {
        match word {
            "none" => prompt.is_silent = true,
            "login" | "select_account" => prompt.signs_in = true,
            "consent" => prompt.asks_consent = true,
            _ => return Err(invalid("unknown prompt")),
        }
    }
    if prompt.is_silent && (prompt.signs_in || prompt.asks_consent) {
        return Err(invalid("prompt none goes with no other"));
    }
    Ok(prompt)
}

const fn invalid(why: &'static str) -> Fault {
    Fault { error: "invalid_request", why }
}
