//! Names are looked up again, whatever became of the last look-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringwall_base::Entropy;
use ringwall_gateway::Discovery;
use ringwall_manifest::{Address, Upstream as At};
use ringwall_net::{Resolver, ResolverSettings};

use crate::fleet::{Fleet, get, grants, model, service, status};
use crate::upstream::Upstream;

/// Dies when it is asked first.
#[derive(Debug, Default)]
struct Frail(AtomicBool);

impl Entropy for Frail {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), std::io::Error> {
        assert!(self.0.swap(true, Ordering::SeqCst), "dies");
        buffer.fill(7);
        Ok(())
    }
}

#[tokio::test]
async fn a_look_up_that_dies_is_said_and_begun_again() {
    let upstream = Upstream::plain();
    let mut users = service("users", upstream.address, &["home = GET /"]);
    let name = format!("dns:users.test:{}", upstream.address.port());
    let address = Address::Dns(format!("users.test:{}", upstream.address.port()));
    users.upstreams = vec![At { address, weight: 1, zone: None }];
    users.people.insert("anyone".to_owned(), grants(&["home"]));
    let fleet = Fleet::new(&model(vec![users]));
    let folder = tempfile::tempdir().unwrap();
    let (conf, hosts) = (folder.path().join("resolv.conf"), folder.path().join("hosts"));
    std::fs::write(&conf, "nameserver 127.0.0.1\n").unwrap();
    let time = Duration::from_millis(100);
    let settings = ResolverSettings { conf, hosts: hosts.clone(), time, records_max: 8 };
    let resolver = Resolver::new(settings, Arc::new(Frail::default()));
    let core = Arc::clone(&fleet.core);
    let mut discovery = Discovery::new(Arc::clone(&core), resolver, folder.path().to_owned());
    discovery.settle(Duration::from_secs(20)).await;
    let stale = core.stale_names();
    assert_eq!(stale.get(&name).map(String::as_str), Some("the look-up ended early"), "{stale:?}");
    // From now on the name needs no server.
    std::fs::write(&hosts, "127.0.0.1 users.test\n").unwrap();
    let edge = fleet.edge();
    let found = async {
        while !core.stale_names().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = discovery.run() => {}
        () = found => {}
    }
    let answer = tokio::task::spawn_blocking(move || get(edge, "/", &[])).await.unwrap();
    assert_eq!(status(&answer), 200, "{answer}");
}
