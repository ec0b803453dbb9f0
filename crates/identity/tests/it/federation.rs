//! Clients that prove themselves by another issuer's tokens: attacks C1 to C5, C11 and K2, and what a
//! filter lets in.

use std::collections::BTreeMap;
use std::time::Duration;

use ringwall_base::{Algorithm, Signer as _};
use ringwall_identity::{Access, ClientError, Federation, NewClient};
use ringwall_jose::{JwkSet, PrivateKey, base64url_encode, mint};
use serde_json::{Value, json};

use crate::fixture::{Fixture, ISSUER, json as body};

const CI: &str = "https://token.ci.example";
const SUBJECT: &str = "repo:shop/app:ref:refs/heads/main";

struct Platform {
    f: Fixture,
    key: PrivateKey,
    serial: u32,
}

fn jwks(key: &PrivateKey) -> String {
    JwkSet::new(vec![key.public().clone()]).unwrap().to_json().to_string()
}

fn federation(key: &PrivateKey, claims: &[(&str, &str)]) -> Federation {
    let own = |(name, pattern): &(&str, &str)| ((*name).to_owned(), (*pattern).to_owned());
    Federation {
        issuer: CI.to_owned(),
        jwks: jwks(key),
        claims: claims.iter().map(own).collect::<BTreeMap<_, _>>(),
        may_repeat: false,
    }
}

impl Platform {
    /// `deploy` is a job on one branch of one repository, `pod` a service account.
    fn new() -> Self {
        let (f, key) = (Fixture::new(), PrivateKey::generate(Algorithm::Es256).unwrap());
        let p = Self { f, key, serial: 0 };
        let branch = [("sub", "repo:shop/app:ref:refs/heads/*"), ("repository_owner", "shop")];
        p.add("deploy", federation(&p.key, &branch)).unwrap();
        let pod = federation(&p.key, &[("sub", "system:serviceaccount:shop:*")]);
        p.add("pod", Federation { may_repeat: true, ..pod }).unwrap();
        p
    }

    fn add(&self, id: &str, federation: Federation) -> Result<(), ClientError> {
        let access = Access::Federated(federation);
        let new = NewClient { id: id.to_owned(), access, ..NewClient::default() };
        self.f.identity.clients().add(new).map(|_| ())
    }

    /// What the platform signs, with some claims replaced; `null` takes one away.
    fn token(&mut self, change: &Value) -> String {
        self.serial += 1;
        let now = self.f.now().secs();
        let mut claims = json!({"iss": CI, "sub": SUBJECT, "aud": ISSUER, "iat": now, "nbf": now,
            "exp": now + 300, "jti": format!("t-{}", self.serial), "repository_owner": "shop",
            "run_number": 7, "fork": false});
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        mint(&self.key, "JWT", &claims).unwrap()
    }

    async fn send(&self, id: &str, token: &str) -> (u16, String) {
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let id = if id.is_empty() { String::new() } else { format!("&client_id={id}") };
        let form = format!(
            "grant_type=client_credentials&client_assertion_type={kind}&client_assertion={token}{id}"
        );
        self.f.sink.take();
        let reply = self.f.post("/oauth/token", &form).await;
        let why = self.f.sink.take().into_iter().find_map(|event| event.reason);
        (reply.status().as_u16(), why.unwrap_or_default())
    }
}

#[tokio::test]
async fn a_job_of_a_platform_is_let_in_by_its_token_once() {
    let mut p = Platform::new();
    let token = p.token(&json!({}));
    assert_eq!(p.send("deploy", &token).await, (200, String::new()));
    assert_eq!(p.send("deploy", &token).await, (401, "assertion used before".to_owned()));
    // Kubernetes: a list of one, no `jti` in older ones, and the same token until it is renewed.
    let pod = json!({"sub": "system:serviceaccount:shop:orders", "aud": [ISSUER], "jti": null});
    let token = p.token(&pod);
    for _ in 0..2 {
        assert_eq!(p.send("pod", &token).await.0, 200);
    }
    p.f.clock.advance(Duration::from_secs(331));
    assert_eq!(p.send("pod", &token).await, (401, "expired".to_owned()));
}

