//! A file of upstreams: one address a line.
//!
//! ```text
//! # the old rack
//! 10.0.0.1:8080 weight=2
//! unix:/run/app.sock rank=1
//! ```

use crate::upstreams::Found;

/// Why a list is not taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ListError {
    /// Nothing is in it: more likely a mistake than a wish.
    #[error("it names no address")]
    Empty,
    /// A line that is none.
    #[error("line {line}: {why}")]
    Line {
        /// Counted from one.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The last line is not ended: the file is being written.
    #[error("its last line is not ended")]
    Open,
    /// Not text, or too much of it.
    #[error("it is not a list of at most {ADDRESSES_MAX} lines of text")]
    Text,
}

/// Reads a list, whole or not at all.
///
/// # Errors
/// When any line of it is wrong.
pub fn read_list(bytes: &[u8]) -> Result<Vec<Found>, ListError> {
    let text = std::str::from_utf8(bytes).map_err(|_binary| ListError::Text)?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(ListError::Open);
    }
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words.next() else { continue };
        let wrong = |why| ListError::Line { line: index.saturating_add(1), why };
        if !is_address(address) {
            return Err(wrong("not `host:port` or `unix:/path`"));
        }
        let mut one = Found { address: address.to_owned(), weight: 1, rank: 0 };
        for word in words {
            match word.split_once('=') {
                Some(("weight", number)) => {
                    let weight =
                        number.parse().ok().filter(|weight| (1..=WEIGHT_MAX).contains(weight));
                    one.weight = weight.ok_or(wrong("a weight is 1 to 1000"))?;
                }
                Some(("rank", number)) => {
                    let rank = number.parse().ok().filter(|rank| *rank <= RANK_MAX);
                    one.rank = rank.ok_or(wrong("a rank is 0 to 7"))?;
                }
                _ => return Err(wrong("not `weight=…` or `rank=…`")),
            }
        }
        if found.iter().any(|other: &Found| other.address == one.address) {
            return Err(wrong("this address is there twice"));
        }
        if found.len() >= ADDRESSES_MAX {
            return Err(ListError::Text);
        }
        found.push(one);
    }
    if found.is_empty() { Err(ListError::Empty) } else { Ok(found) }
}

fn is_address(text: &str) -> bool {
    if let Some(path) = text.strip_prefix("unix:") {
        return path.starts_with('/') && path.len() <= UNIX_BYTES_MAX;
    }
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=253).contains(&host.len())
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    is_port && is_host
}

/// As many as one service has in any fleet of our list.
const ADDRESSES_MAX: usize = 1_024;

/// Longer than a full list with comments.
pub(super) const FILE_BYTES_MAX: u64 = 256 * 1_024;

/// What the kernel takes as the path of a socket (unix(7)).
const UNIX_BYTES_MAX: usize = 107;

const WEIGHT_MAX: u32 = 1_000;
const RANK_MAX: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let text =
            "# old rack\n\n10.0.0.1:80 weight=2 # two\nunix:/run/a.sock rank=1\n[::1]:8080\n";
        let found = read_list(text.as_bytes()).unwrap();
        let told: Vec<_> = found.iter().map(|one| (&*one.address, one.weight, one.rank)).collect();
        assert_eq!(told, [("10.0.0.1:80", 2, 0), ("unix:/run/a.sock", 1, 1), ("[::1]:8080", 1, 0)]);
        for (text, line) in [
            ("10.0.0.1:80\n10.0.0.1\n", 2),
            ("10.0.0.1:0\n", 1),
            ("10.0.0.1:65536\n", 1),
            ("10.0.0.1:+80\n", 1),
            ("[::1:80\n", 1),
            ("a b:80\n", 1),
            ("http://a:80\n", 1),
            ("unix:run/a.sock\n", 1),
            ("a:80 weight=0\n", 1),
            ("a:80 weight=1001\n", 1),
            ("a:80 rank=8\n", 1),
            ("a:80 hight=1\n", 1),
            ("a:80\nb:80\na:80\n", 3),
        ] {
            let got = read_list(text.as_bytes());
            assert!(matches!(got, Err(ListError::Line { line: at, .. }) if at == line), "{text}");
        }
    }

    #[test]
    fn what_is_half_written_or_empty_is_not_taken() {
        assert_eq!(read_list(b"10.0.0.1:80\n10.0.0.2:8"), Err(ListError::Open));
        assert_eq!(read_list(b""), Err(ListError::Empty));
        assert_eq!(read_list(b"# nobody\n"), Err(ListError::Empty));
        assert_eq!(read_list(b"\xff\xfe\n"), Err(ListError::Text));
        let lines = |count: u32| {
            (0..count).fold(String::new(), |text, host| text + &format!("h{host}:80\n"))
        };
        let many = lines(1_025);
        assert_eq!(read_list(many.as_bytes()), Err(ListError::Text));
        let most = lines(1_024);
        assert_eq!(read_list(most.as_bytes()).unwrap().len(), 1_024);
    }
}
