use std::sync::atomic::AtomicUsize;

use ringwall_balance::Ask;
use ringwall_manifest::{Address, Service, Upstream};
use ringwall_net::DialTcp;

use super::*;

const NOW: Duration = Duration::from_secs(100);

/// Counts the targets that it makes.
#[derive(Debug, Default)]
struct Made(AtomicUsize);

impl Reach for Made {
    fn app(&self, _service: &str, address: &str, settings: TargetSettings) -> Arc<Target> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Target::with(Arc::new(DialTcp(address.parse().unwrap())), None, settings)
    }

    fn door(&self, _caller: &str, _callee: &str) -> Option<Arc<Target>> {
        None
    }
}

fn upstreams() -> (Upstreams, Arc<Made>) {
    let made = Arc::new(Made::default());
    let name = Name { kind: "app", service: "shop".to_owned(), caller: String::new() };
    (Upstreams::new(name, Arc::<Made>::clone(&made)), made)
}

fn plan(addresses: &[&str]) -> Plan {
    let upstreams = addresses.iter().map(|text| {
        let address = match text.strip_prefix("dns:") {
            Some(name) => Address::Dns(name.to_owned()),
            None => Address::Tcp((*text).to_owned()),
        };
        Upstream { address, weight: 1, zone: None }
    });
    Plan::app(&Service { upstreams: upstreams.collect(), ..Service::default() })
}

fn addresses(upstreams: &Upstreams) -> Vec<String> {
    upstreams.endpoints().iter().map(|one| one.address().to_owned()).collect()
}

fn found(addresses: &[&str]) -> Vec<Found> {
    let one = |text: &&str| Found { address: (*text).to_owned(), weight: 1, rank: 0 };
    addresses.iter().map(one).collect()
}

#[test]
fn a_reload_keeps_what_is_known_of_endpoints_that_stay() {
    let (shop, made) = upstreams();
    shop.apply(plan(&["127.0.0.1:1", "127.0.0.1:2"]), NOW);
    shop.endpoints()[1].mark(false, NOW);
    let first = Arc::clone(&shop.endpoints()[0]);
    let _busy = first.state().enter();
    shop.apply(plan(&["127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:1"]), NOW);
    let after = shop.endpoints();
    assert_eq!(addresses(&shop), ["127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:1"]);
    assert!(!after[0].state().is_available(NOW));
    assert_eq!(after[2].state().in_flight(), 1);
    assert_eq!(made.0.load(Ordering::Relaxed), 3);
}

#[test]
fn a_name_stands_for_what_was_found_and_the_others_stay() {
    let (shop, made) = upstreams();
    shop.apply(plan(&["127.0.0.1:1", "dns:shop:80"]), NOW);
    assert_eq!(shop.sources(), ["dns:shop:80"]);
    assert_eq!(addresses(&shop), ["127.0.0.1:1"]);
    shop.replace("dns:shop:80", found(&["127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:1"]), NOW);
    assert_eq!(addresses(&shop), ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]);
    // A reload does not wait for the next look-up.
    shop.apply(plan(&["dns:shop:80", "127.0.0.1:1"]), NOW);
    assert_eq!(addresses(&shop), ["127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:1"]);
    shop.replace("dns:shop:80", found(&["127.0.0.1:3"]), NOW);
    assert_eq!(addresses(&shop), ["127.0.0.1:3", "127.0.0.1:1"]);
    assert_eq!(made.0.load(Ordering::Relaxed), 3);
    shop.apply(plan(&["127.0.0.1:1"]), NOW);
    assert_eq!(addresses(&shop), ["127.0.0.1:1"]);
}

#[test]
fn without_endpoints_nobody_is_picked() {
    let (shop, _made) = upstreams();
    assert!(shop.roster().pick(&Ask::default()).is_none());
}
