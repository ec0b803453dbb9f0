//! Orders, renewals and failures.

use std::time::Duration;

use ringwall_acme::{Challenge, Keeper};
use ringwall_base::Clock as _;

use crate::apart::is_apart;
use crate::lab::Lab;

#[tokio::test]
async fn both_challenges_give_a_certificate_that_clients_trust() {
    if !is_apart("orders::both_challenges_give_a_certificate_that_clients_trust") {
        return;
    }
    let lab = Lab::open();
    for challenge in [Challenge::Http01, Challenge::TlsAlpn01] {
        let names: &[&str] = match challenge {
            Challenge::Http01 => &["a.test"],
            Challenge::TlsAlpn01 => &["a.test", "b.test"],
        };
        assert!(!lab.is_trusted(names[names.len() - 1]), "{challenge:?}");
        let kept = lab.acme(names, challenge).order(None).await.unwrap();
        lab.certificates.replace(std::slice::from_ref(kept.certificate()), None);
        for name in names {
            assert!(lab.is_trusted(name), "{challenge:?} {name}");
        }
        assert!(kept.expires() > lab.clock.now());
    }
    // Account and certificate: one record each, and the account was used twice.
    assert_eq!(lab.drawer.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_keeper_renews_in_time_and_keeps_the_last_good_one_while_the_server_is_away() {
    let own =
        "orders::a_keeper_renews_in_time_and_keeps_the_last_good_one_while_the_server_is_away";
    if !is_apart(own) {
        return;
    }
    let mut lab = Lab::open();
    let keeper = || Keeper::new(lab.acme(&["a.test"], Challenge::TlsAlpn01)).unwrap();
    let mut first = keeper();
    assert!(first.kept().is_none());
    let end = first.tend().await.unwrap().unwrap().expires();
    assert!(first.tend().await.unwrap().is_none(), "nothing is due");
    // A new start takes what is kept.
    let mut keeper = keeper();
    assert_eq!(keeper.kept().unwrap().expires(), end);
    // 90 minutes: due after 60, and at 64.5 at the latest.
    lab.clock.advance(Duration::from_mins(59));
    assert!(keeper.tend().await.unwrap().is_none());
    lab.end_server();
    lab.clock.advance(Duration::from_mins(6));
    keeper.tend().await.unwrap_err();
    assert!(keeper.problem().unwrap().contains("acme.test"), "{:?}", keeper.problem());
    assert_eq!(keeper.kept().unwrap().expires(), end, "the last good one is kept");
    assert!(keeper.tend().await.unwrap().is_none(), "and the next try waits");
    lab.begin_server();
    lab.clock.advance(Duration::from_mins(2));
    let renewed = keeper.tend().await.unwrap().unwrap().certificate().clone();
    lab.certificates.replace(&[renewed], None);
    assert!(lab.is_trusted("a.test"));
    assert_eq!(keeper.problem(), None);
}

#[tokio::test]
async fn what_the_server_refuses_is_said() {
    if !is_apart("orders::what_the_server_refuses_is_said") {
        return;
    }
    let lab = Lab::open();
    let refused = lab.acme(&["a_b.test"], Challenge::TlsAlpn01).order(None).await.unwrap_err();
    assert!(refused.to_string().contains("acme:error:"), "{refused}");
    // Nobody listens at that name.
    let unseen = lab.acme(&["nowhere.test"], Challenge::Http01).order(None).await.unwrap_err();
    assert!(unseen.to_string().contains("nowhere.test"), "{unseen}");
    let ca = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["x.test".to_owned()]).unwrap();
    let other = params.self_signed(&ca).unwrap().pem();
    let directory = crate::lab::DIRECTORY;
    let stranger = lab.acme_at(directory, other.as_bytes(), &["a.test"], Challenge::Http01);
    let untrusted = stranger.order(None).await.unwrap_err();
    assert!(format!("{untrusted}").contains("acme.test"), "{untrusted}");
    assert!(lab.drawer.0.lock().unwrap().get("certificate").is_none());
}
