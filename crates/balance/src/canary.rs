//! Who gets the new version.

use crate::dice::mix;

/// Whether a subject belongs to the percentage that gets the new version. The same subject always
/// does or does not; when the percentage grows, nobody falls out.
pub const fn is_chosen(subject: u64, percent: u8) -> bool {
    // Mixed once more: the same hash may have chosen the endpoint.
    let roll = mix(subject ^ CANARY) % 100;
    roll < byte(percent)
}

const fn byte(value: u8) -> u64 {
    u64::from_le_bytes([value, 0, 0, 0, 0, 0, 0, 0])
}

const CANARY: u64 = 0x2545_f491_4f6c_dd1d;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    fn chosen(percent: u8) -> Vec<u32> {
        (0..10_000_u32).filter(|person| is_chosen(hash(&person.to_be_bytes()), percent)).collect()
    }

    #[test]
    fn about_the_percentage_is_chosen_and_nobody_falls_out_when_it_grows() {
        let (few, more) = (chosen(5), chosen(20));
        assert!((430..570).contains(&few.len()), "{}", few.len());
        assert!(few.iter().all(|person| more.contains(person)));
        assert_eq!((chosen(0).len(), chosen(100).len()), (0, 10_000));
    }
}
