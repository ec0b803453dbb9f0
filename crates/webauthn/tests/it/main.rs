//! The package through its public interface.

#[cfg(test)]
mod device;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod w3c;
