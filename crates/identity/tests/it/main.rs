//! The package through its public interface: every request goes through `Identity::answer`.

#![expect(clippy::type_complexity, reason = "a table of cases is read as a table")]

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod account;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod admin_organisations;
#[cfg(test)]
mod authenticator;
#[cfg(test)]
mod authorize;
#[cfg(test)]
mod certified;
#[cfg(test)]
mod client_organisations;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod device;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod end_session;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod federation;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod login;
#[cfg(test)]
mod logout_messages;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod management;
#[cfg(test)]
mod moments;
#[cfg(test)]
mod opaque;
#[cfg(test)]
mod organisation_ends;
#[cfg(test)]
mod organisations;
#[cfg(test)]
mod organisations_apart;
#[cfg(test)]
mod par;
#[cfg(test)]
#[path = "../../../webauthn/tests/it/device.rs"]
mod passkey_device;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod passkey_attacks;
#[cfg(test)]
mod people;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod rs256;
#[cfg(test)]
mod second_factor;
#[cfg(test)]
mod step_up;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod upstream_links;
