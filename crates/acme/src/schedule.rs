//! When to renew, and when to try again. Values in, values out.

use std::time::Duration;

use ringwall_base::Timestamp;

/// How long a certificate is good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Life {
    pub(crate) begin: Timestamp,
    pub(crate) end: Timestamp,
}

/// A part of `whole`: `dice` of 65,536.
fn part(whole: Duration, dice: u16) -> Duration {
    whole.checked_div(65_536).unwrap_or_default().saturating_mul(u32::from(dice))
}

/// After two thirds of its life, and up to a twentieth of it later, so that a fleet that started
/// together does not renew together.
pub(crate) fn renew_at(life: Life, dice: u16) -> Timestamp {
    let whole = life.end.since(life.begin);
    let third = whole.checked_div(3).unwrap_or_default();
    let jitter = part(whole.checked_div(20).unwrap_or_default(), dice);
    life.begin.plus(third.saturating_mul(2).saturating_add(jitter))
}

/// RFC 9773 section 4.2: a random moment of the window; at once when it has passed.
pub(crate) fn renew_in(window: Life, dice: u16) -> Timestamp {
    window.begin.plus(part(window.end.since(window.begin), dice))
}

/// After so many failures in a row: a minute, two, four, up to six hours, and never before the
/// server wants to see us again. Half of it is random.
pub(crate) fn retry_after(failures: u32, said: Option<Duration>, dice: u16) -> Duration {
    let doublings = failures.saturating_sub(1).min(DOUBLINGS_MAX);
    let base = FIRST_RETRY.saturating_mul(1 << doublings).min(LAST_RETRY);
    let half = base.checked_div(2).unwrap_or_default();
    let own = half.saturating_add(part(half, dice));
    // A server cannot switch renewal off for longer than a day.
    own.max(said.unwrap_or_default().min(SAID_MAX))
}

const FIRST_RETRY: Duration = Duration::from_mins(1);
const LAST_RETRY: Duration = Duration::from_hours(6);
const DOUBLINGS_MAX: u32 = 9;
const SAID_MAX: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn a_certificate_is_renewed_after_two_thirds_of_its_life() {
        let life = Life { begin: at(1_000), end: at(1_000 + 90 * 86_400) };
        assert_eq!(renew_at(life, 0), at(1_000 + 60 * 86_400));
        let latest = renew_at(life, u16::MAX);
        assert!(latest > at(1_000 + 64 * 86_400) && latest < at(1_000 + 65 * 86_400), "{latest:?}");
    }

    #[test]
    fn a_suggested_window_is_used_over_its_whole_width() {
        let window = Life { begin: at(100), end: at(200) };
        assert_eq!(renew_in(window, 0), at(100));
        assert!(renew_in(window, u16::MAX) > at(199) && renew_in(window, u16::MAX) < at(200));
    }

    #[test]
    fn failures_are_followed_by_longer_and_longer_pauses() {
        let minutes = |failures, dice| retry_after(failures, None, dice).as_secs();
        assert_eq!(minutes(1, 0), 30);
        assert!((59..=60).contains(&minutes(1, u16::MAX)));
        assert_eq!(minutes(2, 0), 60);
        assert_eq!(minutes(5, 0), 480);
        assert_eq!(minutes(40, 0), 3 * 3_600);
    }

    #[test]
    fn a_server_that_limits_rates_is_left_alone_for_as_long_as_it_says_and_a_day_at_most() {
        let said = |secs| retry_after(1, Some(Duration::from_secs(secs)), 0).as_secs();
        assert_eq!(said(3_600), 3_600);
        assert_eq!(said(1), 30);
        assert_eq!(said(90 * 86_400), 86_400);
    }
}
