//! The package through its public interface.

mod attacks;
mod internal_tokens;
mod rfc;
mod wycheproof;
