//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts open connections over all threads. Touched when a connection opens and closes only.
#[derive(Debug)]
pub(crate) struct Admission {
    max: usize,
    per_address_max: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A counted connection.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Admission {
    pub(crate) fn new(max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { max, per_address_max, counts: Mutex::default() })
    }

    /// `None` when there are too many already.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let address = customer(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= self.max {
            return None;
        }
        let own = counts.by_address.entry(address).or_default();
        if *own >= self.per_address_max {
            return None;
        }
        *own = own.saturating_add(1);
        counts.all = counts.all.saturating_add(1);
        Some(Permit { admission: Arc::clone(self), address })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.admission.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        if let Some(own) = counts.by_address.get_mut(&self.address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// One IPv6 customer has a whole /64: 2^64 addresses of his own.
fn customer(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => v6
            .to_ipv4_mapped()
            .map_or_else(|| IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()), IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_free_place_is_given_and_the_next_refused() {
        let admission = Admission::new(3, 2);
        let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let first = admission.admit(one).unwrap();
        let _second = admission.admit(one).unwrap();
        assert!(admission.admit(one).is_none());
        let _third = admission.admit(other).unwrap();
        assert!(admission.admit(other).is_none(), "all places are taken");
        drop(first);
        assert!(admission.admit(one).is_some());
    }

    #[test]
    fn addresses_of_one_customer_count_together() {
        let admission = Admission::new(9, 1);
        let _held = admission.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(admission.admit("2001:db8::ffff:1".parse().unwrap()).is_none());
        assert!(admission.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
