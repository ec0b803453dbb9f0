//! What the public door shows, and what it believes: files, secrets, revocation, other names.

use std::process::Command;

use crate::house::House;
use crate::library::{Library, MANIFEST, Upstream};
use crate::program::run;
use crate::wait::until;

/// A certificate authority of a test, made by openssl in a folder of the house.
struct Ca<'a>(&'a House);

impl<'a> Ca<'a> {
    fn new(house: &'a House) -> Self {
        house.write("openssl.cnf", CONFIG);
        house.write("index.txt", "");
        house.write("crlnumber", "01\n");
        openssl(
            house,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key \
                        -out ca.pem -days 9 -subj /CN=test-root -config openssl.cnf -extensions root",
        );
        Self(house)
    }

    /// `NAME.pem` and `NAME.key`, for these names and this many days.
    fn issue(&self, name: &str, names: &str, days: u32) {
        openssl(
            self.0,
            &format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key \
             -out {name}.csr -subj /CN={name} -config openssl.cnf"
            ),
        );
        self.0.write(&format!("{name}.ext"), &format!("subjectAltName={names}\n"));
        openssl(
            self.0,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} \
             -out {name}.pem -extfile {name}.ext"
            ),
        );
    }

    fn revoke(&self, name: &str) {
        openssl(self.0, &format!("ca -config openssl.cnf -revoke {name}.pem"));
        self.list();
    }

    fn list(&self) {
        openssl(self.0, "ca -config openssl.cnf -gencrl -crldays 2 -out clients.crl.new");
        let text = self.0.read("clients.crl.new");
        self.0.write("clients.crl", &text);
    }
}

#[track_caller]
fn openssl(house: &House, arguments: &str) {
    let mut command = Command::new("openssl");
    command.current_dir(house.path()).args(arguments.split_whitespace());
    run(&mut command, "").good();
}

/// A house with files made before the server starts.
fn open(gateway: &str, make: impl FnOnce(&House, &Ca<'_>)) -> Library {
    let upstream = Upstream::start();
    let manifest = MANIFEST.replace("UPSTREAM", &upstream.port.to_string());
    let manifest = manifest.replace("port = PORT", &format!("port = PORT\n{gateway}"));
    let house = House::new(&manifest);
    house.write("books.yaml", include_str!("books.yaml"));
    make(&house, &Ca::new(&house));
    let server = house.serve();
    Library { house, upstream, server }
}

/// The status that curl gets at a name of the door, or how it failed.
fn curl(house: &House, host: &str, arguments: &[&str]) -> (i32, String) {
    let port = house.port;
    let mut command = Command::new("curl");
    command.current_dir(house.path());
    command.args(["-sS", "--max-time", "10", "--noproxy", "*", "--cacert", "ca.pem"]);
    command.args(["--resolve", &format!("{host}:{port}:127.0.0.1"), "-o", "body"]);
    command.args(["-w", "%{http_code}"]).args(arguments);
    let outcome = run(command.arg(format!("https://{host}:{port}/books")), "");
    (outcome.code, format!("{} {}", outcome.out, outcome.err).trim().to_owned())
}

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

const CONFIG: &str = "
[req]
distinguished_name = dn
prompt = no
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = one
[one]
database = index.txt
crlnumber = crlnumber
certificate = ca.pem
private_key = ca.key
default_md = sha256
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
";
