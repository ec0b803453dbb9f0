//! The attestation object (section 6.5), in the two forms that say nothing about the maker.
//!
//! We ask for `none`. A browser that is asked so may pass on what a credential signed about itself
//! (section 5.1.3): that is checked, and counts as none.

use crate::cbor::{self, Member, Value, member};
use crate::ceremony::WebauthnError;
use crate::public_key::PublicKey;

#[derive(Debug)]
pub(crate) struct Object<'a> {
    pub(crate) authenticator_data: &'a [u8],
    format: &'a str,
    statement: Vec<Member<'a>>,
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Object<'_>, WebauthnError> {
    let Value::Map(members) = cbor::read(bytes)? else { return Err(WebauthnError::Cbor) };
    let Ok([format, statement, data]) = <[_; 3]>::try_from(members) else {
        return Err(WebauthnError::Cbor);
    };
    match (format, statement, data) {
        (
            (Value::Text("fmt"), Value::Text(format)),
            (Value::Text("attStmt"), Value::Map(statement)),
            (Value::Text("authData"), Value::Bytes(authenticator_data)),
        ) => Ok(Object { authenticator_data, format, statement }),
        _ => Err(WebauthnError::Cbor),
    }
}

/// Sections 8.7 and 8.2, the latter without a certificate.
pub(crate) fn check(
    object: &Object<'_>,
    key: &PublicKey,
    signed: &[u8],
) -> Result<(), WebauthnError> {
    if object.format == "none" && object.statement.is_empty() {
        return Ok(());
    }
    let of = |name| member(&object.statement, &Value::Text(name));
    let (2, "packed", Some(Value::Integer(algorithm)), Some(Value::Bytes(signature))) =
        (object.statement.len(), object.format, of("alg"), of("sig"))
    else {
        return Err(WebauthnError::Attestation);
    };
    if *algorithm == key.algorithm() && key.verifies(signed, signature) {
        return Ok(());
    }
    Err(WebauthnError::Attestation)
}
