//! Sets of addresses, as operators write them: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`.

use std::net::IpAddr;
use std::str::FromStr;

/// Networks that are treated otherwise than the rest. The empty set contains nobody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Networks(Vec<Network>);

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Network {
    /// Its first address as a number; IPv4 in the lowest 32 bits.
    bits: u128,
    /// How many bits at the end are free.
    free: u32,
    is_v4: bool,
}

/// Why a text is no network.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no network; write an address and its length, such as 10.0.0.0/8")]
pub struct NetworkError(String);

impl Networks {
    /// Reads one network from each text.
    ///
    /// # Errors
    /// When one is no network, or has bits set behind its length, which is a typing mistake.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, NetworkError> {
        texts.into_iter().map(|text| text.as_ref().parse()).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address is in one of them. An IPv4 address that a dual-stack socket reports as
    /// `::ffff:192.0.2.7` is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, is_v4) = number(address.to_canonical());
        self.0
            .iter()
            .any(|network| network.is_v4 == is_v4 && first_of(bits, network.free) == network.bits)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_unreadable| wrong())?;
        let (bits, is_v4) = number(address);
        let width = if is_v4 { 32 } else { 128 };
        let length = match length {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_unreadable| wrong())?
            }
            Some(_signed) => return Err(wrong()),
        };
        let free = u32::checked_sub(width, length).ok_or_else(wrong)?;
        if first_of(bits, free) == bits { Ok(Self { bits, free, is_v4 }) } else { Err(wrong()) }
    }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    }
}

/// The first address of the network of `bits`.
fn first_of(bits: u128, free: u32) -> u128 {
    let mask = u128::MAX.checked_shl(free).unwrap_or(0);
    bits & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_first_and_its_last_address_and_not_the_next() {
        let networks = Networks::parse(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]).unwrap();
        for (address, is_in) in [
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("::ffff:10.1.2.3", true),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::a00:1", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), is_in, "{address}");
        }
        assert!(Networks::parse(["0.0.0.0/0"]).unwrap().contains("1.2.3.4".parse().unwrap()));
        assert!(Networks::parse(["::/0"]).unwrap().contains("::1".parse().unwrap()));
        assert!(!Networks::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/+8", "10/8", "::/129", "a/8", "/"] {
            assert!(Networks::parse([text]).is_err(), "{text}");
        }
    }
}
