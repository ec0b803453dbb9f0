//! Prints `tests/data/internal_tokens.json`: good and bad tokens that every verifier must agree on.
//!
//! `cargo run -p ringwall-jose --example internal_tokens > crates/jose/tests/data/internal_tokens.json`
//! The Ed25519 key is fixed; the ES256 key is new each time, so its cases change.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "a catalogue of cases over texts that it made itself, run by hand"
)]

use std::io::Write as _;

use ringwall_base::{Algorithm, Secret, Signer};
use ringwall_jose::{JwkSet, PrivateKey, base64url_decode, base64url_encode};
use serde_json::{Map, Value, json};

const NOW: u64 = 1_800_000_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut maker = Maker::new()?;
    maker.good()?;
    maker.headers()?;
    maker.forms()?;
    maker.documents()?;
    maker.claims()?;
    maker.times()?;
    maker.signatures()?;
    maker.keys()?;
    let mut out = std::io::stdout().lock();
    let cases: Vec<String> = maker.cases.iter().map(|case| format!("  {case}")).collect();
    writeln!(out, "[\n{}\n]", cases.join(",\n"))?;
    Ok(())
}

struct Maker {
    key: PrivateKey,
    other: PrivateKey,
    es256: PrivateKey,
    jwks: Value,
    cases: Vec<Value>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Profile {
    Access,
    Internal,
}

impl Maker {
    fn new() -> Result<Self, Failure> {
        let key = ed25519(7)?;
        let es256 = PrivateKey::generate(Algorithm::Es256)?;
        let jwks = JwkSet::new(vec![key.public().clone(), es256.public().clone()])?.to_json();
        Ok(Self { key, other: ed25519(8)?, es256, jwks, cases: Vec::new() })
    }

    fn good(&mut self) -> Result<(), Failure> {
        let key = &self.key;
        let tokens = [
            (
                "person",
                Profile::Internal,
                sign(key, &header(key, "rw-int+jwt"), &internal(json!({})))?,
            ),
            (
                "service acting for a person",
                Profile::Internal,
                sign(
                    key,
                    &header(key, "rw-int+jwt"),
                    &internal(json!({"act": {"sub": "service:orders"}})),
                )?,
            ),
            (
                "service alone",
                Profile::Internal,
                sign(
                    key,
                    &header(key, "rw-int+jwt"),
                    &internal(json!({"sub": "service:orders", "name": null, "roles": null})),
                )?,
            ),
            (
                "anonymous",
                Profile::Internal,
                sign(
                    key,
                    &header(key, "rw-int+jwt"),
                    &internal(json!({"sub": "anonymous", "name": null, "roles": null})),
                )?,
            ),
            (
                "own objects only",
                Profile::Internal,
                sign(key, &header(key, "rw-int+jwt"), &internal(json!({"own": true})))?,
            ),
            (
                "unknown claims are allowed",
                Profile::Internal,
                sign(key, &header(key, "rw-int+jwt"), &internal(json!({"x": [1, {"y": 0.5}]})))?,
            ),
            (
                "name outside ascii",
                Profile::Internal,
                sign(key, &header(key, "rw-int+jwt"), &internal(json!({"name": "zoë 😀"})))?,
            ),
            (
                "white space in the header",
                Profile::Internal,
                sign(
                    key,
                    &format!(
                        " {{ \"alg\" : \"EdDSA\",\r\n\t\"typ\":\"rw-int+jwt\",\"kid\":\"{}\" }} ",
                        key.key_id()
                    ),
                    &internal(json!({})),
                )?,
            ),
            (
                "alg under its newer name",
                Profile::Internal,
                sign(
                    key,
                    &header(key, "rw-int+jwt").replace("EdDSA", "Ed25519"),
                    &internal(json!({})),
                )?,
            ),
            (
                "unknown header parameter",
                Profile::Internal,
                sign(
                    key,
                    &header(key, "rw-int+jwt").replace('{', "{\"x\":1,"),
                    &internal(json!({})),
                )?,
            ),
            (
                "access token",
                Profile::Access,
                sign(key, &header(key, "at+jwt"), &access(json!({})))?,
            ),
            (
                "access token of a program",
                Profile::Access,
                sign(key, &header(key, "at+jwt"), &access(json!({"sub": "web", "sid": null})))?,
            ),
            (
                "access token by es256",
                Profile::Access,
                sign(&self.es256, &header(&self.es256, "at+jwt"), &access(json!({})))?,
            ),
        ];
        for (name, profile, token) in tokens {
            self.push(name, profile, token, "");
        }
        Ok(())
    }

