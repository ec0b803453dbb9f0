//! The identity service as the gateway wants it.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{Secret, SignError, Signer};
use ringwall_gateway::{Answered, Keys, Local, Signers};
use ringwall_identity::{Identity, Known};
use ringwall_jose::{AccessClaims, KeySet};

/// The keys that tokens are signed and verified with.
#[derive(Debug)]
pub(crate) struct LiveKeys(pub(crate) Identity);

impl Keys for LiveKeys {
    fn access(&self) -> Arc<KeySet> {
        self.0.keys()
    }

    fn internal(&self) -> Arc<KeySet> {
        self.0.internal_keys()
    }

    fn epoch(&self) -> u64 {
        self.0.epoch()
    }

    fn swap(&self, token: &str) -> Option<Secret<String>> {
        self.0.swap(token)
    }

    fn is_revoked(&self, claims: &AccessClaims) -> bool {
        self.0.is_revoked(claims)
    }
}

impl Signers for LiveKeys {
    fn current(&self) -> Result<Arc<dyn Signer>, SignError> {
        self.0.internal_signer()
    }
}

/// Sign-in, tokens and keys on the public door.
#[derive(Debug)]
pub(crate) struct Pages {
    identity: Identity,
    paths: Vec<String>,
}

impl Pages {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { paths: identity.paths(), identity }
    }
}

impl Local for Pages {
    fn claims(&self, path: &str) -> bool {
        self.paths.iter().any(|known| known == path) || self.identity.claims(path)
    }

    fn counts(&self, response: &Response<Bytes>) -> bool {
        response.extensions().get::<Known>().is_none()
    }

    fn answer(&self, peer: IpAddr, request: Request<Bytes>) -> Answered<'_> {
        Box::pin(self.identity.answer(peer, request)) as Answered<'_>
    }
}
