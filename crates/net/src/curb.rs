//! What clients passed limits with, once their connection was welcome. Each kind is counted, so that
//! an operator sees an attack by its name.

use ringwall_base::RequestId;

use crate::{Answer, Flood, Peer, Violation};

/// A limit that a client passed. Something was refused, left out or cut off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Curb {
    /// Connected, and sent nothing.
    Silent,
    /// A head that trickles.
    SlowHead,
    /// A body that stands still or trickles.
    SlowBody,
    /// An answer that its client does not take.
    SlowReader,
    /// HTTP/2: the same, of one stream.
    StalledStream,
    /// A head, a target or a header list, over its limit.
    LargeHead,
    /// Cookies over their limit.
    LargeCookies,
    /// Ranges that cost more than the whole.
    Ranges,
    /// HTTP/2: streams that had to be reset.
    StreamErrors,
    /// HTTP/2: streams that were opened and taken back.
    Resets,
    /// HTTP/2: CONTINUATION.
    Continuations,
    /// HTTP/2: SETTINGS.
    Settings,
    /// HTTP/2: PING.
    Pings,
    /// HTTP/2: empty DATA.
    Empties,
    /// HTTP/2: PRIORITY and unknown types.
    Priorities,
    /// HTTP/2: `WINDOW_UPDATE`.
    Windows,
}

impl Curb {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 16] = [
        Self::Silent,
        Self::SlowHead,
        Self::SlowBody,
        Self::SlowReader,
        Self::StalledStream,
        Self::LargeHead,
        Self::LargeCookies,
        Self::Ranges,
        Self::StreamErrors,
        Self::Resets,
        Self::Continuations,
        Self::Settings,
        Self::Pings,
        Self::Empties,
        Self::Priorities,
        Self::Windows,
    ];

    /// The limit as a label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::SlowHead => "slow_head",
            Self::SlowBody => "slow_body",
            Self::SlowReader => "slow_reader",
            Self::StalledStream => "h2_stalled_stream",
            Self::LargeHead => "large_head",
            Self::LargeCookies => "large_cookies",
            Self::Ranges => "ranges",
            Self::StreamErrors => "h2_stream_errors",
            Self::Resets => "h2_resets",
            Self::Continuations => "h2_continuations",
            Self::Settings => "h2_settings",
            Self::Pings => "h2_pings",
            Self::Empties => "h2_empty_data",
            Self::Priorities => "h2_priorities",
            Self::Windows => "h2_window_updates",
        }
    }

    /// What is counted, and what became of it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Silent => "connections closed because nothing came",
            Self::SlowHead => "heads that were not whole in time, answered 408",
            Self::SlowBody => "request bodies that stood still or trickled, cut off",
            Self::SlowReader => "connections whose client did not take its answer, cut off",
            Self::StalledStream => "HTTP/2 streams whose client did not take its answer, reset",
            Self::LargeHead => "heads, targets and header lists over their limit, refused",
            Self::LargeCookies => "requests with cookies over 16 KiB, refused",
            Self::Ranges => "requests for many or overlapping ranges, which got the whole",
            Self::StreamErrors => "HTTP/2: streams reset because of what the client sent",
            Self::Resets => "HTTP/2 rapid reset, connection closed",
            Self::Continuations => "HTTP/2 CONTINUATION flood, connection closed",
            Self::Settings => "HTTP/2 SETTINGS flood, connection closed",
            Self::Pings => "HTTP/2 PING flood, connection closed",
            Self::Empties => "HTTP/2 flood of empty DATA, connection closed",
            Self::Priorities => "HTTP/2 flood of PRIORITY or unknown frames, connection closed",
            Self::Windows => "HTTP/2 WINDOW_UPDATE flood, connection closed",
        }
    }

    /// The limit behind a violation. Most are no matter of limits.
    fn of(violation: Violation) -> Option<Self> {
        if violation.is_limit() {
            return Some(Self::LargeHead);
        }
        if let Violation::Flood(flood) = violation {
            return Some(Self::of_flood(flood));
        }
        let known = [
            (Violation::Slow, Self::SlowHead),
            (Violation::Stalled, Self::SlowReader),
            (Violation::Stream, Self::StreamErrors),
        ];
        known.into_iter().find(|(of, _)| *of == violation).map(|(_, curb)| curb)
    }

    const fn of_flood(flood: Flood) -> Self {
        match flood {
            Flood::Continuations => Self::Continuations,
            Flood::Empties => Self::Empties,
            Flood::Pings => Self::Pings,
            Flood::Priorities => Self::Priorities,
            Flood::Resets => Self::Resets,
            Flood::Settings => Self::Settings,
            Flood::Windows => Self::Windows,
        }
    }
}

/// Tells the one who answers of a refusal, and counts the limit behind it.
pub(crate) fn refuse(answer: &dyn Answer, peer: &Peer, violation: Violation) -> RequestId {
    if let Some(curb) = Curb::of(violation) {
        peer.curb(curb);
    }
    answer.refused(peer, violation)
}
