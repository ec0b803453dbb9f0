//! Checks that endpoints share: one file each, called by name.

mod asked_anew;
mod authorization_request;
mod bearer;
mod bond;
mod certificate;
mod client;
mod cookie;
mod form;
mod form_token;
mod id_token_hint;
mod pkce;
mod proof;
mod query;
mod redirect_uri;
mod resource;
mod return_to;
mod same_site;
mod scope;

pub(crate) use asked_anew::{MARK, asked_anew, marked};
pub(crate) use authorization_request::{AuthorizationRequest, Fault, authorization_request};
pub(crate) use bearer::{Held, bearer, verified};
pub(crate) use bond::{bond, certificate_hash};
pub(crate) use certificate::certificate;
pub(crate) use client::{claimed_client, client, is_written};
pub(crate) use cookie::{SESSION, cookie, session};
pub(crate) use form::form;
pub(crate) use form_token::{FormToken, form_token, paper};
pub(crate) use id_token_hint::{Hint, id_token_hint};
pub(crate) use pkce::{challenge, challenge_of, verifier};
pub(crate) use proof::{once, proof, proof_for};
pub(crate) use query::query;
pub(crate) use redirect_uri::{Redirect, STATE_BYTES_MAX, redirect_uri, with_parameters};
pub(crate) use resource::resource;
pub(crate) use return_to::return_to;
pub(crate) use same_site::same_site;
pub(crate) use scope::scope;
