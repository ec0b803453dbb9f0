//! Tokens that are bound to a certificate, at the public door: attacks D1, D7 and J22.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use ringwall_base::{ClientCertificate, RequestId, Timestamp, Voucher};
use ringwall_gateway::{Door, House};
use ringwall_jose::base64url_encode;
use ringwall_net::{Answer, Answering, Body, Peer, TlsFacts, Violation};
use serde_json::json;

use crate::fleet::{Fleet, NOW, get, grants, model, service, status};
use crate::upstream::Upstream;

/// Stands for TLS: every connection shows this certificate.
#[derive(Debug)]
struct Showing(Arc<House>, Arc<ClientCertificate>);

impl Answer for Showing {
    fn answer(&self, peer: Arc<Peer>, request: Request<Body>) -> Answering<'_> {
        let client = Some(Arc::clone(&self.1));
        let tls = TlsFacts { sni: None, is_h2: false, version: "TLSv1.3", identity: None, client };
        let peer = Arc::new(Peer::new(peer.address, peer.door.clone(), Some(tls)));
        Box::pin(async move { House::answer(&self.0, &peer, request).await })
    }

    fn refused(&self, peer: &Peer, violation: Violation) -> RequestId {
        self.0.refused(peer, violation)
    }
}

fn door(fleet: &Fleet, sha256: [u8; 32]) -> SocketAddr {
    let certificate = ClientCertificate {
        voucher: Voucher::Nobody,
        sha256,
        subject: String::new(),
        distinguished_name: Vec::new(),
        serial: String::new(),
        names: Vec::new(),
        not_before: Timestamp::from_secs(0),
        not_after: Timestamp::from_secs(NOW).plus(Duration::from_hours(1)),
    };
    let showing = Showing(fleet.house(Door::Edge), Arc::new(certificate));
    fleet.open(Arc::new(showing), ringwall_net::Door::Edge)
}

#[test]
fn a_bound_token_lets_in_over_its_own_connection_and_no_other() {
    let upstream = Upstream::plain();
    let mut users = service("users", upstream.address, &["me = GET /me"]);
    users.people.insert("customer".to_owned(), grants(&["me"]));
    let fleet = Fleet::new(&model(vec![users]));
    let (own, other, plain) = (door(&fleet, [7; 32]), door(&fleet, [8; 32]), fleet.edge());
    let hash = base64url_encode([7; 32]);
    let token = fleet.token("at+jwt", &json!({"cnf": {"x5t#S256": hash}}));
    let bearer = format!("authorization: Bearer {token}");
    // D7: a door that shows no certificate learns of none.
    let said = format!("x-client-cert: {hash}");
    let spoofed = [bearer.as_str(), &said, "x-forwarded-client-cert: Hash=07"];
    assert_eq!(status(&get(plain, "/me", &spoofed)), 401);
    // J22: what is remembered of the token is compared with each connection anew.
    for _ in 0..2 {
        assert_eq!(status(&get(own, "/me", &[&bearer])), 200);
        for wrong in [other, plain] {
            let answer = get(wrong, "/me", &[&bearer]);
            assert_eq!(status(&answer), 401);
            assert!(answer.contains("Bearer error=\"invalid_token\""), "RFC 6750: {answer}");
        }
    }
    let as_dpop = format!("authorization: DPoP {token}");
    assert_eq!(status(&get(own, "/me", &[&as_dpop])), 401, "it has no key to prove");
    // A token for a key is not one for a certificate, also where there is one.
    let keyed = fleet.token("at+jwt", &json!({"cnf": {"jkt": hash}}));
    let keyed = format!("authorization: Bearer {keyed}");
    assert_eq!(status(&get(own, "/me", &[&keyed])), 401);
    let both = fleet.token("at+jwt", &json!({"cnf": {"jkt": hash, "x5t#S256": hash}}));
    assert_eq!(status(&get(own, "/me", &[&format!("authorization: Bearer {both}")])), 401);
    // One that is bound to nothing goes over any connection.
    let free = format!("authorization: Bearer {}", fleet.token("at+jwt", &json!({})));
    assert_eq!(status(&get(own, "/me", &[&free])), 200);
    fleet.revocations.revoke("t-1");
    assert_eq!(status(&get(own, "/me", &[&bearer])), 401, "revoked");
    assert_eq!(upstream.seen().len(), 3);
}
