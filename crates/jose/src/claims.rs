//! What a verified token says. Only [`crate::KeySet::verify`] makes these from a token.

use std::collections::BTreeMap;
use std::time::Duration;

use ringwall_base::{Tenant, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::base64url;
use crate::verify::VerifyError;

/// An access token's claims (RFC 9068 section 2.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccessClaims {
    /// `iss`.
    pub issuer: String,
    /// `sub`: a person's id, or the client's own id for a program.
    pub subject: String,
    /// `aud`.
    pub audience: String,
    /// `client_id`.
    pub client_id: String,
    /// `exp`.
    pub expires: Timestamp,
    /// `iat`, and the microseconds of that second in `iat_us`: whether a token is from before or after
    /// a revocation is decided within the second.
    pub issued: Timestamp,
    /// `jti`.
    pub token_id: String,
    /// `scope`, cut at spaces.
    pub scopes: Vec<String>,
    /// `sid`: the public id of the login session.
    pub session: Option<String>,
    /// `gid`: the grant, for as long as it is refreshed.
    pub grant: Option<String>,
    /// `auth_time`.
    pub authenticated_at: Option<Timestamp>,
    /// `roles`, as given to the account (not expanded).
    pub roles: Vec<String>,
    /// `name`: the login name.
    pub name: Option<String>,
    /// `tenant`: the organisation of the person or program.
    pub organisation: Tenant,
    /// All other claims.
    pub extra: Map<String, Value>,
}

impl AccessClaims {
    /// Whether a program holds this token, and no person is behind it.
    pub fn is_program(&self) -> bool {
        self.subject == self.client_id
    }
}

/// The claims of an access token that is bound to a key or a certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundClaims {
    /// What it says, once the key is proved.
    pub access: AccessClaims,
    /// `cnf`: what must be proved.
    pub confirmation: Confirmation,
}

/// What must be proved by whoever uses a token (RFC 7800): one thing, never a choice of two.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub enum Confirmation {
    /// The certificate of the connection: its SHA-256 in base64url (RFC 8705 section 3.1).
    #[serde(rename = "x5t#S256")]
    Certificate(String),
    /// A key: its thumbprint (RFC 9449 section 6.1).
    #[serde(rename = "jkt")]
    Key(String),
}

/// The claims of `rw-int+jwt`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InternalClaims {
    /// `iss`: `ringwall:NAME`.
    pub issuer: String,
    /// `aud`: the service that is called.
    pub audience: String,
    /// `sub`: the person, `service:NAME` or `anonymous`.
    pub subject: String,
    /// `exp`.
    pub expires: Timestamp,
    /// `iat`.
    pub issued: Timestamp,
    /// `jti`: the id of the request that the token was signed for; equal ones may share it.
    pub request: String,
    /// `name`: the person's login name.
    pub name: Option<String>,
    /// `tenant`: the organisation of the person or program.
    pub organisation: Tenant,
    /// `roles`, includes expanded.
    pub roles: Vec<String>,
    /// `act`: the service that called.
    pub actor: Option<Actor>,
    /// `op`: the operation that was permitted.
    pub operation: String,
    /// `own`: permitted for the person's own objects only.
    pub own: bool,
    /// `htm`: the request's method.
    pub method: String,
    /// `htu`: the request's path, as sent to the app.
    pub path: String,
    /// All other claims.
    pub extra: Map<String, Value>,
}

/// Who acts for the subject (RFC 8693 section 4.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Actor {
    /// `service:NAME`.
    pub subject: String,
}

/// The claims of an ID token (OpenID Connect Core section 2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdClaims {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`: the client.
    pub audience: String,
    /// `exp`.
    pub expires: Timestamp,
    /// `iat`.
    pub issued: Timestamp,
    /// `nonce`.
    pub nonce: Option<String>,
    /// All other claims.
    pub extra: Map<String, Value>,
}

/// The claims of a logout token (OpenID Connect Back-Channel Logout section 2.4).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogoutClaims {
    /// `iss`.
    pub issuer: String,
    /// `aud`: the client.
    pub audience: String,
    /// `jti`.
    pub token_id: String,
    /// `sub`.
    pub subject: Option<String>,
    /// `sid`.
    pub session: Option<String>,
    /// All other claims.
    pub extra: Map<String, Value>,
}

/// The claims of a client's assertion (RFC 7523 section 3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssertionClaims {
    /// `iss` and `sub`: the client id.
    pub client_id: String,
    /// `aud`: our issuer.
    pub audience: String,
    /// `exp`: remember `jti` until then.
    pub expires: Timestamp,
    /// `iat`, if there is one.
    pub issued: Option<Timestamp>,
    /// `jti`: used once.
    pub token_id: String,
    /// All other claims.
    pub extra: Map<String, Value>,
}

