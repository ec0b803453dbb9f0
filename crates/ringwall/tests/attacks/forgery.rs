//! A good access token, taken apart, and every place to which a forged one can be brought.

use serde_json::Value;

use crate::ground::Ground;
use crate::request::Request;
use crate::signing::{Key, compact, decoded, encoded, part};
use crate::suite::{Want, check, unsound};

/// A good token, its parts, and the public key that verifies it.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) token: String,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) signature: Vec<u8>,
    pub(crate) key: Value,
}

impl Sample {
    /// One of `robot`.
    #[track_caller]
    pub(crate) fn of(ground: &Ground) -> Self {
        let token = ground.program();
        let header = part(&token, 0);
        let keys = ground.house().get("/oauth/jwks").json();
        let keys = keys["keys"].as_array().unwrap().clone();
        let key = keys.into_iter().find(|key| key["kid"] == header["kid"]).unwrap();
        let signature = decoded(token.rsplit_once('.').unwrap().1);
        Self { header, claims: part(&token, 1), signature, key, token }
    }

    /// The same claims under another header, with the original signature.
    pub(crate) fn with(&self, change: impl Fn(&mut Value)) -> String {
        self.signed_by(change, |_| self.signature.clone())
    }

    /// The same claims under another header, signed by an attacker.
    pub(crate) fn by(&self, key: &Key, change: impl Fn(&mut Value)) -> String {
        self.signed_by(change, |bytes| key.sign(bytes))
    }

    pub(crate) fn signed_by(
        &self,
        change: impl Fn(&mut Value),
        sign: impl Fn(&[u8]) -> Vec<u8>,
    ) -> String {
        let mut header = self.header.clone();
        change(&mut header);
        compact(&header.to_string(), &self.claims.to_string(), sign)
    }

    /// The same token with another signature.
    pub(crate) fn signature(&self, bytes: &[u8]) -> String {
        format!("{}.{}", self.token.rsplit_once('.').unwrap().0, encoded(bytes))
    }

    pub(crate) fn parts(&self) -> [&str; 3] {
        self.token.split('.').collect::<Vec<_>>().try_into().unwrap()
    }
}

/// The gateway, userinfo, introspection, token exchange, the cookie and revocation: none of them takes
/// it for an access token.
#[track_caller]
pub(crate) fn nobody_takes(ground: &Ground, name: &str, token: &str) {
    let before = ground.library.upstream.seen().len();
    for (line, scheme) in
        [("GET /books", "Bearer"), ("GET /books", "DPoP"), ("GET /oauth/userinfo", "Bearer")]
    {
        let request = Request::new(line).field(format!("Authorization: {scheme} {token}"));
        let answer = ground.send(&request);
        // Closing with unread bytes resets the connection, and the refusal may be lost with it.
        let is_lost = answer.raw.is_empty() && token.len() > 8_192;
        let is_refused = is_lost || [400, 401, 431].contains(&answer.status);
        assert!(is_refused, "{name}: {line} {scheme}: {}", answer.raw);
    }
    let short = token.len() < 8_192;
    let asked = Request::form("/oauth/introspect", &[("token", token)]);
    let answer = ground.send(&asked.basic("robot", &ground.robot));
    let is_over = !short && [400, 413].contains(&answer.status);
    if !is_over {
        check(&answer, Want::Inactive);
    }
    let answer = ground.send(&ground.exchange(token, &[]));
    let error = crate::suite::said(&answer);
    let is_refused =
        answer.status == 400 && ["invalid_request", "invalid_grant"].contains(&error.as_str());
    assert!(is_refused || is_over, "{name}: exchange: {}", answer.raw);
    assert!(unsound(&answer).is_none(), "{name}: {}", answer.raw);
    // RFC 7009 section 2.2: a token that is none is no error; section 2.1: another client's is one.
    let revoked = Request::form("/oauth/revoke", &[("token", token)]);
    let answer = ground.send(&revoked.basic("robot", &ground.robot));
    assert!([200, 400].contains(&answer.status) || is_over, "{name}: revocation: {}", answer.raw);
    assert_eq!(ground.library.upstream.seen().len(), before, "{name} reached the service");
}
