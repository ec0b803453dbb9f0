//! Proof key for code exchange (RFC 7636), S256 only: `plain` does not exist as code.

use aws_lc_rs::digest::{SHA256, digest};
use ringwall_jose::{base64url_decode, base64url_encode};

use crate::form::Form;

/// The challenge of an authorization request; an error text when there is none that we take.
pub(crate) fn challenge(form: &Form) -> Result<String, &'static str> {
    let challenge = form
        .get("code_challenge")
        .ok_or("code_challenge is missing: PKCE with S256 is required of every client")?;
    if form.get("code_challenge_method") != Some("S256") {
        return Err("code_challenge_method must be S256");
    }
    // BASE64URL of 32 bytes.
    let is_hash = base64url_decode(challenge).is_some_and(|bytes| bytes.len() == 32);
    if is_hash { Ok(challenge.to_owned()) } else { Err("code_challenge is malformed") }
}

/// The challenge that the verifier of a token request answers (section 4.1: 43 to 128 unreserved).
pub(crate) fn verifier(form: &Form) -> Result<String, &'static str> {
    let verifier = form.get("code_verifier").ok_or("code_verifier is missing")?;
    let is_verifier = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    if !is_verifier {
        return Err("code_verifier is malformed");
    }
    Ok(challenge_of(verifier))
}

/// The S256 challenge of a verifier.
pub(crate) fn challenge_of(verifier: &str) -> String {
    base64url_encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let form =
            Form::parse(b"code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let want = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(verifier(&form), Ok(want.to_owned()));
    }
}
