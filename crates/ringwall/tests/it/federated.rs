//! A job of somebody else's CI gets a token without a secret, from the binary as it is.

use ringwall_base::Algorithm;
use ringwall_jose::{JwkSet, PrivateKey, mint};
use serde_json::{Value, json};

use crate::library::Library;

const CI: &str = "https://token.ci.example";

#[test]
fn a_job_is_let_in_by_its_platforms_token_and_another_repository_is_not() {
    let library = Library::open();
    let house = &library.house;
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let jwks = JwkSet::new(vec![key.public().clone()]).unwrap().to_json().to_string();
    house.write("ci.json", &jwks);
    let deploy = ["client", "add", "deploy", "--bearer", "--issuer", CI, "--jwks", "ci.json"];
    let without = house.run(&deploy);
    assert_ne!(without.code, 0, "without a claim everybody there would be let in");
    let anybody = house.run(&[&deploy[..], &["--claim", "sub=**"]].concat());
    assert_ne!(anybody.code, 0, "{}", anybody.out);
    let claim = "sub=repo:shop/app:ref:refs/heads/*";
    house.run(&[&deploy[..], &["--claim", claim, "--role", "customer"]].concat()).good();
    let issuer = house.get("/.well-known/openid-configuration").json()["issuer"].clone();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut serial = 0;
    let mut asked = |subject: &str, audience: &Value| -> Value {
        serial += 1;
        let claims = json!({"iss": CI, "sub": subject, "aud": audience, "iat": now,
            "exp": now + 300, "jti": format!("j-{serial}")});
        let token = mint(&key, "JWT", &claims).unwrap();
        let form = format!(
            "grant_type=client_credentials&client_id=deploy&client_assertion={token}\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        );
        let fields = ["Content-Type: application/x-www-form-urlencoded"];
        house.send("POST /oauth/token", &fields, &form).json()
    };
    let good = asked("repo:shop/app:ref:refs/heads/main", &issuer);
    let bearer = good["access_token"].as_str().unwrap_or_else(|| panic!("{good}"));
    let bearer = format!("Authorization: Bearer {bearer}");
    assert_eq!(house.send("GET /books/7", &[&bearer], "").status, 200);
    for (subject, audience) in [
        ("repo:evil/app:ref:refs/heads/main", &issuer),
        ("repo:shop/app:pull_request", &issuer),
        ("repo:shop/app:ref:refs/heads/main", &json!("https://github.com/shop")),
    ] {
        assert_eq!(asked(subject, audience)["error"], "invalid_client", "{subject} {audience}");
    }
}