impl AccessClaims {
    pub(crate) fn read(mut claims: Claims) -> Result<Self, VerifyError> {
        // A bound token is worth nothing without its proof: see [`BoundClaims`].
        if claims.has("cnf") {
            return Err(VerifyError::Bound);
        }
        Ok(Self {
            issuer: claims.take_text("iss")?,
            subject: claims.take_text("sub")?,
            audience: claims.take_text("aud")?,
            client_id: claims.take_text("client_id")?,
            expires: claims.take_time("exp")?,
            issued: claims.take_issued()?,
            token_id: claims.take_text("jti")?,
            scopes: claims
                .take_optional_text("scope")?
                .map(|scope| scope.split_ascii_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            session: claims.take_optional_text("sid")?,
            grant: claims.take_optional_text("gid")?,
            authenticated_at: claims.optional_time("auth_time")?,
            roles: claims.take_list("roles")?,
            name: claims.take_optional_text("name")?,
            organisation: claims.take_tenant()?,
            extra: claims.rest(),
        })
    }
}

impl BoundClaims {
    pub(crate) fn read(mut claims: Claims) -> Result<Self, VerifyError> {
        let confirmation = match claims.members.remove("cnf") {
            Some(Value::Object(cnf)) => Confirmation::read(cnf),
            Some(_) | None => None,
        };
        let confirmation = confirmation.ok_or(VerifyError::Claim("cnf"))?;
        Ok(Self { access: AccessClaims::read(claims)?, confirmation })
    }
}

impl Confirmation {
    /// A second way of binding that we do not check would be a promise that nobody keeps.
    fn read(members: Map<String, Value>) -> Option<Self> {
        let mut members = members.into_iter();
        let (Some((name, Value::String(text))), None) = (members.next(), members.next()) else {
            return None;
        };
        match name.as_str() {
            "jkt" => is_text(&text).then_some(Self::Key(text)),
            "x5t#S256" => {
                let is_hash = base64url::decode(&text).is_some_and(|hash| hash.len() == 32);
                is_hash.then_some(Self::Certificate(text))
            }
            _ => None,
        }
    }
}

impl InternalClaims {
    pub(crate) fn read(mut claims: Claims) -> Result<Self, VerifyError> {
        Ok(Self {
            issuer: claims.take_text("iss")?,
            audience: claims.take_text("aud")?,
            subject: claims.take_text("sub")?,
            expires: claims.take_time("exp")?,
            issued: claims.take_time("iat")?,
            request: claims.take_text("jti")?,
            name: claims.take_optional_text("name")?,
            organisation: claims.take_tenant()?,
            roles: claims.take_list("roles")?,
            actor: claims.take_actor()?,
            operation: claims.take_text("op")?,
            own: claims.take_bool("own")?,
            method: claims.take_text("htm")?,
            path: claims.take_text("htu")?,
            extra: claims.rest(),
        })
    }
}

impl IdClaims {
    pub(crate) fn read(mut claims: Claims) -> Result<Self, VerifyError> {
        // A list has been checked to be one entry, where the profile allows one.
        let listed = claims.only_entry("aud").map(str::to_owned);
        let audience = listed.map_or_else(|| claims.take_text("aud"), Ok)?;
        Ok(Self {
            issuer: claims.take_text("iss")?,
            subject: claims.take_text("sub")?,
            audience,
            expires: claims.take_time("exp")?,
            issued: claims.take_time("iat")?,
            nonce: claims.take_optional_text("nonce")?,
            extra: claims.rest(),
        })
    }
}

impl LogoutClaims {
    pub(crate) fn read(mut claims: Claims) -> Result<Self, VerifyError> {
        // Section 2.4: a `nonce` is prohibited, so that an ID token is never a logout token.
        if claims.has("nonce") {
            return Err(VerifyError::Claim("nonce"));
        }
        let events = claims.members.get("events").and_then(Value::as_object);
        if events.is_none_or(|events| !events.contains_key(LOGOUT_EVENT)) {
            return Err(VerifyError::Claim("events"));
        }
        let read = Self {
            issuer: claims.take_text("iss")?,
            audience: claims.take_text("aud")?,
            token_id: claims.take_text("jti")?,
            subject: claims.take_optional_text("sub")?,
            session: claims.take_optional_text("sid")?,
            extra: claims.rest(),
        };
        if read.subject.is_none() && read.session.is_none() {
            return Err(VerifyError::Claim("sub"));
        }
        Ok(read)
    }
}

impl AssertionClaims {
    pub(crate) fn read(mut claims: Claims) -> Result<Self, VerifyError> {
        let client_id = claims.take_text("iss")?;
        // RFC 7523 section 3: for client authentication both are the client id.
        if claims.take_text("sub")? != client_id {
            return Err(VerifyError::Claim("sub"));
        }
        Ok(Self {
            client_id,
            audience: claims.take_text("aud")?,
            expires: claims.take_time("exp")?,
            issued: claims.optional_time("iat")?,
            token_id: claims.take_text("jti")?,
            extra: claims.rest(),
        })
    }
}

/// The claims of another issuer's assertion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FederatedClaims {
    /// `exp`: remember `jti` until then.
    pub expires: Timestamp,
    /// `jti`, if there is one.
    pub token_id: Option<String>,
    /// All claims that are texts, numbers or booleans, as text.
    pub facts: BTreeMap<String, String>,
}

