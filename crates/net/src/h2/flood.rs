//! What frames may cost that ask for work and bring none.

use std::time::Duration;

/// Frames that one HTTP/2 connection may send within [`FrameLimits::window`]. Each number is far
/// above what a real client sends, and far below what would cost a core.
#[derive(Clone, Copy, Debug)]
pub struct FrameLimits {
    /// What the numbers are counted in.
    pub window: Duration,
    /// CONTINUATION (CVE-2024-27316 and its kin). What one header section may have is bounded by
    /// its size as well.
    pub continuations_max: u32,
    /// DATA without a byte and without an end (CVE-2019-9518).
    pub empties_max: u32,
    /// PING that asks for an answer (CVE-2019-9512).
    pub pings_max: u32,
    /// PRIORITY, and frames of unknown types (CVE-2019-9513).
    pub priorities_max: u32,
    /// `RST_STREAM`: work that was started and then taken back (CVE-2023-44487).
    pub resets_max: u32,
    /// SETTINGS that ask for an answer (CVE-2019-9515).
    pub settings_max: u32,
    /// `WINDOW_UPDATE` beyond those that belong to what was sent.
    pub windows_max: u32,
}

/// A kind of frames of which a peer sent more than [`FrameLimits`] allow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Flood {
    /// CONTINUATION.
    Continuations,
    /// Empty DATA.
    Empties,
    /// PING.
    Pings,
    /// PRIORITY and unknown types.
    Priorities,
    /// `RST_STREAM`.
    Resets,
    /// SETTINGS.
    Settings,
    /// `WINDOW_UPDATE`.
    Windows,
}

impl Flood {
    /// The cause, for the operator only.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Continuations => "too many CONTINUATION frames",
            Self::Empties => "too many empty DATA frames",
            Self::Pings => "too many PING frames",
            Self::Priorities => "too many PRIORITY or unknown frames",
            Self::Resets => "too many streams opened and reset",
            Self::Settings => "too many SETTINGS frames",
            Self::Windows => "too many WINDOW_UPDATE frames",
        }
    }
}

impl FrameLimits {
    pub(super) fn max(&self, kind: Flood) -> u32 {
        match kind {
            Flood::Continuations => self.continuations_max,
            Flood::Empties => self.empties_max,
            Flood::Pings => self.pings_max,
            Flood::Priorities => self.priorities_max,
            Flood::Resets => self.resets_max,
            Flood::Settings => self.settings_max,
            Flood::Windows => self.windows_max,
        }
    }
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            continuations_max: 1_000,
            empties_max: 100,
            // A gRPC client that measures its bandwidth sends one a round trip while data comes.
            pings_max: 1_000,
            priorities_max: 1_000,
            // A browser that leaves a page takes back its open streams, once.
            resets_max: 500,
            settings_max: 100,
            windows_max: 2_000,
        }
    }
}
