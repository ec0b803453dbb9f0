//! The typed model of ringwall.toml: parser, checker, plan, matrix.
