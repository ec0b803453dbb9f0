//! `@ipMatch`: addresses and networks.

use std::net::IpAddr;

/// A network, or one address with all bits fixed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    is_v4: bool,
    bits: u128,
    mask: u128,
}

impl Network {
    /// `None` when the prefix is longer than the address.
    pub(crate) fn new(address: IpAddr, prefix: Option<u8>) -> Option<Self> {
        let (is_v4, bits) = number(address);
        let length = if is_v4 { 32 } else { 128 };
        let prefix = u32::from(prefix.unwrap_or(length));
        let free = u32::from(length).checked_sub(prefix)?;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Some(Self { is_v4, bits: bits & mask, mask })
    }

    fn holds(&self, is_v4: bool, bits: u128) -> bool {
        self.is_v4 == is_v4 && bits & self.mask == self.bits
    }
}

pub(super) fn is_in(value: &[u8], networks: &[Network]) -> bool {
    let address = std::str::from_utf8(value).ok().and_then(|text| text.parse::<IpAddr>().ok());
    address.is_some_and(|address| {
        let (is_v4, bits) = number(address);
        networks.iter().any(|network| network.holds(is_v4, bits))
    })
}

fn number(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (true, u128::from(address.to_bits())),
        IpAddr::V6(address) => (false, address.to_bits()),
    }
}
