//! `parityEven7bit`, `parityOdd7bit`, `parityZero7bit`.

use crate::arena::Arena;

pub(super) fn even<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    with_parity(value, arena, 0)
}

pub(super) fn odd<'a>(value: &[u8], arena: &'a Arena) -> &'a [u8] {
    with_parity(value, arena, 1)
}

pub(super) fn zero<'a>(value: &[u8], arena: &'a Arena) -> Option<&'a [u8]> {
    if value.is_ascii() {
        return None;
    }
    Some(arena.write(value.len(), |out| out.extend(value.iter().map(|byte| byte & 0x7f))))
}

fn with_parity<'a>(value: &[u8], arena: &'a Arena, parity: u32) -> &'a [u8] {
    // Of all eight bits, as both ModSecurity engines count them.
    let set = |byte: &u8| {
        if byte.count_ones() % 2 == parity { byte & 0x7f } else { byte | 0x80 }
    };
    arena.write(value.len(), |out| out.extend(value.iter().map(set)))
}
