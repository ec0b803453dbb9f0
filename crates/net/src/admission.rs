//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::counts::Unwelcome;

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
    /// Whose it is; not known yet while a load balancer has not said it.
    address: Option<IpAddr>,
}

impl Admission {
    pub(crate) fn new(max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { max, per_address_max, counts: Mutex::default() })
    }

    /// Takes a place; refused when there are too many in all.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Permit, Unwelcome> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= self.max {
            return Err(Unwelcome::Full);
        }
        counts.all = counts.all.saturating_add(1);
        Ok(Permit { admission: Arc::clone(self), address: None })
    }

    /// Takes a place for an address that is known.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Permit, Unwelcome> {
        let mut permit = self.enter()?;
        permit.name(address)?;
        Ok(permit)
    }
}

impl Permit {
    /// Says whose connection it is; refused when that address has too many.
    pub(crate) fn name(&mut self, address: IpAddr) -> Result<(), Unwelcome> {
        let address = customer(address);
        let mut counts = self.admission.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.by_address.entry(address).or_default();
        if *own >= self.admission.per_address_max {
            return Err(Unwelcome::Address);
        }
        *own = own.saturating_add(1);
        self.address = Some(address);
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.admission.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(own) = counts.by_address.get_mut(&address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.by_address.remove(&address);
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
        assert_eq!(admission.admit(one).unwrap_err(), Unwelcome::Address);
        let _third = admission.admit(other).unwrap();
        assert_eq!(admission.admit(other).unwrap_err(), Unwelcome::Full, "all places are taken");
        drop(first);
        assert!(admission.admit(one).is_ok());
    }

    #[test]
    fn addresses_of_one_customer_count_together() {
        let admission = Admission::new(9, 1);
        let _held = admission.admit("2001:db8::1".parse().unwrap()).unwrap();
        assert!(admission.admit("2001:db8::ffff:1".parse().unwrap()).is_err());
        assert!(admission.admit("2001:db8:0:1::1".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_refused_name_gives_its_place_back() {
        let admission = Admission::new(2, 1);
        let one = "10.0.0.1".parse().unwrap();
        let _held = admission.admit(one).unwrap();
        assert!(admission.admit(one).is_err());
        let mut nameless = admission.enter().unwrap();
        assert_eq!(nameless.name(one), Err(Unwelcome::Address));
        drop(nameless);
        assert!(admission.admit("10.0.0.2".parse().unwrap()).is_ok());
    }
}
