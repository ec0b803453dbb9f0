//! Readers of request bodies. What they cannot read is an error for rules to judge, and what was
//! read up to there is judged as well.

pub(crate) mod beginning;
pub(crate) mod json;
pub(crate) mod multipart;
pub(crate) mod xml;

/// A name and a value that a body held.
pub(crate) type Pair<'a> = (&'a [u8], &'a [u8]);
