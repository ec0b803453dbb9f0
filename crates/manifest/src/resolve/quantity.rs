//! Texts with a quantity in them: durations, sizes, rates, addresses.

use std::time::Duration;

use crate::model::{Rate, RateKey};

/// `5s`, `250ms`, `10m`, `1h`, `30d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let millis = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let total = number.checked_mul(millis)?;
    (total > 0 && total <= DURATION_MILLIS_MAX).then(|| Duration::from_millis(total))
}

/// `16 KiB`, `1 MiB`, `500 B`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let factor = match unit.trim() {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1_024,
        "MB" => 1_000_000,
        "MiB" => 1_048_576,
        "GB" => 1_000_000_000,
        "GiB" => 1_073_741_824,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// `100 per minute per user`; `per user` may be left out.
pub(super) fn rate(text: &str) -> Option<Rate> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (count, unit, key) = match words.as_slice() {
        [count, "per", unit] => (count, unit, RateKey::User),
        [count, "per", unit, "per", key] => (
            count,
            unit,
            match *key {
                "account" => RateKey::Account,
                "ip" => RateKey::Ip,
                "user" => RateKey::User,
                _ => return None,
            },
        ),
        _ => return None,
    };
    let per = match *unit {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    Some(Rate { count, per: Duration::from_secs(per), key })
}

/// Whether a text is `host:port`, as in `127.0.0.1:5001`, `users:80` or `[::1]:80`.
pub(super) fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port =
        port.parse::<u16>().is_ok_and(|port| port > 0) && port.chars().all(|c| c.is_ascii_digit());
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    };
    is_port && is_host
}

/// Whether a text is a DNS name or an IPv4 address.
pub(super) fn is_host_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        })
}

/// Whether a text is an absolute `http(s)` address with a host, and without user or fragment.
pub(super) fn is_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    let is_plain = !rest.contains(['#', '@', ' ', '\\']) && rest.is_ascii();
    is_plain && (is_host_name(authority) || is_address(authority))
}

/// Whether a text is a path: one leading slash, no query, no dot segments, plain characters.
pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.contains("//")
        && text.split('/').all(|part| part != "." && part != "..")
        && text.chars().all(|c| c.is_ascii_graphic() && !"?#%\\\"<>^`|;".contains(c))
}

/// A hundred years.
const DURATION_MILLIS_MAX: u64 = 36_500 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let check = |text, want: Option<u64>| {
            assert_eq!(duration(text), want.map(Duration::from_millis), "{text}");
        };
        check("5s", Some(5_000));
        check("250ms", Some(250));
        check("10 m", Some(600_000));
        check("30d", Some(2_592_000_000));
        check("0s", None);
        check("5", None);
        check("5 parsecs", None);
        check("99999999999999999999d", None);
        check("", None);
        check("日", None);
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(bytes("16 KiB"), Some(16_384));
        assert_eq!(bytes("1MiB"), Some(1_048_576));
        assert_eq!(bytes("16"), None);
        assert_eq!(bytes("99999999999999 GiB"), None);
    }

    #[test]
    fn rates_read_like_english() {
        let per = |count, secs, key| Some(Rate { count, per: Duration::from_secs(secs), key });
        assert_eq!(rate("100 per minute per user"), per(100, 60, RateKey::User));
        assert_eq!(rate("10 per hour per ip"), per(10, 3_600, RateKey::Ip));
        assert_eq!(rate("5 per second"), per(5, 1, RateKey::User));
        assert_eq!(rate("0 per second"), None);
        assert_eq!(rate("5 per fortnight"), None);
        assert_eq!(rate("5 per minute per tribe"), None);
        assert_eq!(rate("5/min"), None);
    }

    #[test]
    fn addresses_have_host_and_port() {
        for good in ["127.0.0.1:5001", "users:80", "[::1]:80", "user_service:1", "a.b.c:65535"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["127.0.0.1", ":80", "a:0", "a:65536", "a b:1", "::1:80", "http://a:1", "a:+1"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
