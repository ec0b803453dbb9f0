//! `clientDataJSON`: what the browser says about the page that asked (section 5.8.1).

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ceremony::{Expected, WebauthnError};

/// Which of the two it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ceremony {
    Create,
    Get,
}

/// The members that we know; serde refuses one that stands twice. Browsers may add others.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin")]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin")]
    top_origin: Option<IgnoredAny>,
}

/// Compares all of it with what we asked for, byte by byte.
pub(crate) fn check(
    text: &[u8],
    ceremony: Ceremony,
    expected: &Expected<'_>,
) -> Result<(), WebauthnError> {
    // A struct could be read from an array, too.
    if text.len() > BYTES_MAX || text.first() != Some(&b'{') {
        return Err(WebauthnError::ClientData);
    }
    let data: ClientData =
        serde_json::from_slice(text).map_err(|_unspecific| WebauthnError::ClientData)?;
    let kind = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if data.kind != kind {
        return Err(WebauthnError::Type);
    }
    if data.challenge != expected.challenge {
        return Err(WebauthnError::Challenge);
    }
    if data.origin != expected.origin {
        return Err(WebauthnError::Origin);
    }
    // Our pages refuse to be framed: whoever says so is no page of ours.
    if data.cross_origin == Some(true) || data.top_origin.is_some() {
        return Err(WebauthnError::CrossOrigin);
    }
    Ok(())
}

/// Browsers write some 200 bytes.
const BYTES_MAX: usize = 4_096;
