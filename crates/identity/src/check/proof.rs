//! A proof of possession, if the request brings one (RFC 9449): in one header, for this request, once.

use http::header::HOST;
use ringwall_jose::{DpopProof, Use};

use crate::answer::{Call, Refusal};
use crate::identity::House;
use crate::record::Record;

/// The proof that comes to the endpoints that give tokens; there it has our nonce. Whoever gives one
/// for it calls [`once`] first, when what it is given for was found good.
pub(crate) fn proof(house: &House, call: &Call) -> Result<Option<DpopProof>, Refusal> {
    let Some(proof) = read(house, call)? else { return Ok(None) };
    let now = house.seams.clock.now();
    // Section 8: without it, a proof could have been made long ago, by whoever had the key then.
    if !proof.nonce().is_some_and(|nonce| house.nonces.accepts(nonce, now)) {
        return Err(Refusal::client("use_dpop_nonce", "the proof needs the nonce of DPoP-Nonce"));
    }
    Ok(Some(proof))
}

/// A proof that was made to send this access token, by the key that the token is bound to.
pub(crate) fn proof_for(
    house: &House,
    call: &Call,
    (token, jkt): (&str, &str),
) -> Result<(), Refusal> {
    let proof = read(house, call)?.ok_or(INVALID)?;
    if !proof.is_for(token) || proof.jkt() != jkt {
        return Err(INVALID);
    }
    once(house, call, &proof)
}

fn read(house: &House, call: &Call) -> Result<Option<DpopProof>, Refusal> {
    let mut values = call.request.headers().get_all("dpop").iter();
    let text = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_bytes| INVALID)?,
        (Some(_), Some(_)) => return Err(INVALID),
    };
    let uri = format!("{}{}", origin(house, call), call.request.uri().path());
    let method = call.request.method().as_str();
    match DpopProof::verify(text, method, &uri, house.seams.clock.now()) {
        Ok(proof) => Ok(Some(proof)),
        Err(error) => {
            let record = Record::refused("token-refused", &format!("proof: {error}"));
            house.put(record.source(call.peer))?;
            Err(INVALID)
        }
    }
}

/// Our own name for this place, whatever the request calls the host: but for the one other name that
/// the metadata give it (`mtls_endpoint_aliases`, RFC 8705 section 5).
fn origin(house: &House, call: &Call) -> String {
    let asked = call.request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let offer = house.mutual_tls.load();
    let alias = offer.as_ref().map(|offer| offer.origin.as_str()).filter(|origin| {
        let name = origin.strip_prefix("https://");
        name.zip(asked).is_some_and(|(name, asked)| {
            name.eq_ignore_ascii_case(asked.strip_suffix(":443").unwrap_or(asked))
        })
    });
    alias.unwrap_or(&house.settings.issuer).to_owned()
}

/// Notes that a proof is used. Anybody can make keys and proofs: only who has something good to use
/// them for gets a place in this memory (attack Q5).
pub(crate) fn once(house: &House, call: &Call, proof: &DpopProof) -> Result<(), Refusal> {
    match house.proofs.note(proof.jkt(), proof.token_id(), house.seams.clock.now()) {
        Use::First => Ok(()),
        Use::Again => {
            house.put(Record::refused("dpop-replayed", "proof used before").source(call.peer))?;
            Err(INVALID)
        }
        Use::Full => {
            tracing::warn!("more proofs than can be remembered");
            Err(Refusal::Unavailable)
        }
    }
}

const INVALID: Refusal = Refusal::client("invalid_dpop_proof", "the proof is not valid");
