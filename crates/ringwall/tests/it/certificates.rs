//! What the public door shows, and what it believes: files, secrets, revocation, other names.

use crate::authority::{Ca, curl, open};
use crate::library::Library;
use crate::wait::until;

#[test]
fn new_files_are_taken_and_broken_ones_are_not() {
    let library = open(
        "[gateway.tls]\ncertificates = [{ certificate = \"edge.pem\", key = \"edge.key\" }]",
        |_, ca| ca.issue("edge", "DNS:harbour.localhost", 9),
    );
    let house = &library.house;
    let host = "harbour.localhost";
    assert_eq!(curl(house, host, &[]), (0, "200".to_owned()));
    let shown = house.run(&["status"]);
    assert_eq!(shown.code, 4, "nine days are few: {}", shown.out);
    assert!(shown.out.contains("harbour.localhost (") && shown.out.contains("8 days left"));
    let ca = Ca(house);
    ca.issue("edge", "DNS:harbour.localhost", 90);
    library.server.signal("HUP");
    until("the new certificate", || (house.run(&["status"]).code == 0).then_some(()));
    assert_eq!(curl(house, host, &[]), (0, "200".to_owned()));
    // Another key beside it: the last good pair stays, and that is said.
    let good = house.read("edge.key");
    house.write("edge.key", &house.read("ca.key"));
    library.server.signal("HUP");
    until("the problem", || house.run(&["status"]).out.contains("edge.key").then_some(()));
    assert_eq!(curl(house, host, &[]), (0, "200".to_owned()));
    house.write("edge.key", &good);
    library.server.signal("HUP");
    until("mended", || (house.run(&["status"]).code == 0).then_some(()));
    let unknown = curl(house, "other.localhost", &["-k"]);
    assert!(unknown.1.contains("unrecognized name"), "{unknown:?}");
}

#[test]
fn a_revoked_client_is_refused_after_the_next_reload() {
    let library = open(
        "[gateway.tls]\ncertificates = [{ certificate = \"edge.pem\", key = \"secret:edge_key\" }]\n\
         client = { ca = \"ca.pem\", crl = \"clients.crl\", require = true }\n\
         [secrets.edge_key]\n",
        |house, ca| {
            ca.issue("edge", "DNS:harbour.localhost", 90);
            ca.issue("kept", "DNS:kept", 9);
            ca.issue("lost", "DNS:lost", 9);
            ca.list();
            house.pipe(&house.read("edge.key"), &["secret", "set", "edge_key"]).good();
        },
    );
    let house = &library.house;
    let host = "harbour.localhost";
    let kept = ["--cert", "kept.pem", "--key", "kept.key"];
    let lost = ["--cert", "lost.pem", "--key", "lost.key"];
    assert_eq!(curl(house, host, &kept), (0, "200".to_owned()));
    assert_eq!(curl(house, host, &lost), (0, "200".to_owned()));
    assert_ne!(curl(house, host, &[]).0, 0, "no certificate");
    Ca(house).revoke("lost");
    library.server.signal("HUP");
    until("the list", || (curl(house, host, &lost).0 != 0).then_some(()));
    assert_eq!(curl(house, host, &kept), (0, "200".to_owned()));
    drop(library.upstream);
}

#[test]
fn a_name_that_no_certificate_covers_gets_one_of_the_local_authority() {
    let library = Library::open();
    let metrics = library.house.run(&["status"]).good().out;
    assert!(metrics.contains("local authority"), "{metrics}");
}
