//! rustls-webpki, which the product itself verifies with, agrees.

use std::time::Duration;

use ringwall_base::Timestamp;
use ringwall_ca::{Authority, Certificate};
use rustls_pki_types::{ServerName, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::house::{DAY, HOUR, House, NOW, house, orders, settings};

const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[webpki::aws_lc_rs::ECDSA_P256_SHA256];

fn verify(
    authority: &Authority,
    leaf: &Certificate,
    at: Timestamp,
    usage: KeyUsage,
) -> Result<(), Error> {
    let bundle = authority.bundle();
    let anchors: Vec<_> = bundle.iter().map(|der| anchor_from_trusted_cert(der).unwrap()).collect();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(at.secs()));
    let (leaf, intermediates) = leaf.chain().split_first().unwrap();
    EndEntityCert::try_from(leaf)
        .unwrap()
        .verify_for_usage(ALGORITHMS, &anchors, intermediates, time, usage, None, None)
        .map(drop)
}

#[test]
fn a_workload_chain_is_accepted_in_both_directions() {
    let House { authority, .. } = house(settings());
    let leaf = authority.issue_workload(&orders(), HOUR).unwrap();
    assert_eq!(verify(&authority, &leaf, NOW, KeyUsage::client_auth()), Ok(()));
    assert_eq!(verify(&authority, &leaf, NOW, KeyUsage::server_auth()), Ok(()));
    let cert = EndEntityCert::try_from(leaf.chain().first().unwrap()).unwrap();
    let uris: Vec<&str> = cert.valid_uri_names().collect();
    assert_eq!(uris, ["spiffe://shop/service/orders"]);
    assert_eq!(cert.valid_dns_names().count(), 0);
}

#[test]
fn a_server_chain_is_accepted_for_its_names_and_as_server_only() {
    let House { authority, .. } = house(settings());
    let leaf = authority.issue_server(&["shop.localhost", "127.0.0.1"]).unwrap();
    assert_eq!(verify(&authority, &leaf, NOW, KeyUsage::server_auth()), Ok(()));
    assert!(verify(&authority, &leaf, NOW, KeyUsage::client_auth()).is_err());
    let cert = EndEntityCert::try_from(leaf.chain().first().unwrap()).unwrap();
    for (name, want) in [("shop.localhost", true), ("127.0.0.1", true), ("x.localhost", false)] {
        let name = ServerName::try_from(name).unwrap();
        assert_eq!(cert.verify_is_valid_for_subject_name(&name).is_ok(), want, "{name:?}");
    }
}

#[test]
fn an_expired_leaf_and_a_foreign_root_are_refused() {
    let House { authority, .. } = house(settings());
    let leaf = authority.issue_workload(&orders(), HOUR).unwrap();
    let end = leaf.not_after();
    assert_eq!(verify(&authority, &leaf, end, KeyUsage::client_auth()), Ok(()));
    let late = end.plus(Duration::from_secs(1));
    assert!(verify(&authority, &leaf, late, KeyUsage::client_auth()).is_err());
    let other = house(settings()).authority;
    assert!(verify(&other, &leaf, NOW, KeyUsage::client_auth()).is_err());
}

#[test]
fn leaves_of_an_old_intermediate_stay_good_after_its_renewal() {
    let House { mut authority, clock, .. } = house(settings());
    clock.advance(DAY * 61);
    assert!(authority.renew_at() <= NOW.plus(DAY * 61));
    let old = authority.issue_workload(&orders(), HOUR).unwrap();
    authority.renew_intermediate().unwrap();
    let new = authority.issue_workload(&orders(), HOUR).unwrap();
    assert_ne!(old.chain().last(), new.chain().last());
    let now = NOW.plus(DAY * 61);
    for leaf in [old, new] {
        assert_eq!(verify(&authority, &leaf, now, KeyUsage::client_auth()), Ok(()));
    }
}
