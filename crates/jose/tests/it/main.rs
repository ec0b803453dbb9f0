//! The package through its public interface.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod internal_tokens;
#[cfg(test)]
mod rfc;
#[cfg(test)]
mod wycheproof;
