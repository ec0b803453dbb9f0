//! Where a ciphertext belongs: bound to it as associated data, so that it opens nowhere else.

/// The place of a sealed value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Context<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The table, or another kind of container.
    pub table: &'a str,
    /// The row's key.
    pub path: &'a str,
    /// The row's version, so that an older value cannot stand in for a newer one.
    pub version: u64,
    /// The column.
    pub field: &'a str,
}

impl Context<'_> {
    /// The associated data: every part with its length before it, so that no two places have the
    /// same bytes. `kek` is empty for the value itself: it is bound to its data key alone, which
    /// may be wrapped anew.
    pub(crate) fn bind(&self, kek: &str, cipher: &str) -> Vec<u8> {
        let version = self.version.to_be_bytes();
        let parts: [&[u8]; 8] = [
            b"RW1",
            self.tenant.as_bytes(),
            self.table.as_bytes(),
            self.path.as_bytes(),
            &version,
            self.field.as_bytes(),
            kek.as_bytes(),
            cipher.as_bytes(),
        ];
        let mut bound = Vec::new();
        for part in parts {
            // 64 bits, so that no length is ever cut.
            bound.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bound.extend_from_slice(part);
        }
        bound
    }
}

/// The one tenant of this width.
pub(crate) const TENANT: &str = "main";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Parts = (String, String, String, u64, String, String);

    fn bound((tenant, table, path, version, field, kek): &Parts) -> Vec<u8> {
        Context { tenant, table, path, version: *version, field }.bind(kek, "A256GCM")
    }

    proptest! {
        #[test]
        fn two_places_never_have_the_same_bytes(
            // Few letters, so that parts often are prefixes of each other.
            a in ("[ab]{0,2}", "[ab]{0,2}", "[ab]{0,2}", 0_u64..3, "[ab]{0,2}", "[ab]{0,2}"),
            b in ("[ab]{0,2}", "[ab]{0,2}", "[ab]{0,2}", 0_u64..3, "[ab]{0,2}", "[ab]{0,2}"),
        ) {
            prop_assert_eq!(bound(&a) == bound(&b), a == b);
        }
    }
}
