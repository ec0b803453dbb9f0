//! The package through its public interface: every request goes through `Identity::answer`.

mod fixture;
mod authorize;
mod clients;
mod keys;
mod login;
mod people;
mod tokens;
