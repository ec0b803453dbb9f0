//! Why no engine can be built: all reasons at once, each with its place.

use std::fmt;

use ringwall_base::Place;

/// Why no engine can be built. Nothing is loaded when one line is wrong.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct BuildError {
    /// At least one, in the order of the input.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
}

impl Problem {
    pub(crate) fn new(place: &Place, message: String) -> Self {
        Self { place: place.clone(), message, help: None }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", problem.place, problem.message)?;
        }
        Ok(())
    }
}
