//! What a transaction may cost. Work is counted, never timed: a request costs the same everywhere,
//! and no verdict depends on how busy a machine is.

use crate::limits::QUESTION_STEPS;

/// The steps that are left. A step is a byte that something looks at, or what takes as long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    left: usize,
    taken: usize,
}

impl Work {
    pub(crate) fn new(steps: usize) -> Self {
        Self { left: steps, taken: 0 }
    }

    /// So many steps more, whatever was spent.
    pub(crate) fn allow(&mut self, steps: usize) {
        self.left = steps;
    }

    /// So many steps more than before.
    pub(crate) fn add(&mut self, steps: usize) {
        if !self.is_spent() {
            self.left = self.left.saturating_add(steps);
        }
    }

    /// For looking at so many values, before anything is asked of their bytes.
    pub(crate) fn ask(&mut self, values: usize) {
        self.take(values.saturating_mul(QUESTION_STEPS));
    }

    /// For so many bytes, or as many steps of another kind.
    pub(crate) fn take(&mut self, steps: usize) {
        self.left = self.left.saturating_sub(steps);
        self.taken = self.taken.saturating_add(steps);
    }

    pub(crate) fn taken(self) -> usize {
        self.taken
    }

    pub(crate) fn is_spent(self) -> bool {
        self.left == 0
    }
}
