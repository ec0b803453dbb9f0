//! How long a call may take: as long as its operation, and no longer than its client waits.

use std::time::Duration;

use http::HeaderMap;

/// The time for an answer: `limit`, or what a gRPC client says in `grpc-timeout` if that is less.
/// A value that is none is left to the service, which refuses it.
pub(super) fn within(limit: Duration, fields: &HeaderMap) -> Duration {
    let said = fields.get(GRPC_TIMEOUT).and_then(|value| parse(value.as_bytes()));
    said.map_or(limit, |said| said.min(limit))
}

/// Eight digits at most, and a unit.
fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(count.saturating_mul(3_600)),
        b'M' => Duration::from_secs(count.saturating_mul(60)),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _other => return None,
    })
}

const GRPC_TIMEOUT: &str = "grpc-timeout";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(said: &'static str) -> Duration {
        let mut fields = HeaderMap::new();
        fields.insert(GRPC_TIMEOUT, HeaderValue::from_static(said));
        within(Duration::from_secs(30), &fields)
    }

    #[test]
    fn a_client_can_shorten_the_time_and_not_lengthen_it() {
        assert_eq!(of("5S"), Duration::from_secs(5));
        assert_eq!(of("250m"), Duration::from_millis(250));
        assert_eq!(of("99999999n"), Duration::from_nanos(99_999_999));
        for longer in ["1M", "99999999H", "31S"] {
            assert_eq!(of(longer), Duration::from_secs(30), "{longer}");
        }
        for none in ["", "S", "5", "5s", "-5S", "123456789m", "5 S"] {
            assert_eq!(of(none), Duration::from_secs(30), "{none}");
        }
        assert_eq!(within(Duration::from_secs(30), &HeaderMap::new()), Duration::from_secs(30));
    }
}
