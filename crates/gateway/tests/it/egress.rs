//! The door to a partner: what the manifest in force lists, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringwall_gateway::Egress;
use ringwall_manifest::{Model, Partner};

use crate::fleet::{Fleet, code, get, grants, model, service, status};
use crate::upstream::Upstream;

fn shop(stub: &Upstream, paths: &[&str]) -> Model {
    let orders = service("orders", stub.address, &["home = GET /"]);
    let mut model = model(vec![orders]);
    let url = format!("http://{}", stub.address);
    let mut partner = Partner { url, ..Partner::default() };
    partner.callers.insert("orders".to_owned(), grants(paths));
    model.partners.insert("bank".to_owned(), partner);
    model
}

#[test]
fn a_grant_that_is_taken_back_holds_no_longer() {
    let stub = Upstream::plain();
    let granted = shop(&stub, &["GET /rates"]);
    let fleet = Fleet::new(&granted);
    let egress = Egress::build(&fleet.core, "orders", "bank", &granted.partners["bank"]).unwrap();
    let door = fleet.open(Arc::new(egress), ringwall_net::Door::Outbound(Arc::from("orders")));
    assert_eq!(status(&get(door, "/rates", &[])), 200);
    assert_eq!(code(&get(door, "/pay", &[])), "RW3001");
    for next in [shop(&stub, &["GET /pay"]), model(vec![])] {
        fleet.core.load(&next, &BTreeMap::new(), None).unwrap();
        assert_eq!(code(&get(door, "/rates", &[])), "RW3001");
    }
    assert_eq!(stub.seen().len(), 1);
    // A partner that moved is not asked at its old address.
    let elsewhere = Upstream::plain();
    fleet.core.load(&shop(&elsewhere, &["GET /rates"]), &BTreeMap::new(), None).unwrap();
    assert_eq!(code(&get(door, "/rates", &[])), "RW3015");
    assert_eq!(stub.seen().len(), 1);
}
