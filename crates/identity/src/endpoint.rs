//! The endpoints: one file each. The first function of each reads like its specification.

pub(crate) mod account;
pub(crate) mod authorize;
pub(crate) mod consent;
pub(crate) mod callback;
pub(crate) mod device;
pub(crate) mod device_authorization;
pub(crate) mod discovery;
mod document;
pub(crate) mod end_session;
pub(crate) mod introspect;
pub(crate) mod invite;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod par;
pub(crate) mod passkey;
pub(crate) mod register;
pub(crate) mod revocations;
pub(crate) mod reset;
pub(crate) mod revoke;
pub(crate) mod script;
pub(crate) mod second_factor;
pub(crate) mod token;
pub(crate) mod upstream;
pub(crate) mod userinfo;
pub(crate) mod verify_email;
