//! The authority's keys and certificates as one sealed record: a crash leaves the old record or the
//! new one, never a key beside another one's certificate.

use ringwall_base::Secret;
use ringwall_ca::Parts;

/// Four parts, each behind its length (32 bits, big endian). An absent root key is empty.
pub(super) fn pack(parts: &Parts) -> Secret<Vec<u8>> {
    let empty = Vec::new();
    let root_key = parts.root_key.as_ref().map_or(&empty, Secret::expose);
    let pieces = [
        &parts.root_certificate,
        root_key,
        &parts.intermediate_certificate,
        parts.intermediate_key.expose(),
    ];
    // As large as it gets from the start: a vector that grows leaves copies of keys behind.
    let mut packed =
        Vec::with_capacity(pieces.iter().map(|piece| piece.len().saturating_add(4)).sum());
    for piece in pieces {
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        packed.extend_from_slice(&length.to_be_bytes());
        packed.extend_from_slice(piece);
    }
    Secret::new(packed)
}

/// `None` when the record is not what [`pack`] makes.
pub(super) fn unpack(packed: &Secret<Vec<u8>>) -> Option<Parts> {
    let mut rest = packed.expose().as_slice();
    let mut piece = || {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (piece, tail) = tail.split_at_checked(length)?;
        rest = tail;
        Some(piece.to_vec())
    };
    let root_certificate = piece()?;
    let root_key = Some(Secret::new(piece()?)).filter(|key| !key.expose().is_empty());
    let intermediate_certificate = piece()?;
    let intermediate_key = Secret::new(piece()?);
    rest.is_empty().then_some(Parts {
        root_certificate,
        root_key,
        intermediate_certificate,
        intermediate_key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_nothing_else_does() {
        let parts = Parts {
            root_certificate: vec![1; 300],
            root_key: None,
            intermediate_certificate: vec![2; 2],
            intermediate_key: Secret::new(vec![3; 3]),
        };
        let packed = pack(&parts);
        let back = unpack(&packed).unwrap();
        assert_eq!(
            (back.root_certificate, back.intermediate_certificate),
            (vec![1; 300], vec![2; 2])
        );
        assert!(back.root_key.is_none() && back.intermediate_key == parts.intermediate_key);
        let bytes = packed.expose();
        for cut in [0, 3, bytes.len() - 1] {
            assert!(unpack(&Secret::new(bytes[..cut].to_vec())).is_none(), "{cut}");
        }
        assert!(unpack(&Secret::new([bytes.as_slice(), &[0]].concat())).is_none());
    }
}
