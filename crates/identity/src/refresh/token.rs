//! What a refresh token looks like: `rwr_`, its family, the family's key, a secret of its own, and a
//! checksum, which those of older versions do not have.
//!
//! The key shows that a token came from its family. The family's name alone would not: it is in access
//! tokens, and whoever reads one could make up a "reused" token and so end the grant.

use ringwall_base::Secret;
use ringwall_jose::base64url_encode;

use crate::codes::hash_of;
use crate::seams::Seams;
use crate::secret_text::{summed, unsummed};

/// A token that was made and is not written yet.
#[derive(Clone, Debug)]
pub(crate) struct Fresh {
    pub(crate) token: Secret<String>,
    pub(super) hash: [u8; 32],
    pub(super) key_hash: [u8; 32],
}

impl Fresh {
    /// The first of a family.
    pub(super) fn first(seams: &Seams, family: &str) -> Result<Self, std::io::Error> {
        let key = base64url_encode(seams.random::<KEY_BYTES>()?);
        Self::of(seams, &format!("{PREFIX}{family}{key}"))
    }

    /// One that could follow a token of the same family; `None` for what is none.
    pub(super) fn after(
        seams: &Seams,
        token: &Secret<String>,
    ) -> Result<Option<Self>, std::io::Error> {
        let origin = token.expose().get(..ORIGIN).filter(|_| origin(token.expose()).is_some());
        origin.map(|origin| Self::of(seams, origin)).transpose()
    }

    fn of(seams: &Seams, origin: &str) -> Result<Self, std::io::Error> {
        let token = summed(&format!("{origin}{}", base64url_encode(seams.random::<32>()?)));
        let (hash, key_hash) = (hash_of(&token), hash_of(origin));
        Ok(Self { token: Secret::new(token), hash, key_hash })
    }
}

/// The family that a token names, and the hash of what shows that it came from it.
type Origin<'a> = (&'a str, [u8; 32]);

/// Where a token says that it came from; `None` for what is none.
pub(super) fn origin(token: &str) -> Option<Origin<'_>> {
    let is_whole = match token.len() {
        LENGTH => true,
        SUMMED => unsummed(token).is_some_and(|start| start.len() == LENGTH),
        _ => false,
    };
    let is_token = is_whole && token.is_ascii() && is_refresh_token(token);
    let family = token.get(PREFIX.len()..PREFIX.len() + FAMILY).filter(|_| is_token)?;
    Some((family, hash_of(token.get(..ORIGIN)?)))
}

/// Whether a token is one of ours by its looks.
pub(crate) fn is_refresh_token(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Secret scanners find it by this.
const PREFIX: &str = "rwr_";
/// A ULID.
const FAMILY: usize = 26;
const KEY_BYTES: usize = 16;
/// Up to the secret: 16 bytes are 22 characters.
const ORIGIN: usize = PREFIX.len() + FAMILY + 22;
/// 32 bytes are 43 characters.
const LENGTH: usize = ORIGIN + 43;
/// With its checksum.
const SUMMED: usize = LENGTH + 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_whole_or_from_before_there_were_checksums() {
        let old = format!("{PREFIX}{}{}", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "a".repeat(22 + 43));
        let new = summed(&old);
        assert_eq!((old.len(), new.len()), (LENGTH, SUMMED));
        for token in [&old, &new] {
            assert_eq!(origin(token).unwrap().0, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        }
        for other in [
            new.replace("aaaa_", "aaab_"),
            format!("{old}_aaaaaa"),
            format!("{new}0"),
            new.replace(PREFIX, "rwa_"),
            new.chars().take(SUMMED - 1).collect(),
        ] {
            assert!(origin(&other).is_none(), "{other}");
        }
    }
}