impl FederatedClaims {
    pub(crate) fn read(claims: Claims) -> Result<Self, VerifyError> {
        claims.text("sub")?;
        let (expires, token_id) = (claims.time("exp")?, claims.optional_text("jti")?);
        let facts = claims.rest().into_iter().filter_map(|(name, value)| match value {
            Value::String(text) if is_text(&text) => Some((name, text)),
            Value::Number(number) => Some((name, number.to_string())),
            Value::Bool(is) => Some((name, is.to_string())),
            Value::Array(_) | Value::Null | Value::Object(_) | Value::String(_) => None,
        });
        Ok(Self { expires, token_id, facts: facts.collect() })
    }
}

/// Claims that are signed, but not yet read as any kind.
#[derive(Debug)]
pub struct Claims {
    members: Map<String, Value>,
}

impl Claims {
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self { members }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&str, VerifyError> {
        match self.members.get(name) {
            Some(Value::String(text)) if is_text(text) => Ok(text),
            Some(_) | None => Err(VerifyError::Claim(name)),
        }
    }

    fn optional_text(&self, name: &'static str) -> Result<Option<String>, VerifyError> {
        if self.has(name) { self.text(name).map(|text| Some(text.to_owned())) } else { Ok(None) }
    }

    /// The entry of a list with one, which is a text.
    pub(crate) fn only_entry(&self, name: &str) -> Option<&str> {
        let [Value::String(text)] = self.members.get(name)?.as_array()?.as_slice() else {
            return None;
        };
        Some(text)
    }

    /// `NumericDate` as a whole number: no float, no string, not negative, before the year 10000.
    pub(crate) fn time(&self, name: &'static str) -> Result<Timestamp, VerifyError> {
        self.optional_time(name)?.ok_or(VerifyError::Claim(name))
    }

    pub(crate) fn optional_time(
        &self,
        name: &'static str,
    ) -> Result<Option<Timestamp>, VerifyError> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let secs = value.as_u64().filter(|secs| *secs <= SECS_MAX);
        secs.map(|secs| Some(Timestamp::from_secs(secs))).ok_or(VerifyError::Claim(name))
    }

    fn take_text(&mut self, name: &'static str) -> Result<String, VerifyError> {
        self.take_optional_text(name)?.ok_or(VerifyError::Claim(name))
    }

    fn take_optional_text(&mut self, name: &'static str) -> Result<Option<String>, VerifyError> {
        match self.members.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if is_text(&text) => Ok(Some(text)),
            Some(_) => Err(VerifyError::Claim(name)),
        }
    }

    /// Without one it is the organisation that is always there.
    fn take_tenant(&mut self) -> Result<Tenant, VerifyError> {
        let Some(slug) = self.take_optional_text("tenant")? else { return Ok(Tenant::default()) };
        Tenant::parse(&slug).ok_or(VerifyError::Claim("tenant"))
    }

    fn take_time(&mut self, name: &'static str) -> Result<Timestamp, VerifyError> {
        let time = self.time(name)?;
        self.members.remove(name);
        Ok(time)
    }

    /// `iat` with `iat_us`. Without that: the beginning of the second, which every revocation within
    /// it covers.
    fn take_issued(&mut self) -> Result<Timestamp, VerifyError> {
        let second = self.take_time("iat")?;
        let Some(value) = self.members.remove("iat_us") else { return Ok(second) };
        let micros = value.as_u64().filter(|micros| *micros < 1_000_000);
        let micros = micros.ok_or(VerifyError::Claim("iat_us"))?;
        Ok(second.plus(Duration::from_micros(micros)))
    }

    fn take_bool(&mut self, name: &'static str) -> Result<bool, VerifyError> {
        match self.members.remove(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(value),
            Some(_) => Err(VerifyError::Claim(name)),
        }
    }

    fn take_list(&mut self, name: &'static str) -> Result<Vec<String>, VerifyError> {
        let Some(value) = self.members.remove(name) else { return Ok(Vec::new()) };
        let Value::Array(items) = value else { return Err(VerifyError::Claim(name)) };
        if items.len() > LIST_MAX {
            return Err(VerifyError::Claim(name));
        }
        let texts = items.iter().map(|item| {
            let text = item.as_str().filter(|text| is_text(text));
            text.map(str::to_owned).ok_or(VerifyError::Claim(name))
        });
        texts.collect()
    }

    fn take_actor(&mut self) -> Result<Option<Actor>, VerifyError> {
        match self.members.remove("act") {
            None => Ok(None),
            Some(Value::Object(members)) => {
                let subject = Self::new(members).take_text("sub");
                let subject = subject.map_err(|_inner| VerifyError::Claim("act"))?;
                Ok(Some(Actor { subject }))
            }
            Some(_) => Err(VerifyError::Claim("act")),
        }
    }

    fn rest(self) -> Map<String, Value> {
        self.members
    }
}

/// Not empty, and no control characters: such a name could end up in a header or a log line.
fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control)
}

/// 9999-12-31T23:59:59Z.
const SECS_MAX: u64 = 253_402_300_799;
const TEXT_BYTES_MAX: usize = 2_048;
const LIST_MAX: usize = 256;
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
