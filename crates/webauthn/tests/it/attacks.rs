//! Attack U8: everything that an authenticator or a browser could say wrong, one thing at a time.
//!
//! Sources: Web Authentication Level 3 sections 7.1 and 7.2, by their steps; CTAP 2.1 section 8.

use proptest::prelude::{any, prop, proptest};
use ringwall_webauthn::{
    Assertion, Attestation, Expected, Flags, Known, WebauthnError, assert, fuzz, register,
};

use crate::device::*;

const ID: &[u8] = b"credential";
const ED: u8 = 128;
const EXPECTED: Expected<'_> = Expected {
    challenge: "c2FsdA",
    origin: "https://shop.example",
    rp_id: "shop.example",
    must_verify_user: true,
};

fn said(kind: &str) -> String {
    client_data(kind, EXPECTED.challenge, EXPECTED.origin)
}

/// UP, UV, BE and BS, as a test writes them.
fn bits(flags: Flags) -> u8 {
    let all = [
        (flags.is_present(), UP),
        (flags.is_verified(), UV),
        (flags.is_backup_eligible(), BE),
        (flags.is_backed_up(), BS),
    ];
    all.into_iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit).sum()
}

#[track_caller]
fn registers(client_data: &str, data: &[u8], want: Result<(), WebauthnError>, why: &str) {
    let response = Attestation { client_data: client_data.as_bytes(), object: &object(data) };
    assert_eq!(register(&response, &EXPECTED).map(|_made| ()), want, "{why}");
}

#[test]
fn a_good_credential_is_taken_as_it_is() {
    let (made_by, client_data) = (Device::new(), said("webauthn.create"));
    let key = made_by.key();
    for flags in [UP | UV, UP | UV | BE, UP | UV | BE | BS] {
        let data = object(&attested(flags, ID, &key));
        let response = Attestation { client_data: client_data.as_bytes(), object: &data };
        let made = register(&response, &EXPECTED).unwrap();
        assert_eq!((made.id.as_slice(), made.key.as_slice()), (ID, key.as_slice()));
        assert_eq!((made.counter, bits(made.flags), made.aaguid), (0, flags, [7; 16]));
    }
    // Section 9: an extension that nobody asked for changes nothing.
    let data = [&attested(UP | UV | ED, ID, &key)[..], b"\xa1\x6bcredProtect\x02"].concat();
    registers(&client_data, &data, Ok(()), "credProtect");
}

