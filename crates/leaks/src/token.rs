//! Tokens and keys by the shapes that their issuers publish.

use crate::base64::decode;
use crate::look::{Look, is_word};

/// Letters and digits only, in this number, and then no more.
pub(crate) fn letters(look: &mut Look<'_>, count: usize) -> bool {
    look.run(count, |byte| byte.is_ascii_alphanumeric()) == count && look.is_end_of_word()
}

/// What tokens are made of, in this number at least, and with a digit or a capital: `sk_live_` and a
/// name of a variable have none.
pub(crate) fn words(look: &mut Look<'_>, least: usize, most: usize) -> bool {
    let start = look.at();
    let is_long = look.run(most, is_word) >= least;
    let token = look.since(start);
    is_long && token.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// `AKIA` and `ASIA`: sixteen of base32. In a signed address, the id is there to be read.
pub(crate) fn aws_id(look: &mut Look<'_>, at: usize) -> bool {
    let before = look.before(at, 20).to_ascii_lowercase();
    let is_signer = SIGNERS.iter().any(|name| before.ends_with(name));
    let is_base32 = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7');
    if is_signer || look.run(16, is_base32) != 16 || !look.is_end_of_word() {
        return false;
    }
    // The scope of a signature begins with a day.
    let end = look.at();
    let is_scope = look.takes_one(&[b"/", b"\\/", b"%2F", b"%2f"])
        && look.run(8, |byte| byte.is_ascii_digit()) == 8;
    look.back_to(end);
    !is_scope
}

/// Behind the name of a secret key: forty of base64.
pub(crate) fn aws_secret(look: &mut Look<'_>) -> bool {
    look.quote();
    look.blanks();
    if !look.takes_one(&[b"=", b":", b"%3D"]) {
        return false;
    }
    look.blanks();
    look.quote();
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    look.run(40, is_base64) == 40 && look.peek().is_none_or(|byte| !is_base64(byte))
}

/// `github_pat_`: 22 letters, `_`, 59 letters.
pub(crate) fn github_fine(look: &mut Look<'_>) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    look.run(22, is_letter) == 22 && look.takes(b"_") && letters(look, 59)
}

/// `xoxb-` and its kind: groups, the first of which is a number.
pub(crate) fn slack(look: &mut Look<'_>) -> bool {
    let is_number = look.peek().is_some_and(|byte| byte.is_ascii_digit());
    is_number && look.run(255, |byte| byte.is_ascii_alphanumeric() || byte == b'-') >= 20
}

/// `SG.`: 22, a dot, 43.
pub(crate) fn sendgrid(look: &mut Look<'_>) -> bool {
    look.run(22, is_word) == 22
        && look.takes(b".")
        && look.run(43, is_word) == 43
        && look.is_end_of_word()
}

/// `SK`: 32 hexadecimal digits.
pub(crate) fn twilio(look: &mut Look<'_>) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    look.run(32, is_hex) == 32 && look.is_end_of_word()
}

/// `rws_`, `rwm_`, `rwi_`: letters, and a checksum behind `_`; `rwr_` is longer.
pub(crate) fn ringwall(look: &mut Look<'_>) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    look.run(43, is_letter) == 43 && look.takes(b"_") && letters(look, 6)
}

/// `rwr_`: a family in base32, and the rest in base64; of old ones there is no checksum.
pub(crate) fn ringwall_refresh(look: &mut Look<'_>) -> bool {
    let is_base32 = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    look.run(26, is_base32) == 26 && look.run(80, is_word) >= 65
}

/// Behind `eyJ`: a header with `alg`, a payload that is an object, and a signature, all of which decode.
pub(crate) fn jwt(look: &mut Look<'_>) -> bool {
    let start = look.at().saturating_sub(3);
    let mut part = |most: usize, start: usize| {
        let length = look.run(most, is_word);
        let decoded = decode(look.since(start));
        (decoded, length, look.takes(b"."), look.at())
    };
    let (Some(header), _, true, at) = part(HEADER_MAX, start) else { return false };
    if memchr::memmem::find(&header, b"\"alg\"").is_none() {
        return false;
    }
    let (Some(payload), _, true, at) = part(PAYLOAD_MAX, at) else { return false };
    let is_object = payload.starts_with(b"{") && payload.ends_with(b"}");
    // One that is not signed says nothing that could be used.
    let (Some(_), length, is_more, _) = part(SIGNATURE_MAX, at) else { return false };
    is_object && length >= SIGNATURE_MIN && !is_more
}

const SIGNERS: [&[u8]; 2] = [b"x-amz-credential=", b"awsaccesskeyid="];
const HEADER_MAX: usize = 1024;
const PAYLOAD_MAX: usize = 6 * 1024;
const SIGNATURE_MAX: usize = 1024;
/// 32 bytes: HS256.
const SIGNATURE_MIN: usize = 43;