/// RFC 7523 section 3; the guides of GitHub and GitLab on `aud` and `sub`; GHSA reports on trust
/// policies without a subject.
#[tokio::test]
async fn c1_to_c5_a_token_that_is_not_exactly_ours_to_take_is_refused() {
    let mut p = Platform::new();
    let now = p.f.now().secs();
    for (change, why) in [
        // C1: for somebody else.
        (json!({"aud": format!("{ISSUER}/oauth/token")}), "audience"),
        (json!({"aud": format!("{ISSUER}/")}), "audience"),
        (json!({"aud": "https://shop.example.evil"}), "audience"),
        (json!({"aud": "https://github.com/shop"}), "audience"),
        (json!({"aud": [ISSUER, "https://other.example"]}), "claim"),
        (json!({"aud": [[ISSUER]]}), "claim"),
        (json!({"aud": []}), "claim"),
        (json!({"aud": null}), "claim"),
        // C2: without what makes it one use.
        (json!({"jti": null}), "the token has no jti"),
        // C3: its time.
        (json!({"exp": null}), "claim"),
        (json!({"exp": now + 31_536_000}), "life"),
        (json!({"exp": now - 31, "iat": now - 60, "nbf": now - 60}), "expired"),
        (json!({"iat": now + 60}), "not-yet"),
        (json!({"nbf": now + 60}), "not-yet"),
        (json!({"exp": (now + 60).to_string()}), "claim"),
        // C4: of another issuer.
        (json!({"iss": "https://token.ci.example/"}), "issuer"),
        (json!({"iss": "https://other.example"}), "issuer"),
        (json!({"iss": "deploy", "sub": "deploy"}), "issuer"),
        (json!({"iss": null}), "claim"),
        // Of somebody else there.
        (json!({"sub": "repo:evil/app:ref:refs/heads/main"}), OTHER),
        (json!({"sub": "repo:shop/app:pull_request"}), OTHER),
        (json!({"sub": "repo:shop/app:ref:refs/heads/x/y"}), OTHER),
        (json!({"sub": "repo:shop/app:ref:refs/heads/main:evil"}), OTHER),
        (json!({"sub": "xrepo:shop/app:ref:refs/heads/main"}), OTHER),
        (json!({"sub": "Repo:shop/app:ref:refs/heads/main"}), OTHER),
        (json!({"sub": null}), "claim"),
        (json!({"sub": ["repo:shop/app:ref:refs/heads/main"]}), "claim"),
        (json!({"repository_owner": "evil"}), OTHER),
        (json!({"repository_owner": null}), OTHER),
        (json!({"repository_owner": ["shop"]}), OTHER),
        (json!({"repository_owner": {"name": "shop"}}), OTHER),
    ] {
        let token = p.token(&change);
        assert_eq!(p.send("deploy", &token).await, (401, why.to_owned()), "{change}");
    }
    // C5: signed by somebody else, or by nobody.
    let other = PrivateKey::generate(Algorithm::Es256).unwrap();
    let own = std::mem::replace(&mut p.key, other);
    let token = p.token(&json!({}));
    assert_eq!(p.send("deploy", &token).await, (401, "key".to_owned()));
    p.key = own;
    let good = p.token(&json!({}));
    let [_, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    for (header, why) in [
        (json!({"alg": "none", "kid": p.key.key_id()}), "algorithm"),
        (json!({"alg": "HS256", "kid": p.key.key_id()}), "algorithm"),
        (json!({"alg": "RS256", "kid": p.key.key_id()}), "algorithm"),
        (json!({"alg": "ES256"}), "header"),
        (json!({"alg": "ES256", "kid": "other"}), "key"),
        (json!({"alg": "ES256", "kid": p.key.key_id(), "typ": "at+jwt"}), "typ"),
        (json!({"alg": "ES256", "kid": p.key.key_id(), "jku": "https://evil.example"}), "header"),
    ] {
        let token = format!("{}.{claims}.{signature}", base64url_encode(header.to_string()));
        assert_eq!(p.send("deploy", &token).await, (401, why.to_owned()), "{header}");
    }
    assert_eq!(p.send("deploy", &good).await.0, 200, "nothing used it up");
}

const OTHER: &str = "a claim is not the registered one";

#[tokio::test]
async fn a_federated_client_says_its_id_and_proves_itself_in_no_other_way() {
    let mut p = Platform::new();
    for (id, why) in
        [("", "unknown client"), ("pod", OTHER), ("robot", "not the registered method")]
    {
        let token = p.token(&json!({}));
        assert_eq!(p.send(id, &token).await, (401, why.to_owned()), "{id}");
    }
    for more in ["", "&client_secret=x"] {
        let form = format!("grant_type=client_credentials&client_id=deploy{more}");
        assert_eq!(p.f.post("/oauth/token", &form).await.status(), 401, "{more}");
    }
    // A token that lets one client in is not good for a second one.
    let twin = federation(&p.key, &[("sub", SUBJECT)]);
    p.add("twin", twin).unwrap();
    let token = p.token(&json!({}));
    assert_eq!(p.send("deploy", &token).await.0, 200);
    assert_eq!(p.send("twin", &token).await, (401, "assertion used before".to_owned()));
    // One that we issued is no other issuer's.
    let form =
        format!("grant_type=client_credentials&client_id=robot&client_secret={}", p.f.secret);
    let ours = body(&p.f.post("/oauth/token", &form).await)["access_token"].clone();
    assert_eq!(p.send("deploy", ours.as_str().unwrap()).await.0, 401);
}

#[test]
fn a_registration_without_a_filter_or_with_bad_keys_is_refused() {
    let p = Platform::new();
    let good = federation(&p.key, &[("sub", SUBJECT)]);
    for claims in [
        &[][..],
        &[("sub", "")],
        &[("sub", "*")],
        &[("sub", "**")],
        &[("sub", "*:*/**")],
        &[("", "x")],
        &[("iss", CI)],
        &[("aud", ISSUER)],
        &[("sub", SUBJECT), ("exp", "1")],
        // Nobody in particular: every job of every customer says so.
        &[("ref", "refs/heads/main")],
        &[("ref", "refs/heads/main"), ("environment", "production")],
        &[("sub", "repo:*"), ("ref", "refs/heads/main")],
        &[("sub", "repo:*/app:ref:refs/heads/main")],
        &[("sub", "repo:sh*")],
        &[("sub", "repo:sh*/app:ref:refs/heads/main")],
        &[("sub", "*:ref:refs/heads/main")],
        &[("sub", "system:serviceaccount:*:orders")],
        &[("sub", "project_path:**:ref:main")],
        &[("sub", "system:**")],
        &[("sub", "system:serviceaccount:**")],
        &[("sub", "spiffe:**")],
        &[("sub", "repository_owner_id:**")],
        &[("sub", "shop:**")],
        &[("sub", "event_name:push")],
        &[("sub", "runner_environment:self-hosted")],
        &[("sub", "head_ref:main")],
        &[("sub", "environment:production")],
        &[("repository", "*/app")],
        &[("repository_owner", "sh*")],
        &[("repository_id", "1*")],
        &[("actor", "ada")],
    ] {
        let refused = p.add("x", federation(&p.key, claims));
        assert!(matches!(refused, Err(ClientError::Federation)), "{claims:?}");
    }
    for issuer in ["", "http://token.ci.example", "token.ci.example"] {
        let refused = p.add("x", Federation { issuer: issuer.to_owned(), ..good.clone() });
        assert!(matches!(refused, Err(ClientError::Federation)), "{issuer}");
    }
    // K2: no keys, an error page, a symmetric key, too much.
    let symmetric = "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"HS256\",\"kid\":\"a\"}]}";
    for jwks in ["", "{}", "<html></html>", symmetric, &" ".repeat(1_000_000)] {
        let refused = p.add("x", Federation { jwks: jwks.to_owned(), ..good.clone() });
        assert!(matches!(refused, Err(ClientError::Keys(_))), "{jwks:.20}");
    }
    p.add("x", good).unwrap();
}

#[test]
fn a_filter_names_an_owner() {
    let p = Platform::new();
    for (at, claims) in [
        &[("repository", "shop/*"), ("ref", "refs/heads/main")][..],
        &[("repository_id", "1234")],
        &[("repository_owner", "shop")],
        &[("repository_owner_id", "77")],
        &[("project_path", "shop/app")],
        &[("project_id", "9"), ("ref", "main")],
        &[("namespace_id", "9")],
        &[("namespace_path", "shop/*")],
        &[("sub", "repo:shop/*:ref:refs/heads/main")],
        &[("sub", "project_path:shop/app:ref_type:branch:ref:main")],
        &[("sub", "system:serviceaccount:shop:*")],
        &[("sub", "107517467455664443765")],
        &[("sub", "repository_owner_id:77:*")],
        &[("sub", "shop/app:main")],
        &[("sub", "spiffe://shop.example/**")],
    ]
    .iter()
    .enumerate()
    {
        p.add(&format!("c{at}"), federation(&p.key, claims)).unwrap();
    }
}

/// C2: what was used stays used.
#[tokio::test]
async fn c2_a_token_is_used_up_across_a_restart() {
    let mut p = Platform::new();
    let token = p.token(&json!({"exp": p.f.now().secs() + 7_000}));
    assert_eq!(p.send("deploy", &token).await.0, 200);
    p.f.clock.advance(Duration::from_secs(5));
    let mut p = Platform { f: p.f.restart(), ..p };
    assert_eq!(p.send("deploy", &token).await, (401, "assertion used before".to_owned()));
    let fresh = p.token(&json!({}));
    assert_eq!(p.send("deploy", &fresh).await.0, 200);
    p.f.clock.advance(Duration::from_hours(3));
    p.f.identity.sweep().unwrap();
    assert_eq!(p.send("deploy", &token).await.0, 401, "expired");
}
