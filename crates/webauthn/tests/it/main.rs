//! The package through its public interface.

#[cfg(test)]
mod authenticator;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod w3c;
