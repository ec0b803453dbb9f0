//! The package from outside: against Google's reader, and by hand.

#![expect(clippy::unwrap_used, reason = "tests stop where something is missing")]

mod descriptors;
mod differential;
mod rules;

use ringwall_protobuf::{Schema, SchemaLimits};

const SHAPES: &[u8] = include_bytes!("../data/shapes.binpb");

fn shapes() -> Schema {
    Schema::read(SHAPES, &SchemaLimits::default()).unwrap()
}
