//! What a client says of itself (RFC 7591 section 2, OpenID Connect Registration section 2): each member is
//! read here or does not count. What only looks good is not kept: a name or a picture that a stranger
//! chose would be shown to people who are to decide about that stranger.

use serde_json::{Map, Value, json};

use crate::clients::{Access, Binding, Grant, IdTokenAlgorithm, NewClient, OFFLINE, Owner, Party};

/// Why it is not taken (RFC 7591 section 3.2.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    pub(crate) error: &'static str,
    pub(crate) why: &'static str,
}

/// Reads it. What `before` has that a client cannot say of itself, stays.
pub(crate) fn read(body: &Map<String, Value>, before: &NewClient) -> Result<NewClient, Fault> {
    let given = Given(body);
    if given.has("software_statement") {
        return Err(Fault {
            error: "unapproved_software_statement",
            why: "no software statement is taken",
        });
    }
    if given.has("jwks_uri") {
        return Err(invalid("the keys come by value, in `jwks`"));
    }
    if given.has("backchannel_logout_uri") || given.has("frontchannel_logout_uri") {
        return Err(invalid("a client that registers itself is not told of logouts"));
    }
    if !matches!(given.text("subject_type")?, None | Some("public")) {
        return Err(invalid("the only `subject_type` is `public`"));
    }
    if !matches!(given.text("application_type")?, None | Some("native" | "web")) {
        return Err(invalid("`application_type` is `web` or `native`"));
    }
    let access = access(&given)?;
    let grants = grants(&given, before)?;
    let redirect_uris = addresses(&given, "redirect_uris")?;
    let for_people = grants.contains(&Grant::AuthorizationCode);
    if for_people && redirect_uris.is_empty() {
        return Err(Fault { error: "invalid_redirect_uri", why: "`redirect_uris` is missing" });
    }
    response_types(&given, for_people)?;
    let is_bound = given.is("tls_client_certificate_bound_access_tokens")?;
    Ok(NewClient {
        access,
        redirect_uris,
        post_logout_uris: addresses(&given, "post_logout_redirect_uris")?,
        scopes: scopes(&given, &grants, before)?,
        grants,
        id_token: match given.text("id_token_signed_response_alg")? {
            None | Some("ES256") => IdTokenAlgorithm::Es256,
            Some("RS256") => IdTokenAlgorithm::Rs256,
            Some(_) => return Err(invalid("ID tokens are signed by ES256 or RS256")),
        },
        // What it is held to it does not get rid of by itself.
        requires_dpop: given.is("dpop_bound_access_tokens")? || before.requires_dpop,
        requires_par: given.is("require_pushed_authorization_requests")? || before.requires_par,
        binding: if is_bound { Binding::Certificate } else { before.binding },
        party: Party::Third,
        owner: Owner::Registration,
        ..before.clone()
    })
}

/// What it is now, in the words of the same specifications.
pub(crate) fn shown(settings: &NewClient, method: Option<&str>) -> Value {
    let grants: Vec<&str> = settings.grants.iter().map(|grant| grant.name()).collect();
    let for_people = settings.grants.contains(&Grant::AuthorizationCode);
    let response_types: &[&str] = if for_people { &["code"] } else { &[] };
    let mut body = json!({
        "client_id": settings.id,
        "token_endpoint_auth_method": method.unwrap_or(match settings.access {
            Access::Public => "none",
            Access::Key(_) => "private_key_jwt",
            _ => "client_secret_basic",
        }),
        "grant_types": grants,
        "response_types": response_types,
        "redirect_uris": settings.redirect_uris,
        "scope": settings.scopes.join(" "),
        "subject_type": "public",
        "id_token_signed_response_alg": match settings.id_token {
            IdTokenAlgorithm::Es256 => "ES256",
            IdTokenAlgorithm::Rs256 => "RS256",
        },
        "dpop_bound_access_tokens": settings.requires_dpop,
        "require_pushed_authorization_requests": settings.requires_par,
        "tls_client_certificate_bound_access_tokens": settings.binding == Binding::Certificate,
    });
    if let Some(members) = body.as_object_mut() {
        if !settings.post_logout_uris.is_empty() {
            let uris = settings.post_logout_uris.clone();
            members.insert("post_logout_redirect_uris".to_owned(), uris.into());
        }
        if let Access::Key(jwks) = &settings.access {
            let jwks = serde_json::from_str(jwks).unwrap_or_default();
            members.insert("jwks".to_owned(), jwks);
        }
    }
    body
}

