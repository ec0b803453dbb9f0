//! What is found: which detector, and where. Never the value.

use std::ops::Range;

use crate::Detector;

/// One thing that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Who found it.
    pub detector: Detector,
    /// Which bytes.
    pub range: Range<usize>,
}

/// All that was found, in the order of the text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Found {
    /// Each one.
    pub findings: Vec<Finding>,
    /// Whether there is more than as many as were wanted.
    pub has_more: bool,
}
