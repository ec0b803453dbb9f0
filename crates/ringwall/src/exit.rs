//! What the process ends with.

use std::process::ExitCode;

/// The exit codes of all commands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// Everything was done.
    Ok,
    /// It failed (I/O, internal).
    Failed,
    /// The manifest is invalid (RW0, RW1).
    Invalid,
    /// Findings or changes are pending, or an expectation is broken.
    Findings,
    /// The server is unreachable, or it did not permit it.
    Unreachable,
    /// A child process ended with this code.
    Child(u8),
}

impl Exit {
    /// As the operating system wants it. 2 is clap's, for usage.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Invalid => 3,
            Self::Findings => 4,
            Self::Unreachable => 5,
            Self::Child(code) => code,
        })
    }
}
