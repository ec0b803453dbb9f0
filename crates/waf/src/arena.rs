//! Memory of one transaction, given back whole.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

/// Holds what a transaction makes: decoded values, transformed values, expanded texts.
///
/// Values point into it, so it outlives the [`Transaction`](crate::Transaction). Between two
/// transactions [`Arena::reset`] keeps the memory for the next one.
#[derive(Debug, Default)]
pub struct Arena {
    bump: Bump,
}

/// A text that grows in an [`Arena`].
pub(crate) type Grown<'a> = BumpVec<'a, u8>;

impl Arena {
    /// An arena without memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything; nothing may borrow from it any more.
    pub fn reset(&mut self) {
        self.bump.reset();
    }

    /// What it took from the allocator.
    pub fn allocated_bytes(&self) -> usize {
        self.bump.allocated_bytes()
    }

    pub(crate) fn keep(&self, bytes: &[u8]) -> &[u8] {
        self.bump.alloc_slice_copy(bytes)
    }

    pub(crate) fn grow(&self, capacity: usize) -> Grown<'_> {
        BumpVec::with_capacity_in(capacity, &self.bump)
    }

    /// The bytes that a function writes.
    pub(crate) fn write(&self, capacity: usize, write: impl FnOnce(&mut Grown<'_>)) -> &[u8] {
        let mut grown = self.grow(capacity);
        write(&mut grown);
        grown.into_bump_slice()
    }

    /// So many words, all zero.
    pub(crate) fn words(&self, count: usize) -> &mut [u64] {
        self.bump.alloc_slice_fill_copy(count, 0)
    }

    /// A number as text.
    pub(crate) fn number(&self, number: i64) -> &[u8] {
        self.keep(number.to_string().as_bytes())
    }
}
