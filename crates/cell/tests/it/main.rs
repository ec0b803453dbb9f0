//! Cells from outside: real namespaces, real services.
//!
//! The shim is `examples/shim.rs`, which `cargo test` builds. Where namespaces are not allowed the
//! tests of isolation say so and pass.

// The attribute tells the lints that helpers of tests may panic.
#[cfg(test)]
mod house;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod life;
