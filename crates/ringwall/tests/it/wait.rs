//! Bounded waiting: nothing here sleeps for a fixed time and hopes.

use std::sync::mpsc;
use std::time::Duration;

/// Looks again and again until there is something, and fails after about half a minute.
#[track_caller]
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(1_200, look).unwrap_or_else(|| panic!("waited in vain: {what}"))
}

/// Looks at most that often, 25 ms apart.
pub(crate) fn within<T>(looks: usize, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..looks {
        if let Some(found) = look() {
            return Some(found);
        }
        pause(Duration::from_millis(25));
    }
    None
}

/// The interval between two looks. Nobody ever sends on this channel.
pub(crate) fn pause(time: Duration) {
    let (_sender, nothing) = mpsc::channel::<()>();
    assert_eq!(nothing.recv_timeout(time), Err(mpsc::RecvTimeoutError::Timeout));
}
