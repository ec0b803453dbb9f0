//! An authority in a house called `shop`, at a fixed moment.

use std::sync::Arc;
use std::time::Duration;

use ringwall_base::{ManualClock, Timestamp};
use ringwall_ca::{Authority, Settings, SpiffeId};
use ringwall_testkit::Sequence;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// 2026-11-21T22:30:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_300_200);

pub(crate) struct House {
    pub(crate) authority: Authority,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<Sequence>,
}

pub(crate) fn settings() -> Settings {
    Settings { permitted_dns: vec!["localhost".to_owned()], ..Settings::new("shop") }
}

pub(crate) fn house(settings: Settings) -> House {
    let clock = Arc::new(ManualClock::at(NOW));
    let entropy = Arc::new(Sequence::from_seed(7));
    let (held_clock, held_entropy) = (Arc::clone(&clock), Arc::clone(&entropy));
    let authority = Authority::create(settings, held_clock, held_entropy).unwrap();
    House { authority, clock, entropy }
}

pub(crate) fn orders() -> SpiffeId {
    SpiffeId::parse("spiffe://shop/service/orders").unwrap()
}
