//! The package through its public interface.

#![expect(clippy::type_complexity, reason = "a table of cases is read as a table")]

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod internal_tokens;
#[cfg(test)]
mod rfc;
#[cfg(test)]
mod wycheproof;
