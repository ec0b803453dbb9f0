//! Why the admin API did not do something, as problem details (RFC 9457). Texts are fixed: nothing of
//! the request is in them.

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use serde_json::json;

use crate::answer::{ANY_TOKEN, Refusal, Reply, TOKEN_OR_PROOF, json_reply};
use crate::clients::ClientError;
use crate::keys::KeyError;
use crate::organisations::OrganisationError;
use crate::people::PeopleError;
use crate::withdraw::WithdrawError;

/// One problem.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    /// What a better request would need.
    header: Option<(HeaderName, String)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), header: None }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing here")
    }

    pub(super) fn malformed(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// It is well-formed and means nothing.
    pub(super) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(super) fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    #[must_use]
    pub(super) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.header = Some((name, value));
        self
    }

    fn ours(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(cause, "the admin API cannot answer");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "this cannot be done now")
            .with(RETRY_AFTER, "1".to_owned())
    }

    pub(super) fn reply(&self) -> Reply {
        let title = self.status.canonical_reason().unwrap_or_default();
        let body = json!({
            "type": "about:blank",
            "title": title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut reply = json_reply(self.status, &body);
        let kind = HeaderValue::from_static("application/problem+json");
        reply.headers_mut().insert(CONTENT_TYPE, kind);
        if let Some((name, value)) = &self.header
            && let Ok(value) = HeaderValue::from_str(value)
        {
            reply.headers_mut().insert(name, value);
        }
        reply
    }
}

/// No valid token, or the proof of its key is missing.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unavailable => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "this cannot be done now")
                    .with(RETRY_AFTER, "1".to_owned())
            }
            Refusal::Client { error: "invalid_dpop_proof", .. } => {
                Self::new(StatusCode::UNAUTHORIZED, "the proof of the token's key is not valid")
                    .with(WWW_AUTHENTICATE, "DPoP error=\"invalid_dpop_proof\"".to_owned())
            }
            Refusal::NoToken => Self::new(StatusCode::UNAUTHORIZED, "no access token")
                .with(WWW_AUTHENTICATE, ANY_TOKEN.to_owned()),
            _ => Self::new(StatusCode::UNAUTHORIZED, "no valid access token")
                .with(WWW_AUTHENTICATE, TOKEN_OR_PROOF.to_owned()),
        }
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Exists => Self::conflict("there is a person of this name already"),
            PeopleError::NotFound => Self::not_found(),
            PeopleError::Name | PeopleError::Organisation | PeopleError::Password(_) => {
                Self::unprocessable(error.to_string())
            }
            other => Self::ours(&other),
        }
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotFound => Self::not_found(),
            ClientError::Exists | ClientError::Owned(_) => Self::conflict(error.to_string()),
            ClientError::Stale => Self::stale(),
            ClientError::Audit(_)
            | ClientError::Key(_)
            | ClientError::Random(_)
            | ClientError::Store(_) => Self::ours(&error),
            ClientError::RedirectUri(_) => Self::unprocessable("a redirect URI is not acceptable"),
            ClientError::UnknownClient(_) => Self::unprocessable("a client to act for is unknown"),
            other => Self::unprocessable(other.to_string()),
        }
    }
}

impl From<WithdrawError> for Problem {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::NotFound => Self::not_found(),
            WithdrawError::Id => Self::unprocessable(error.to_string()),
            other => Self::ours(&other),
        }
    }
}

impl From<OrganisationError> for Problem {
    fn from(error: OrganisationError) -> Self {
        match error {
            OrganisationError::NotFound => Self::not_found(),
            OrganisationError::Default
            | OrganisationError::Exists
            | OrganisationError::Inhabited => Self::conflict(error.to_string()),
            OrganisationError::Name | OrganisationError::Slug => {
                Self::unprocessable(error.to_string())
            }
            OrganisationError::Audit(_) | OrganisationError::Store(_) => Self::ours(&error),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        Self::ours(&error)
    }
}

impl From<ringwall_base::SinkError> for Problem {
    fn from(error: ringwall_base::SinkError) -> Self {
        Self::ours(&error)
    }
}

impl From<ringwall_store::StoreError> for Problem {
    fn from(error: ringwall_store::StoreError) -> Self {
        Self::ours(&error)
    }
}

impl Problem {
    /// It was changed since it was read.
    pub(super) fn stale() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "it was changed since this version was read")
    }
}
