//! The package through its public interface.

mod fleet;
mod sample;
mod broken;
mod questions;
mod hostile;
