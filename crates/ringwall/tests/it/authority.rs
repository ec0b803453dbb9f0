//! An authority of a test, and houses whose public door shows what it issued.

use std::process::Command;

use crate::house::House;
use crate::library::{Library, MANIFEST, Upstream};
use crate::program::run;

/// A certificate authority of a test, made by openssl in a folder of the house.
pub(crate) struct Ca<'a>(pub(crate) &'a House);

impl<'a> Ca<'a> {
    pub(crate) fn new(house: &'a House) -> Self {
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
    pub(crate) fn issue(&self, name: &str, names: &str, days: u32) {
        self.issue_with(name, &format!("subjectAltName={names}\n"), days);
    }

    /// The same, with these extensions.
    pub(crate) fn issue_with(&self, name: &str, extensions: &str, days: u32) {
        openssl(
            self.0,
            &format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key \
             -out {name}.csr -subj /CN={name} -config openssl.cnf"
            ),
        );
        self.0.write(&format!("{name}.ext"), extensions);
        openssl(
            self.0,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} \
             -out {name}.pem -extfile {name}.ext"
            ),
        );
    }

    pub(crate) fn revoke(&self, name: &str) {
        openssl(self.0, &format!("ca -config openssl.cnf -revoke {name}.pem"));
        self.list();
    }

    pub(crate) fn list(&self) {
        openssl(self.0, "ca -config openssl.cnf -gencrl -crldays 2 -out clients.crl.new");
        let text = self.0.read("clients.crl.new");
        self.0.write("clients.crl", &text);
    }
}

/// What openssl says, in the house's folder.
#[track_caller]
pub(crate) fn openssl(house: &House, arguments: &str) -> String {
    let mut command = Command::new("openssl");
    command.current_dir(house.path()).args(arguments.split_whitespace());
    run(&mut command, "").good().out
}

/// A house with files made before the server starts.
pub(crate) fn open(gateway: &str, make: impl FnOnce(&House, &Ca<'_>)) -> Library {
    let (house, upstream) = build(gateway, make);
    let server = house.serve();
    Library { house, upstream, server }
}

/// The same, before it starts.
pub(crate) fn build(gateway: &str, make: impl FnOnce(&House, &Ca<'_>)) -> (House, Upstream) {
    let upstream = Upstream::start();
    let manifest = MANIFEST.replace("UPSTREAM", &upstream.port.to_string());
    let manifest = manifest.replace("port = PORT", &format!("port = PORT\n{gateway}"));
    let house = House::new(&manifest);
    house.write("books.yaml", include_str!("books.yaml"));
    make(&house, &Ca::new(&house));
    (house, upstream)
}

/// The status that curl gets at a name of the door, or how it failed.
pub(crate) fn curl(house: &House, host: &str, arguments: &[&str]) -> (i32, String) {
    let port = house.port;
    let mut command = Command::new("curl");
    command.current_dir(house.path());
    command.args(["-sS", "--max-time", "10", "--noproxy", "*", "--cacert", "ca.pem"]);
    command.args(["--resolve", &format!("{host}:{port}:127.0.0.1"), "-o", "body"]);
    command.args(["-w", "%{http_code}"]).args(arguments);
    let outcome = run(command.arg(format!("https://{host}:{port}/books")), "");
    (outcome.code, format!("{} {}", outcome.out, outcome.err).trim().to_owned())
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