#[test]
fn u8_what_the_browser_says_is_compared_byte_by_byte() {
    let good = said("webauthn.create");
    let data = attested(UP | UV, ID, &Device::new().key());
    registers(&good, &data, Ok(()), "as it should be");
    let with = |from: &str, to: &str| good.replace(from, to);
    let end = |more: &str| good.replace(":false}", &format!(":false{more}}}"));
    for (why, text, want) in [
        ("step 7", said("webauthn.get"), WebauthnError::Type),
        ("step 7", said("payment.get"), WebauthnError::Type),
        ("step 8", with("c2FsdA", "c2FsdB"), WebauthnError::Challenge),
        ("step 8, padded", with("c2FsdA", "c2FsdA=="), WebauthnError::Challenge),
        ("step 8, none", with("c2FsdA", ""), WebauthnError::Challenge),
        ("step 9", with("shop", "evil"), WebauthnError::Origin),
        ("step 9, below", with("//shop", "//a.shop"), WebauthnError::Origin),
        ("step 9, plain", with("https:", "http:"), WebauthnError::Origin),
        ("step 9, port", with(".example", ".example:8443"), WebauthnError::Origin),
        ("step 9, slash", with(".example", ".example/"), WebauthnError::Origin),
        ("step 9, case", with("shop", "Shop"), WebauthnError::Origin),
        ("step 10", with("false", "true"), WebauthnError::CrossOrigin),
        ("step 11", end(r#","topOrigin":"https://shop.example""#), WebauthnError::CrossOrigin),
        ("a type twice", end(r#","type":"webauthn.create""#), WebauthnError::ClientData),
        ("twice, escaped", end(r#","orig\u0069n":"https://evil""#), WebauthnError::ClientData),
        ("no type", with("type", "kind"), WebauthnError::ClientData),
        ("no challenge", with("challenge", "nonce"), WebauthnError::ClientData),
        ("no origin", with("origin", "site"), WebauthnError::ClientData),
        ("not a text", with(r#""c2FsdA""#, "[]"), WebauthnError::ClientData),
        ("not a flag", with("false", r#""no""#), WebauthnError::ClientData),
        (
            "a list",
            r#"["webauthn.create","c2FsdA","https://shop.example"]"#.to_owned(),
            WebauthnError::ClientData,
        ),
        ("something behind it", format!("{good} x"), WebauthnError::ClientData),
        ("a byte order mark", format!("\u{feff}{good}"), WebauthnError::ClientData),
        ("nothing", String::new(), WebauthnError::ClientData),
        ("very long", end(&format!(r#","x":"{}""#, "x".repeat(4_096))), WebauthnError::ClientData),
    ] {
        registers(&text, &data, Err(want), why);
    }
    registers(&end(r#","extraData":{"a":[1]}"#), &data, Ok(()), "members to come");
}

#[test]
fn u8_what_the_authenticator_says_is_held_to_what_was_asked() {
    let (client_data, key) = (said("webauthn.create"), Device::new().key());
    let good = attested(UP | UV, ID, &key);
    let elsewhere = [&head("evil.example", UP | UV | AT, 0)[..], &good[37..]].concat();
    let above = [&head("example", UP | UV | AT, 0)[..], &good[37..]].concat();
    let flags = |flags| attested(flags, ID, &key);
    let of_id = |length| attested(UP | UV, &vec![1; length], &key);
    let malformed = WebauthnError::AuthenticatorData;
    for (why, data, want) in [
        ("step 15", elsewhere, WebauthnError::RpId),
        ("step 15, above", above, WebauthnError::RpId),
        ("step 16", flags(UV), WebauthnError::Presence),
        ("step 17", flags(UP), WebauthnError::Verification),
        ("step 18", flags(UP | UV | BS), WebauthnError::Backup),
        ("no credential", head("shop.example", UP | UV, 0), malformed),
        ("a short head", good[..36].to_vec(), malformed),
        ("a short id", good[..60].to_vec(), malformed),
        ("no id", of_id(0), malformed),
        ("a long id", of_id(1_024), malformed),
        ("something behind it", [&good[..], &[0]].concat(), malformed),
        ("extensions missing", flags(UP | UV | ED), WebauthnError::Cbor),
        ("extensions no map", [&flags(UP | UV | ED)[..], &[0]].concat(), malformed),
        ("a short key", good[..good.len() - 1].to_vec(), WebauthnError::Cbor),
    ] {
        registers(&client_data, &data, Err(want), why);
    }
    registers(&client_data, &of_id(1_023), Ok(()), "the longest id");
}

#[test]
fn u8_a_key_has_one_form() {
    let (client_data, key) = (said("webauthn.create"), Device::new().key());
    let with = |at: usize, byte: u8| {
        let mut key = key.clone();
        key[at] = byte;
        key
    };
    let okp = |x: &[u8]| [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], x].concat();
    let rsa = |n: &[u8], e: &[u8]| {
        [&[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20][..], &bytes(n), &[0x21], &bytes(e)].concat()
    };
    let modulus = |length: usize| [&[0xc1][..], &vec![0x5b; length - 1]].concat();
    for (why, key) in [
        ("another type", with(2, 1)),
        ("another algorithm", with(4, 0x27)),
        ("another curve", with(6, 2)),
        ("not on the curve", with(20, key[20] ^ 1)),
        ("one member more", [&[0xa6], &key[1..], &[0x23, 0]].concat()),
        ("private, too", [&[0xa6], &key[1..], &[0x23, 0x41, 1]].concat()),
        ("a map of nothing", vec![0xa0]),
        ("no map", vec![0]),
        (
            "compressed",
            [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], &key[10..42], &[0x22, 0xf5]].concat(),
        ),
        ("RSA of 1024 bits", rsa(&modulus(128), &[1, 0, 1])),
        ("RSA with a leading zero", rsa(&[&[0], &modulus(255)[..]].concat(), &[1, 0, 1])),
        ("RSA with exponent 1", rsa(&modulus(256), &[1])),
        ("RSA with exponent 3", rsa(&modulus(256), &[3])),
        ("RSA that is even", rsa(&[&modulus(255)[..], &[2]].concat(), &[1, 0, 1])),
    ] {
        registers(&client_data, &attested(UP | UV, ID, &key), Err(WebauthnError::Algorithm), why);
    }
    registers(&client_data, &attested(UP | UV, ID, &okp(&[9; 32])), Ok(()), "Ed25519");
    let rsa = rsa(&modulus(256), &[1, 0, 1]);
    registers(&client_data, &attested(UP | UV, ID, &rsa), Ok(()), "RSA of 2048 bits");
}

#[test]
fn u8_an_attestation_is_none_or_the_credential_s_own() {
    let (made_by, client_data) = (Device::new(), said("webauthn.create"));
    let data = attested(UP | UV, ID, &made_by.key());
    let end = [b"\x68authData", &bytes(&data)[..]].concat();
    let own = |signer: &Device, algorithm: u8, more: &[u8]| {
        let signature = signer.sign(&data, &client_data);
        let members = 2 + u8::from(!more.is_empty());
        let statement =
            [&[0xa0 | members][..], b"\x63alg", &[algorithm], b"\x63sig", &bytes(&signature), more]
                .concat();
        [b"\xa3\x63fmt\x66packed\x67attStmt", &statement[..], &end].concat()
    };
    let other = Device::new();
    let of = |head: &[u8]| [head, &end].concat();
    for (why, object, want) in [
        ("its own", own(&made_by, 0x26, &[]), Ok(())),
        ("another's", own(&other, 0x26, &[]), Err(WebauthnError::Attestation)),
        ("another algorithm", own(&made_by, 0x27, &[]), Err(WebauthnError::Attestation)),
        ("a maker's", own(&made_by, 0x26, b"\x63x5c\x80"), Err(WebauthnError::Attestation)),
        (
            "none with something",
            of(b"\xa3\x63fmt\x64none\x67attStmt\xa1\x63alg\x26"),
            Err(WebauthnError::Attestation),
        ),
        (
            "packed without anything",
            of(b"\xa3\x63fmt\x66packed\x67attStmt\xa0"),
            Err(WebauthnError::Attestation),
        ),
        (
            "another format",
            of(b"\xa3\x63fmt\x64nonf\x67attStmt\xa0"),
            Err(WebauthnError::Attestation),
        ),
        ("no statement", [b"\xa2\x63fmt\x64none", &end[..]].concat(), Err(WebauthnError::Cbor)),
        ("other names", of(b"\xa3\x63fmf\x64none\x67attStmt\xa0"), Err(WebauthnError::Cbor)),
    ] {
        let response = Attestation { client_data: client_data.as_bytes(), object: &object };
        assert_eq!(register(&response, &EXPECTED).map(|_made| ()), want, "{why}");
    }
}

#[test]
fn u8_a_sign_in_is_this_key_s_over_all_of_it_and_counts_on() {
    let (owner, other) = (Device::new(), Device::new());
    let (get, create) = (said("webauthn.get"), said("webauthn.create"));
    let at = |flags, counter| head("shop.example", flags, counter);
    let good = at(UP | UV, 8);
    let attested = attested(UP | UV, ID, &owner.key());
    let check = |why: &str, signer: &Device, said: &str, data: &[u8], want| {
        let (key, signature) = (owner.key(), signer.sign(data, said));
        let known = Known { key: &key, counter: 7, is_backup_eligible: false };
        let (client_data, authenticator_data) = (said.as_bytes(), data);
        let response = Assertion { client_data, authenticator_data, signature: &signature };
        let answer = assert(&response, &known, &EXPECTED).map(|good| good.counter);
        assert_eq!(answer, want, "{why}");
    };
    check("good", &owner, &get, &good, Ok(8));
    for (why, signer, said, data, want) in [
        ("step 20", &other, get.clone(), good.clone(), WebauthnError::Signature),
        ("step 11", &owner, create, good.clone(), WebauthnError::Type),
        ("step 12", &owner, get.replace("c2FsdA", "x"), good.clone(), WebauthnError::Challenge),
        ("step 13", &owner, get.replace("shop", "evil"), good.clone(), WebauthnError::Origin),
        ("step 15", &owner, get.clone(), head("evil.example", 5, 8), WebauthnError::RpId),
        ("step 16", &owner, get.clone(), at(UV, 8), WebauthnError::Presence),
        ("step 17", &owner, get.clone(), at(UP, 8), WebauthnError::Verification),
        ("step 18", &owner, get.clone(), at(UP | UV | BS, 8), WebauthnError::Backup),
        ("step 19", &owner, get.clone(), at(UP | UV | BE, 8), WebauthnError::Backup),
        ("step 22, again", &owner, get.clone(), at(UP | UV, 7), WebauthnError::Counter),
        ("step 22, back", &owner, get.clone(), at(UP | UV, 1), WebauthnError::Counter),
        ("step 22, none", &owner, get.clone(), at(UP | UV, 0), WebauthnError::Counter),
        ("by a stranger", &other, get.clone(), at(UP | UV, 1), WebauthnError::Signature),
        ("a credential in it", &owner, get.clone(), attested, WebauthnError::AuthenticatorData),
    ] {
        check(why, signer, &said, &data, Err(want));
    }
    let (key, signature) = (owner.key(), owner.sign(&good, &get));
    let known = Known { key: &key, counter: 7, is_backup_eligible: false };
    // What was signed and what is given must be the same.
    let response = Assertion {
        client_data: get.as_bytes(),
        authenticator_data: &at(UP | UV, 9),
        signature: &signature,
    };
    assert_eq!(assert(&response, &known, &EXPECTED), Err(WebauthnError::Signature));
    let expected = Expected { must_verify_user: false, ..EXPECTED };
    let (data, known) = (at(UP, 0), Known { counter: 0, ..known });
    let signature = owner.sign(&data, &get);
    let response =
        Assertion { client_data: get.as_bytes(), authenticator_data: &data, signature: &signature };
    let made = assert(&response, &known, &expected).unwrap();
    assert_eq!(
        (made.counter, bits(made.flags)),
        (0, UP),
        "one that does not count, as a second factor"
    );
}

proptest! {
    #[test]
    fn no_bytes_panic_or_verify(bytes: Vec<u8>) {
        fuzz(&bytes);
    }

    /// Bytes that are nearly right get further.
    #[test]
    fn no_changed_credential_panics_or_is_another(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let key = Device::new().key();
        let whole = object(&attested(UP | UV, ID, &key));
        let mut bytes = whole.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fuzz(&bytes);
        let client_data = said("webauthn.create");
        let response = |object| Attestation { client_data: client_data.as_bytes(), object };
        if let Ok(made) = register(&response(&bytes), &EXPECTED) {
            assert!(made.flags.is_present() && made.flags.is_verified());
            assert_eq!(made.key.len(), key.len());
        }
        let cut = cut.index(whole.len());
        assert!(register(&response(&whole[..cut]), &EXPECTED).is_err());
    }
}