    fn headers(&mut self) -> Result<(), Failure> {
        let kid = self.key.key_id().to_owned();
        let full = |alg: &str, rest: &str| {
            format!(r#"{{"alg":{alg},"typ":"rw-int+jwt","kid":"{kid}"{rest}}}"#)
        };
        let public = self.other.public().to_json().unwrap_or_default();
        let cases = [
            ("J1 alg none", full(r#""none""#, ""), "algorithm"),
            ("J1 alg None", full(r#""None""#, ""), "algorithm"),
            ("J1 alg nOnE", full(r#""nOnE""#, ""), "algorithm"),
            ("J1 alg empty", full(r#""""#, ""), "algorithm"),
            ("J1 alg a number", full("1", ""), "header"),
            ("J1 alg null", full("null", ""), "header"),
            ("J1 alg an array", full(r#"["EdDSA"]"#, ""), "header"),
            ("J1 alg missing", format!(r#"{{"typ":"rw-int+jwt","kid":"{kid}"}}"#), "header"),
            ("J1 alg in lower case", full(r#""eddsa""#, ""), "algorithm"),
            ("J2 alg HS256", full(r#""HS256""#, ""), "algorithm"),
            ("J3 alg HS512", full(r#""HS512""#, ""), "algorithm"),
            ("J3 alg ES256 on an Ed25519 kid", full(r#""ES256""#, ""), "algorithm"),
            ("J3 alg RS256 on an Ed25519 kid", full(r#""RS256""#, ""), "algorithm"),
            ("J4 embedded jwk", full(r#""EdDSA""#, &format!(r#","jwk":{public}"#)), "header"),
            ("J5 jku", full(r#""EdDSA""#, r#","jku":"https://evil.example/jwks""#), "header"),
            ("J5 x5u", full(r#""EdDSA""#, r#","x5u":"https://evil.example/x""#), "header"),
            ("J5 x5c", full(r#""EdDSA""#, r#","x5c":["AA=="]"#), "header"),
            ("J6 kid missing", r#"{"alg":"EdDSA","typ":"rw-int+jwt"}"#.to_owned(), "header"),
            (
                "J6 kid a number",
                r#"{"alg":"EdDSA","typ":"rw-int+jwt","kid":1}"#.to_owned(),
                "header",
            ),
            ("J6 kid empty", r#"{"alg":"EdDSA","typ":"rw-int+jwt","kid":""}"#.to_owned(), "key"),
            ("J6 kid unknown", r#"{"alg":"EdDSA","typ":"rw-int+jwt","kid":"x"}"#.to_owned(), "key"),
            (
                "J6 kid a path",
                r#"{"alg":"EdDSA","typ":"rw-int+jwt","kid":"../../dev/null"}"#.to_owned(),
                "key",
            ),
            (
                "J6 kid with sql",
                r#"{"alg":"EdDSA","typ":"rw-int+jwt","kid":"x' UNION SELECT 'k"}"#.to_owned(),
                "key",
            ),
            ("J7 crit unknown", full(r#""EdDSA""#, r#","crit":["x"],"x":1"#), "header"),
            ("J7 crit empty", full(r#""EdDSA""#, r#","crit":[]"#), "header"),
            ("J7 b64 false", full(r#""EdDSA""#, r#","crit":["b64"],"b64":false"#), "header"),
            ("J7 b64 true", full(r#""EdDSA""#, r#","b64":true"#), "header"),
            ("J19 zip", full(r#""EdDSA""#, r#","zip":"DEF""#), "header"),
            ("J8 alg twice", full(r#""EdDSA""#, r#","alg":"EdDSA""#), "json"),
            ("J8 kid twice", full(r#""EdDSA""#, &format!(r#","kid":"{kid}""#)), "json"),
            ("J8 alg twice by an escape", full(r#""EdDSA""#, r#","\u0061lg":"none""#), "json"),
            ("J9 typ missing", format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#), "typ"),
            ("J9 typ JWT", header(&self.key, "JWT"), "typ"),
            ("J9 typ at+jwt", header(&self.key, "at+jwt"), "typ"),
            ("J9 typ logout+jwt", header(&self.key, "logout+jwt"), "typ"),
            ("J9 typ in upper case", header(&self.key, "RW-INT+JWT"), "typ"),
            ("J9 typ with its media tree", header(&self.key, "application/rw-int+jwt"), "typ"),
            ("J9 typ a number", format!(r#"{{"alg":"EdDSA","typ":1,"kid":"{kid}"}}"#), "header"),
        ];
        for (name, header, reason) in cases {
            let token = sign(&self.key, &header, &internal(json!({})))?;
            self.push(name, Profile::Internal, token, reason);
        }
        let token = sign(&self.key, &header(&self.key, "rw-int+jwt"), &internal(json!({})))?;
        self.push("J9 internal token as access token", Profile::Access, token, "typ");
        // Signed by the key's own algorithm, but the header says another.
        for alg in ["ES256", "RS256", "PS256", "HS256"] {
            let header = header(&self.key, "at+jwt").replace("EdDSA", alg);
            let token = sign(&self.key, &header, &access(json!({})))?;
            let name = format!("J3 access token, alg {alg} on an Ed25519 kid");
            self.push(&name, Profile::Access, token, "algorithm");
        }
        Ok(())
    }

    fn forms(&mut self) -> Result<(), Failure> {
        let good = sign(&self.key, &header(&self.key, "rw-int+jwt"), &internal(json!({})))?;
        let mut parts = good.split('.');
        let (head, body, signature) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        // 64 bytes end in two significant bits: the next letter has the same bytes.
        let (start, last) = signature.split_at(signature.len() - 1);
        let stray = match last {
            "A" => "B",
            "Q" => "R",
            "g" => "h",
            _ => "x",
        };
        let cases = [
            ("empty", String::new(), "shape"),
            ("one part", head.to_owned(), "shape"),
            ("two parts", format!("{head}.{body}"), "shape"),
            ("J14 no signature", format!("{head}.{body}."), "shape"),
            ("four parts", format!("{good}.{signature}"), "shape"),
            ("J14 five parts, as of an encrypted token", format!("{good}..{signature}"), "shape"),
            (
                "J14 json serialization",
                format!(r#"{{"payload":"{body}","protected":"{head}","signature":"{signature}"}}"#),
                "shape",
            ),
            ("J13 padding in the signature", format!("{good}=="), "base64"),
            ("J13 padding in the header", format!("{head}=.{body}.{signature}"), "base64"),
            (
                "J13 trailing bits in the signature",
                format!("{head}.{body}.{start}{stray}"),
                "base64",
            ),
            ("J13 newline at the end", format!("{good}\n"), "base64"),
            ("J13 space in front", format!(" {good}"), "base64"),
            (
                "J13 newline inside the payload",
                format!("{head}.{}\n{}.{signature}", &body[..8], &body[8..]),
                "base64",
            ),
            (
                "J13 foreign character inside the payload",
                format!("{head}.{}!{}.{signature}", &body[..8], &body[8..]),
                "base64",
            ),
            (
                "J13 plain base64 alphabet",
                format!("{head}.{body}.{}+/", &signature[..84]),
                "base64",
            ),
            ("J13 letter outside ascii", format!("{head}.{body}.{}é", &signature[..85]), "base64"),
            ("J13 impossible length", format!("{head}.{body}.{}", &signature[..85]), "base64"),
            ("J13 nul at the end", format!("{good}\0"), "base64"),
            ("empty header", format!(".{body}.{signature}"), "json"),
            ("J14 signature of one byte", format!("{head}.{body}.AA"), "signature"),
            (
                "J14 signature of zeros",
                format!("{head}.{body}.{}", base64url_encode([0; 64])),
                "signature",
            ),
            ("J14 signature cut short", format!("{head}.{body}.{}", &signature[..84]), "signature"),
            (
                "J14 signature with a byte more",
                format!("{head}.{body}.{}", longer(signature)),
                "signature",
            ),
            ("J19 too long", format!("{head}.{}.{signature}", "A".repeat(8_192)), "too-long"),
            ("J19 much too long", "A".repeat(20_000), "too-long"),
        ];
        for (name, token, reason) in cases {
            self.push(name, Profile::Internal, token, reason);
        }
        Ok(())
    }

    fn documents(&mut self) -> Result<(), Failure> {
        let good = internal(json!({}));
        let with = |extra: &str| good.replacen('{', &format!("{{{extra},"), 1).into_bytes();
        let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut broken = good.clone().into_bytes();
        broken.splice(1..1, *b"\"z\":\"\xff\",");
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("J8 sub twice", with(r#""sub":"u-2""#)),
            ("J8 sub twice by an escape", with(r#""\u0073ub":"u-2""#)),
            ("J8 a nested key twice", with(r#""x":{"a":1,"a":2}"#)),
            ("J15 NaN", with(r#""x":NaN"#)),
            ("J15 Infinity", with(r#""x":Infinity"#)),
            ("J15 -Infinity", with(r#""x":-Infinity"#)),
            ("J15 1e400", with(r#""x":1e400"#)),
            ("an integer of 400 digits", with(&format!(r#""x":1{}"#, "0".repeat(399)))),
            ("an integer of 5000 digits", with(&format!(r#""x":1{}"#, "0".repeat(4_999)))),
            ("a lone high surrogate", with(r#""x":"\ud800""#)),
            ("a lone low surrogate", with(r#""x":"\udc00x""#)),
            ("a number with a leading zero", with(r#""x":01"#)),
            ("a plus sign", with(r#""x":+1"#)),
            ("a trailing comma", good.replace("\"}", "\",}").into_bytes()),
            ("single quotes", good.replace('"', "'").into_bytes()),
            ("a comment", with(r#"/* x */"x":1"#)),
            ("a raw control character", with("\"x\":\"\u{1}\"")),
            ("a byte order mark", format!("\u{feff}{good}").into_bytes()),
            ("utf-16", utf16),
            ("bytes that are not utf-8", broken),
            ("an array", b"[]".to_vec()),
            ("a string", b"\"x\"".to_vec()),
            ("null", b"null".to_vec()),
            ("nothing", Vec::new()),
            ("two objects", format!("{good}{{}}").into_bytes()),
            ("J19 nine levels", with(&format!(r#""x":{}{}"#, "[".repeat(8), "]".repeat(8)))),
            (
                "J19 a thousand levels",
                with(&format!(r#""x":{}{}"#, "[".repeat(1_000), "]".repeat(1_000))),
            ),
        ];
        for (name, claims) in cases {
            let token = sign_bytes(&self.key, &header(&self.key, "rw-int+jwt"), &claims)?;
            self.push(name, Profile::Internal, token, "json");
        }
        let eight = with(&format!(r#""x":{}{}"#, "[".repeat(7), "]".repeat(7)));
        let token = sign_bytes(&self.key, &header(&self.key, "rw-int+jwt"), &eight)?;
        self.push("eight levels", Profile::Internal, token, "");
        Ok(())
    }

    fn claims(&mut self) -> Result<(), Failure> {
        let cases = [
            ("J16 aud missing", json!({"aud": null}), "claim"),
            ("J16 aud an array with us", json!({"aud": ["users"]}), "claim"),
            ("J16 aud an array with two", json!({"aud": ["users", "orders"]}), "claim"),
            ("J16 aud another", json!({"aud": "orders"}), "audience"),
            ("J16 aud a prefix", json!({"aud": "user"}), "audience"),
            ("J16 aud longer", json!({"aud": "users2"}), "audience"),
            ("J16 aud in upper case", json!({"aud": "Users"}), "audience"),
            ("J16 aud with a slash", json!({"aud": "users/"}), "audience"),
            ("J16 aud empty", json!({"aud": ""}), "claim"),
            ("J17 iss missing", json!({"iss": null}), "claim"),
            ("J17 iss another", json!({"iss": "ringwall:other"}), "issuer"),
            ("J17 iss with a slash", json!({"iss": "ringwall:shop/"}), "issuer"),
            ("J17 iss an array", json!({"iss": ["ringwall:shop"]}), "claim"),
            ("J20 iss of another environment", json!({"iss": "ringwall:shop-staging"}), "issuer"),
            ("sub missing", json!({"sub": null}), "claim"),
            ("sub empty", json!({"sub": ""}), "claim"),
            ("sub a number", json!({"sub": 1}), "claim"),
            ("sub with a line break", json!({"sub": "u-1\r\nX: y"}), "claim"),
            ("jti missing", json!({"jti": null}), "claim"),
            ("op missing", json!({"op": null}), "claim"),
            ("htm missing", json!({"htm": null}), "claim"),
            ("htu missing", json!({"htu": null}), "claim"),
            ("own a string", json!({"own": "false"}), "claim"),
            ("own a number", json!({"own": 1}), "claim"),
            ("roles a string", json!({"roles": "admin"}), "claim"),
            ("roles with a number", json!({"roles": ["customer", 1]}), "claim"),
            ("roles with an empty one", json!({"roles": [""]}), "claim"),
            ("name a number", json!({"name": 1}), "claim"),
            ("act a string", json!({"act": "service:orders"}), "claim"),
            ("act without sub", json!({"act": {}}), "claim"),
        ];
        for (name, change, reason) in cases {
            let token = sign(&self.key, &header(&self.key, "rw-int+jwt"), &internal(change))?;
            self.push(name, Profile::Internal, token, reason);
        }
        let cases = [
            ("access token without client_id", json!({"client_id": null}), "claim"),
            ("access token without jti", json!({"jti": null}), "claim"),
            ("access token bound to a key", json!({"cnf": {"jkt": "x"}}), "bound"),
            ("access token with scope an array", json!({"scope": ["a"]}), "claim"),
            (
                "access token for another issuer",
                json!({"aud": "https://other.example"}),
                "audience",
            ),
            ("access token, iss with a slash", json!({"iss": "https://shop.example/"}), "issuer"),
            ("access token, iss by http", json!({"iss": "http://shop.example"}), "issuer"),
        ];
        for (name, change, reason) in cases {
            let token = sign(&self.key, &header(&self.key, "at+jwt"), &access(change))?;
            self.push(name, Profile::Access, token, reason);
        }
        Ok(())
    }

    fn times(&mut self) -> Result<(), Failure> {
        let cases = [
            ("expired within the leeway", json!({"iat": NOW - 34, "exp": NOW - 4}), ""),
            ("expired at the leeway", json!({"iat": NOW - 35, "exp": NOW - 5}), "expired"),
            ("J15 expired 59 seconds ago", json!({"iat": NOW - 89, "exp": NOW - 59}), "expired"),
            ("J15 exp missing", json!({"exp": null}), "claim"),
            ("J15 exp a string", json!({"exp": (NOW + 30).to_string()}), "claim"),
            ("J15 exp a float", json!({"exp": 1_800_000_030.0}), "claim"),
            ("J15 exp true", json!({"exp": true}), "claim"),
            ("J15 exp negative", json!({"exp": -1}), "claim"),
            ("J15 exp 1e300", json!({"exp": 1e300}), "claim"),
            ("J15 exp after the year 9999", json!({"exp": 253_402_300_800_u64}), "claim"),
            ("J15 exp zero", json!({"exp": 0}), "expired"),
            ("J15 exp in a year", json!({"exp": NOW + 31_536_000}), "life"),
            ("life of sixty seconds", json!({"exp": NOW + 60}), ""),
            ("life of sixty-one seconds", json!({"exp": NOW + 61}), "life"),
            ("exp before iat", json!({"iat": NOW + 3, "exp": NOW + 2}), "life"),
            ("iat missing", json!({"iat": null}), "claim"),
            ("iat true", json!({"iat": true}), "claim"),
            ("iat a float", json!({"iat": 1_800_000_000.0}), "claim"),
            ("iat ahead within the leeway", json!({"iat": NOW + 5}), ""),
            ("J15 iat ahead", json!({"iat": NOW + 6}), "not-yet"),
            ("J15 nbf a string", json!({"nbf": NOW.to_string()}), "claim"),
            ("J15 nbf in 2099", json!({"nbf": 4_070_908_800_u64}), "not-yet"),
            ("nbf now", json!({"nbf": NOW}), ""),
        ];
        for (name, change, reason) in cases {
            let token = sign(&self.key, &header(&self.key, "rw-int+jwt"), &internal(change))?;
            self.push(name, Profile::Internal, token, reason);
        }
        let token =
            sign(&self.key, &header(&self.key, "at+jwt"), &access(json!({"exp": NOW + 3_601})))?;
        self.push("access token for more than an hour", Profile::Access, token, "life");
        Ok(())
    }

    fn signatures(&mut self) -> Result<(), Failure> {
        let claims = internal(json!({}));
        let forged = sign(&self.other, &header(&self.key, "rw-int+jwt"), &claims)?;
        self.push("J17 signed with another key", Profile::Internal, forged, "signature");
        let good = sign(&self.key, &header(&self.key, "rw-int+jwt"), &claims)?;
        let swapped: Vec<&str> = good.split('.').collect();
        let admin = base64url_encode(internal(json!({"roles": ["admin"]})));
        let token = [swapped[0], admin.as_str(), swapped[2]].join(".");
        self.push("claims exchanged", Profile::Internal, token, "signature");
        let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
        let mut malleable = base64url_decode(swapped[2]).unwrap_or_default();
        add_little_endian(&mut malleable[32..], &unhex(order));
        let token = [swapped[0], swapped[1], &base64url_encode(&malleable)].join(".");
        self.push("J12 s not reduced", Profile::Internal, token, "signature");
        // ES256: RFC 7518 section 3.4 wants r || s, each 32 bytes and between 1 and n - 1.
        let good = sign(&self.es256, &header(&self.es256, "at+jwt"), &access(json!({})))?;
        let (signed, _) = good.rsplit_once('.').unwrap_or_default();
        let n = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
        let mut one = vec![0; 32];
        one[31] = 1;
        let zero = vec![0; 32];
        let cases = [
            ("J10 r and s zero", [zero.clone(), zero.clone()].concat()),
            ("J10 r zero", [zero.clone(), one.clone()].concat()),
            ("J10 s zero", [one.clone(), zero].concat()),
            ("J10 r is n", [n.clone(), one.clone()].concat()),
            ("J10 s is n", [one.clone(), n].concat()),
            ("J10 r and s one", [one.clone(), one.clone()].concat()),
            ("J10 der", unhex("3006020101020101")),
            ("J10 65 bytes", vec![1; 65]),
            ("J10 empty half", one),
        ];
        for (name, signature) in cases {
            let token = format!("{signed}.{}", base64url_encode(signature));
            self.push(name, Profile::Access, token, "signature");
        }
        Ok(())
    }

    fn keys(&mut self) -> Result<(), Failure> {
        let token = sign(&self.key, &header(&self.key, "rw-int+jwt"), &internal(json!({})))?;
        let public = self.key.public().to_json().unwrap_or_default();
        let kid = self.key.key_id().to_owned();
        let small = |x: &str| {
            json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": kid,
                             "x": base64url_encode(unhex(x))}]})
        };
        let symmetric = json!({"keys": [{"kty": "oct", "alg": "HS256", "kid": kid,
                                         "k": base64url_encode([1; 32])}]});
        let cases = [
            ("no keys", json!({"keys": []})),
            ("J18 two keys with one kid", json!({"keys": [public, rename(&self.other, &kid)]})),
            ("J18 the same key twice", json!({"keys": [public, public]})),
            ("a key for encryption", json!({"keys": [change(&public, "use", json!("enc"))]})),
            (
                "a key that may only sign",
                json!({"keys": [change(&public, "key_ops", json!(["sign"]))]}),
            ),
            ("a private key", json!({"keys": [change(&public, "d", json!("AA"))]})),
            ("a key with another alg", json!({"keys": [change(&public, "alg", json!("ES256"))]})),
            ("J2 a symmetric key", symmetric),
            (
                "J12 key of small order, y = 1",
                small("0100000000000000000000000000000000000000000000000000000000000000"),
            ),
            (
                "J12 key of small order, y = 0",
                small("0000000000000000000000000000000000000000000000000000000000000000"),
            ),
            (
                "J12 key of small order, order eight",
                small("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
            ),
            (
                "J12 key not canonical",
                small("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
            ),
            (
                "key of 31 bytes",
                small("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc"),
            ),
        ];
        for (name, jwks) in cases {
            let before = std::mem::replace(&mut self.jwks, jwks);
            self.push(name, Profile::Internal, token.clone(), "key");
            self.jwks = before;
        }
        Ok(())
    }

    fn push(&mut self, name: &str, profile: Profile, token: String, reason: &str) {
        let (profile, issuer, audience) = match profile {
            Profile::Access => ("access", "https://shop.example", "https://shop.example"),
            Profile::Internal => ("internal", "ringwall:shop", "users"),
        };
        self.cases.push(json!({
            "name": name, "profile": profile, "jwks": self.jwks, "token": Value::from(token),
            "expected": {"issuer": issuer, "audience": audience},
            "now": NOW, "valid": reason.is_empty(), "reason": reason,
        }));
    }
}

fn internal(change: Value) -> String {
    merged(
        json!({"iss": "ringwall:shop", "aud": "users", "iat": NOW, "exp": NOW + 30,
               "sub": "u-1", "name": "ada", "roles": ["customer"], "own": false,
               "op": "getUser", "htm": "GET", "htu": "/users/1", "jti": "r-0123456789"}),
        change,
    )
}

fn access(change: Value) -> String {
    merged(
        json!({"iss": "https://shop.example", "aud": "https://shop.example", "iat": NOW,
               "exp": NOW + 300, "sub": "u-1", "client_id": "web", "jti": "t-1",
               "scope": "openid", "sid": "s-1", "roles": ["customer"]}),
        change,
    )
}

/// Puts the members of `change` over those of `base`; `null` removes one.
fn merged(base: Value, change: Value) -> String {
    let (Value::Object(mut members), Value::Object(change)) = (base, change) else {
        return String::new();
    };
    for (name, value) in change {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    Value::Object(members).to_string()
}

fn change(key: &Value, name: &str, value: Value) -> Value {
    let mut members: Map<String, Value> = key.as_object().cloned().unwrap_or_default();
    members.insert(name.to_owned(), value);
    Value::Object(members)
}

fn rename(key: &PrivateKey, kid: &str) -> Value {
    change(&key.public().to_json().unwrap_or_default(), "kid", json!(kid))
}

fn header(key: &PrivateKey, typ: &str) -> String {
    format!(r#"{{"alg":"{}","typ":"{typ}","kid":"{}"}}"#, key.algorithm().name(), key.key_id())
}

fn sign(key: &PrivateKey, header: &str, claims: &str) -> Result<String, Failure> {
    sign_bytes(key, header, claims.as_bytes())
}

fn sign_bytes(key: &PrivateKey, header: &str, claims: &[u8]) -> Result<String, Failure> {
    let signed = format!("{}.{}", base64url_encode(header), base64url_encode(claims));
    let signature = key.sign(signed.as_bytes())?;
    Ok(format!("{signed}.{}", base64url_encode(signature)))
}

fn ed25519(seed: u8) -> Result<PrivateKey, Failure> {
    // RFC 8410 section 7: the fixed head of a PKCS#8 Ed25519 key.
    let mut document = unhex("302e020100300506032b657004220420");
    document.extend([seed; 32]);
    Ok(PrivateKey::from_pkcs8(Algorithm::EdDsa, &Secret::new(document))?)
}

fn longer(signature: &str) -> String {
    let mut bytes = base64url_decode(signature).unwrap_or_default();
    bytes.push(0);
    base64url_encode(bytes)
}

fn add_little_endian(target: &mut [u8], number: &[u8]) {
    let mut carry = 0_u16;
    for (byte, add) in target.iter_mut().zip(number) {
        let sum = u16::from(*byte) + u16::from(*add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .filter_map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok())
        .collect()
}
