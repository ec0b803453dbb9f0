//! Who is at fault when something fails: the only thing that an edge needs to know.

/// The party that must act before a retry can work.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fault {
    /// The one who asked: a malformed or forbidden request (4xx).
    Caller,
    /// The operator: a wrong configuration (500).
    Operator,
    /// Ringwall itself (500).
    Ours,
    /// The service behind, or the disk, or another machine (502, 503, 504).
    Upstream,
}
