//! The typed model of ringwall.toml: parser, checker, plan, matrix.

mod model;

pub use model::*;
