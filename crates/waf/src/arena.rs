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

    /// Names and values, as the heads of messages take them.
    pub fn pairs<'a>(
        &'a self,
        pairs: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> &'a [(&'a [u8], &'a [u8])] {
        self.bump.alloc_slice_fill_iter(pairs)
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

    /// Texts one after the other.
    pub(crate) fn join(&self, texts: &[&[u8]]) -> &[u8] {
        let joined = self.bump.alloc_slice_fill_copy(texts.iter().map(|text| text.len()).sum(), 0);
        let mut rest = &mut joined[..];
        for text in texts {
            let (place, after) = rest.split_at_mut(text.len());
            place.copy_from_slice(text);
            rest = after;
        }
        joined
    }

    /// So many words, all zero.
    pub(crate) fn words(&self, count: usize) -> &mut [u64] {
        self.bump.alloc_slice_fill_copy(count, 0)
    }

    /// So many numbers, all zero.
    pub(crate) fn numbers(&self, count: usize) -> &mut [u32] {
        self.bump.alloc_slice_fill_copy(count, 0)
    }

    /// So many places, all empty.
    pub(crate) fn places<T: Copy>(&self, count: usize) -> &mut [Option<T>] {
        self.bump.alloc_slice_fill_copy(count, None)
    }

    /// A number as text.
    pub(crate) fn number(&self, number: i64) -> &[u8] {
        const SMALL: &[u8; 10] = b"0123456789";
        if let Some(digit) = usize::try_from(number).ok().and_then(|at| SMALL.get(at..=at)) {
            return digit;
        }
        self.keep(number.to_string().as_bytes())
    }
}
