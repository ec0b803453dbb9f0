//! The package through its public interface.

mod fleet;
mod sample;
