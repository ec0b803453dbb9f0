use std::fmt::Write as _;

use ringwall_base::{Timestamp, Voucher};

use super::*;

fn shown(steps: Vec<RelativeName>, names: &[AlternativeName]) -> ClientCertificate {
    ClientCertificate {
        voucher: Voucher::Authority,
        sha256: [7; 32],
        subject: String::new(),
        distinguished_name: steps,
        serial: String::new(),
        names: names.to_vec(),
        not_before: Timestamp::from_secs(0),
        not_after: Timestamp::from_secs(u64::from(u32::MAX)),
    }
}

fn step(id: &str, text: &str) -> (String, String) {
    (id.to_owned(), text.to_owned())
}

#[test]
fn a_subject_is_compared_step_by_step() {
    let robot = shown(
        vec![
            vec![step("2.5.4.6", "DE")],
            vec![step("2.5.4.10", "A, B")],
            vec![step("2.5.4.3", "r1")],
        ],
        &[],
    );
    for good in ["CN=r1,O=A\\, B,C=DE", "cn=r1, o=A\\2C B, c=DE", "2.5.4.3=r1,O=A\\2c B,C=DE"] {
        let name = CertificateName::Subject(good.to_owned());
        assert!(name.is_usable() && name.is_of(&robot), "{good}");
    }
    for bad in [
        "C=DE,O=A\\, B,CN=r1",
        "CN=r1,O=A\\, B",
        "CN=r1",
        "CN=R1,O=A\\, B,C=DE",
        "CN=r1+O=A\\, B,C=DE",
        "CN=r1,O=A\\, B,C=DE,C=DE",
        "CN=r1,OU=A\\, B,C=DE",
        "CN=r1 ,O=A\\, B,C=DE",
    ] {
        assert!(!CertificateName::Subject(bad.to_owned()).is_of(&robot), "{bad}");
    }
    for unusable in ["", " ", "r1", "CN=", "XX=r1", "CN=#04024869", "CN=a\\", "CN=\"a\"", "CN=a,"] {
        assert!(!CertificateName::Subject(unusable.to_owned()).is_usable(), "{unusable}");
    }
    // What could not be read as text is nobody's name.
    let unread = shown(vec![], &[]);
    assert!(!CertificateName::Subject(String::new()).is_of(&unread));
    let both = shown(vec![vec![step("2.5.4.10", "B"), step("2.5.4.3", "a")]], &[]);
    assert!(CertificateName::Subject("CN=a+O=B".to_owned()).is_of(&both));
}

#[test]
fn an_alternative_name_is_compared_with_those_of_its_kind() {
    let common = shown(vec![vec![step("2.5.4.3", "robot.example")]], &[]);
    let dns = CertificateName::Dns("robot.example".to_owned());
    assert!(!dns.is_of(&common), "a common name is no DNS name");
    let named = |name| shown(vec![], &[name]);
    assert!(dns.is_of(&named(AlternativeName::Dns("Robot.example".to_owned()))));
    for other in [
        AlternativeName::Dns("*.example".to_owned()),
        AlternativeName::Dns("robot.example.org".to_owned()),
        AlternativeName::Dns("robot.example\0.org".to_owned()),
        AlternativeName::Uri("robot.example".to_owned()),
        AlternativeName::Mail("robot.example".to_owned()),
    ] {
        assert!(!dns.is_of(&named(other.clone())), "{other:?}");
    }
    let address = CertificateName::Address("192.0.2.7".parse().unwrap());
    assert!(address.is_of(&named(AlternativeName::Address("192.0.2.7".parse().unwrap()))));
    assert!(!address.is_of(&named(AlternativeName::Dns("192.0.2.7".to_owned()))));
    for unusable in [
        CertificateName::Dns("*.example".to_owned()),
        CertificateName::Dns(String::new()),
        CertificateName::Mail("robot".to_owned()),
        CertificateName::Uri("robot".to_owned()),
    ] {
        assert!(!unusable.is_usable(), "{unusable:?}");
    }
}

#[test]
fn hashes_are_read_from_what_operators_have() {
    let der = [1_u8, 2, 3];
    let want = base64url_encode(digest(&SHA256, &der));
    let body = STANDARD.encode(der);
    let hex = digest(&SHA256, &der).as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02X}:").unwrap();
        hex
    });
    for text in [
        format!("noise\n{PEM}\n{body}\n-----END CERTIFICATE-----\n"),
        format!("{{\"keys\": [{{\"kty\": \"EC\", \"x5c\": [\"{body}\", \"AAAA\"]}}]}}"),
        hex,
    ] {
        assert_eq!(certificate_hashes(&text), Some(vec![want.clone()]), "{text}");
    }
    for bad in [
        "",
        "abc",
        "00:11",
        "{}",
        "{\"keys\": []}",
        "{\"keys\": [{\"kty\": \"EC\"}]}",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
    ] {
        assert_eq!(certificate_hashes(bad), None, "{bad}");
    }
}
