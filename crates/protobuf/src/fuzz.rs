//! The fuzzer's way in: any bytes as a descriptor set, and as messages of a known one.

use crate::{Foreign, Limits, Repeats, Rules, Schema, SchemaLimits, Unknown};

/// Reads hostile bytes. The contract: no panic, an end, and no more leaves than bytes.
pub fn fuzz(data: &[u8]) {
    let limits = SchemaLimits::default();
    let (length, rest) = data
        .split_first_chunk()
        .map_or((0, data), |(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest));
    let (own, message) = rest.split_at_checked(length).unwrap_or((rest, rest));
    if let Ok(schema) = Schema::read(own, &limits) {
        check(&schema, message);
    }
    if let Ok(schema) = Schema::read(SHAPES, &limits) {
        check(&schema, data);
    }
}

fn check(schema: &Schema, bytes: &[u8]) {
    let limits = Limits::default();
    let (unknown, repeats, foreign) = (Unknown::Pass, Repeats::Pass, Foreign::Opaque);
    let open = Rules { unknown, repeats, foreign, limits };
    for method in schema.methods() {
        let mut leaves = 0;
        let strict = schema.check(method, bytes, &Rules::default(), &mut |_leaf| leaves += 1);
        debug_assert!(leaves <= bytes.len(), "leaves have bytes of their own");
        let open = schema.check(method, bytes, &open, &mut |leaf| drop(leaf.value.text()));
        debug_assert!(strict.is_err() || open.is_ok(), "what is strict is open too");
        if let Err(violation) = strict {
            debug_assert!(!violation.to_string().contains('\n'), "a violation is one line");
        }
    }
}

/// The descriptor set of the tests: all types that there are.
const SHAPES: &[u8] = include_bytes!("../tests/data/shapes.binpb");