type Words<'a> = Vec<&'a str>;

/// What came.
struct Given<'a>(&'a Map<String, Value>);

impl Given<'_> {
    /// RFC 7592 section 2.2: what is null is left out.
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Fault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(KIND),
        }
    }

    fn is(&self, name: &str) -> Result<bool, Fault> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(is)) => Ok(*is),
            Some(_) => Err(KIND),
        }
    }

    fn list(&self, name: &str) -> Result<Option<Words<'_>>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let items = value.as_array().filter(|items| items.len() <= ITEMS_MAX).ok_or(KIND)?;
        let texts: Option<Words<'_>> = items.iter().map(Value::as_str).collect();
        texts.map(Some).ok_or(KIND)
    }
}

fn access(given: &Given<'_>) -> Result<Access, Fault> {
    let keys = given.get("jwks");
    let method = given.text("token_endpoint_auth_method")?.unwrap_or("client_secret_basic");
    match (method, keys) {
        ("private_key_jwt", Some(Value::Object(jwks))) => {
            Ok(Access::Key(Value::Object(jwks.clone()).to_string()))
        }
        ("private_key_jwt", _) => Err(invalid("`private_key_jwt` needs `jwks`, an object")),
        (_, Some(_)) => Err(invalid("`jwks` goes with `private_key_jwt`")),
        ("none", None) => Ok(Access::Public),
        ("client_secret_basic" | "client_secret_post", None) => Ok(Access::Secret),
        _ => Err(invalid("no such `token_endpoint_auth_method` for who registers itself")),
    }
}

fn grants(given: &Given<'_>, before: &NewClient) -> Result<Vec<Grant>, Fault> {
    let named = given.list("grant_types")?.unwrap_or(vec!["authorization_code"]);
    let mut grants = Vec::new();
    for name in named {
        let grant = Grant::parse(name);
        let grant = grant.filter(|grant| OPEN.contains(grant) || before.grants.contains(grant));
        let grant = grant.ok_or(invalid("a `grant_type` is not for who registers itself"))?;
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    if grants.iter().any(|grant| *grant != Grant::RefreshToken) {
        return Ok(grants);
    }
    Err(invalid("no `grant_type` by which it gets a first token"))
}

/// RFC 7591 section 2.1: the two lists are about the same.
fn response_types(given: &Given<'_>, for_people: bool) -> Result<(), Fault> {
    let Some(named) = given.list("response_types")? else { return Ok(()) };
    let is_code = named == ["code"];
    if (for_people && is_code) || (!for_people && named.is_empty()) {
        return Ok(());
    }
    Err(invalid("`response_types` is `code`, for the grant `authorization_code`"))
}

fn addresses(given: &Given<'_>, name: &str) -> Result<Vec<String>, Fault> {
    let uris = given.list(name)?.unwrap_or_default();
    if uris.iter().any(|uri| uri.len() > URI_BYTES_MAX) {
        return Err(Fault { error: "invalid_redirect_uri", why: "an address is too long" });
    }
    Ok(uris.into_iter().map(str::to_owned).collect())
}

fn scopes(given: &Given<'_>, grants: &[Grant], before: &NewClient) -> Result<Vec<String>, Fault> {
    let Some(text) = given.text("scope")? else {
        let offline = grants.contains(&Grant::RefreshToken).then_some(OFFLINE);
        return Ok(["openid", "profile"].into_iter().chain(offline).map(str::to_owned).collect());
    };
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        let is_open = SCOPES.contains(&scope) || before.scopes.iter().any(|had| had == scope);
        if !is_open {
            return Err(invalid("a scope is not for who registers itself"));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}

const fn invalid(why: &'static str) -> Fault {
    Fault { error: "invalid_client_metadata", why }
}

/// What a client may use that nobody vouches for: always for a person, who is asked.
const OPEN: [Grant; 3] = [Grant::AuthorizationCode, Grant::DeviceCode, Grant::RefreshToken];
const SCOPES: [&str; 3] = ["openid", "profile", OFFLINE];

const KIND: Fault = invalid("a member is not of its kind, or too long");
const ITEMS_MAX: usize = 10;
const URI_BYTES_MAX: usize = 2_048;
