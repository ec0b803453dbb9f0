//! Proofs of possession at the token endpoint and userinfo: attacks D1 to D6.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::Algorithm;
use ringwall_identity::{Access, Grant, NewClient};
use ringwall_jose::{
    BoundAccessToken, BoundClaims, Confirmation, DpopProof, Expected, JwkSet, PrivateKey, mint,
};
use serde_json::{Value, json as value};

use crate::fixture::*;

fn program(f: &Fixture) -> String {
    format!("grant_type=client_credentials&client_id=robot&client_secret={}", f.secret)
}

fn jkt_of(f: &Fixture, body: &Value) -> String {
    let expected = Expected { issuer: ISSUER.to_owned(), audience: ISSUER.to_owned() };
    let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{body}"));
    assert!(f.identity.keys().verify_access(token, &expected, f.now()).is_err());
    match f.identity.keys().verify::<BoundAccessToken>(token, &expected, f.now()).unwrap() {
        BoundClaims { confirmation: Confirmation::Key(jkt), .. } => jkt,
        other => panic!("{other:?}"),
    }
}

fn add(f: &Fixture, id: &str, access: Access) -> Option<String> {
    let client = NewClient {
        id: id.to_owned(),
        access,
        grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
        redirect_uris: vec![CALLBACK.to_owned()],
        ..NewClient::default()
    };
    f.identity.clients().add(client).unwrap().map(|secret| secret.expose().clone())
}

async fn code_for(f: &Fixture, session: &str, changes: &[(&str, &str)]) -> String {
    let back = location(&f.get(&authorize_path(changes), session).await);
    parameter(&back, "code").unwrap_or_else(|| panic!("{back}"))
}

#[tokio::test]
async fn a_nonce_is_asked_for_once_and_the_token_is_bound() {
    let (f, prover) = (Fixture::new(), Prover::new());
    let reply = prover.post(&f, "/oauth/token", &program(&f)).await;
    assert_eq!((reply.status().as_u16(), &json(&reply)["error"]), (400, &"use_dpop_nonce".into()));
    let nonce = reply.headers().get("dpop-nonce").unwrap().clone();
    let reply = prover.post(&f, "/oauth/token", &program(&f)).await;
    assert_eq!(reply.headers().get("dpop-nonce").unwrap(), nonce, "section 8.2");
    let body = json(&reply);
    assert_eq!(body["token_type"], "DPoP");
    assert_eq!(jkt_of(&f, &body), prover.jkt());
    let ask = format!(
        "client_id=robot&client_secret={}&token={}",
        f.secret,
        body["access_token"].as_str().unwrap()
    );
    let known = json(&f.post("/oauth/introspect", &ask).await);
    assert_eq!(
        (&known["token_type"], &known["cnf"]["jkt"]),
        (&"DPoP".into(), &prover.jkt().into())
    );
    // The nonce turns; one that is too old is asked for anew.
    f.clock.advance(Duration::from_mins(2));
    let reply = prover.post(&f, "/oauth/token", &program(&f)).await;
    assert_eq!(json(&reply)["error"], "use_dpop_nonce");
    assert_ne!(reply.headers().get("dpop-nonce").unwrap(), nonce);
    assert_eq!(prover.post(&f, "/oauth/token", &program(&f)).await.status(), 200);
    let plain = f.post("/oauth/token", &program(&f)).await;
    assert_eq!(json(&plain)["token_type"], "Bearer");
    assert!(plain.headers().get("dpop-nonce").is_none());
    let known = json(&f.get("/.well-known/oauth-authorization-server", "").await);
    assert_eq!(known["dpop_signing_alg_values_supported"][0], "ES256");
}

#[tokio::test]
async fn d2_a_proof_that_is_not_for_this_request_gives_nothing() {
    let (f, prover) = (Fixture::new(), Prover::new());
    prover.learn(&f).await;
    let now = f.now().secs();
    for change in [
        value!({"htm": "GET"}),
        value!({"htu": format!("{ISSUER}/oauth/par")}),
        value!({"htu": "https://other.example/oauth/token"}),
        value!({"iat": now - 60}),
        value!({"iat": now + 60}),
        value!({"jti": null}),
    ] {
        let reply = prover.post_with(&f, "/oauth/token", &program(&f), &change).await;
        assert_eq!(json(&reply)["error"], "invalid_dpop_proof", "{change}");
    }
    for nonce in [value!(null), value!("x")] {
        let change = value!({"nonce": nonce});
        let reply = prover.post_with(&f, "/oauth/token", &program(&f), &change).await;
        assert_eq!(json(&reply)["error"], "use_dpop_nonce", "{change}");
    }
    let one = value!({"jti": "same"});
    assert_eq!(prover.post_with(&f, "/oauth/token", &program(&f), &one).await.status(), 200);
    f.sink.take();
    let reply = prover.post_with(&f, "/oauth/token", &program(&f), &one).await;
    assert_eq!(json(&reply)["error"], "invalid_dpop_proof", "replayed");
    assert_eq!(f.sink.take()[0].action, "dpop-replayed");
    let proofs = [(); 2].map(|()| prover.proof(&f, "POST /oauth/token", &value!({})));
    let two = [("dpop", proofs[0].as_str()), ("dpop", proofs[1].as_str())];
    let reply = f.send(form_request("/oauth/token", &program(&f), &two)).await;
    assert_eq!(json(&reply)["error"], "invalid_dpop_proof", "two");
    // A nonce of another server, or of this one before it started anew.
    f.clock.advance(Duration::from_millis(1));
    let f = f.restart();
    let form = program(&f);
    assert_eq!(json(&prover.post(&f, "/oauth/token", &form).await)["error"], "use_dpop_nonce");
    assert_eq!(prover.post(&f, "/oauth/token", &form).await.status(), 200);
}

/// Anybody can make keys and proofs: who has no grant to use one for gets no place in the memory.
#[tokio::test]
async fn q5_a_proof_is_remembered_only_when_something_was_given_for_it() {
    let (f, prover) = (Fixture::new(), Prover::new());
    prover.learn(&f).await;
    let one = value!({"jti": "same"});
    let nothing = "grant_type=authorization_code&client_id=native&code=x&redirect_uri=x";
    let wrong = "grant_type=client_credentials&client_id=robot&client_secret=wrong";
    for form in [nothing, nothing, wrong, wrong] {
        let reply = prover.post_with(&f, "/oauth/token", form, &one).await;
        assert_ne!(json(&reply)["error"], "invalid_dpop_proof", "{form}");
        assert!(reply.status().is_client_error());
    }
    assert_eq!(prover.post_with(&f, "/oauth/token", &program(&f), &one).await.status(), 200);
    let reply = prover.post_with(&f, "/oauth/token", &program(&f), &one).await;
    assert_eq!(json(&reply)["error"], "invalid_dpop_proof", "now it is used");
}

/// Clients that are told to come back with a nonce change the proof, and nothing else.
#[tokio::test]
async fn an_assertion_is_not_used_up_for_want_of_a_nonce() {
    let (f, prover) = (Fixture::new(), Prover::new());
    let key = PrivateKey::generate(Algorithm::Es256).unwrap();
    let jwks = JwkSet::new(vec![key.public().clone()]).unwrap().to_json().to_string();
    let client =
        NewClient { id: "keyed".to_owned(), access: Access::Key(jwks), ..NewClient::default() };
    f.identity.clients().add(client).unwrap();
    let now = f.now().secs();
    let claims = value!({"iss": "keyed", "sub": "keyed", "aud": ISSUER, "iat": now,
        "exp": now + 60, "jti": "a"});
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let assertion = mint(&key, "JWT", &claims).unwrap();
    let form = format!(
        "grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}"
    );
    let reply = prover.post(&f, "/oauth/token", &form).await;
    assert_eq!(json(&reply)["error"], "use_dpop_nonce");
    assert_eq!(prover.post(&f, "/oauth/token", &form).await.status(), 200, "the same assertion");
    let reply = prover.post(&f, "/oauth/token", &form).await;
    assert_eq!(json(&reply)["error"], "invalid_client", "once");
}

#[tokio::test]
async fn a_client_that_must_prove_a_key_gets_nothing_without() {
    let (f, prover) = (Fixture::new(), Prover::new());
    prover.learn(&f).await;
    let client = NewClient { id: "strict".to_owned(), requires_dpop: true, ..NewClient::default() };
    let secret = f.identity.clients().add(client).unwrap().unwrap();
    let form =
        format!("grant_type=client_credentials&client_id=strict&client_secret={}", secret.expose());
    assert_eq!(json(&f.post("/oauth/token", &form).await)["error"], "invalid_dpop_proof");
    f.clock.advance(Duration::from_millis(1));
    let f = f.restart();
    assert_eq!(f.post("/oauth/token", &form).await.status(), 400, "after a restart, too");
    prover.learn(&f).await;
    assert_eq!(prover.post(&f, "/oauth/token", &form).await.status(), 200);
}

#[tokio::test]
async fn d5_a_code_with_dpop_jkt_needs_that_key() {
    let (f, prover, thief) = (Fixture::new(), Prover::new(), Prover::new());
    prover.learn(&f).await;
    thief.learn(&f).await;
    let session = f.sign_in().await;
    let bound = [("dpop_jkt", prover.jkt())];
    let code = code_for(&f, &session, &bound).await;
    let reply = thief.post(&f, "/oauth/token", &code_form(&code, &[])).await;
    assert_eq!(json(&reply)["error"], "invalid_grant");
    let code = code_for(&f, &session, &bound).await;
    assert_eq!(json(&f.redeem(&code).await)["error"], "invalid_grant", "no proof");
    let code = code_for(&f, &session, &bound).await;
    let body = json(&prover.post(&f, "/oauth/token", &code_form(&code, &[])).await);
    assert_eq!(jkt_of(&f, &body), prover.jkt());
    let back = location(&f.get(&authorize_path(&[("dpop_jkt", "short")]), &session).await);
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
    // A missing nonce does not use a code up.
    let (code, late) = (code_for(&f, &session, &[]).await, Prover::new());
    let form = code_form(&code, &[]);
    assert_eq!(json(&late.post(&f, "/oauth/token", &form).await)["error"], "use_dpop_nonce");
    assert_eq!(late.post(&f, "/oauth/token", &form).await.status(), 200);
}

#[tokio::test]
async fn d6_a_public_clients_refresh_token_is_bound_and_does_not_rotate() {
    let (f, prover, thief) = (Fixture::new(), Prover::new(), Prover::new());
    prover.learn(&f).await;
    thief.learn(&f).await;
    add(&f, "app", Access::Public);
    let session = f.sign_in().await;
    let code = code_for(&f, &session, &[("client_id", "app")]).await;
    let form = code_form(&code, &[("client_id", "app")]);
    let body = json(&prover.post(&f, "/oauth/token", &form).await);
    let rwr = body["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&client_id=app&refresh_token={rwr}");
    for _ in 0..2 {
        assert_eq!(json(&f.post("/oauth/token", &form).await)["error"], "invalid_grant");
        let reply = thief.post(&f, "/oauth/token", &form).await;
        assert_eq!(json(&reply)["error"], "invalid_grant");
        let body = json(&prover.post(&f, "/oauth/token", &form).await);
        assert_eq!(jkt_of(&f, &body), prover.jkt());
        assert!(body.get("refresh_token").is_none(), "{body}");
    }
}

#[tokio::test]
async fn a_confidential_clients_refresh_token_is_its_own_whatever_key_it_proves() {
    let (f, one, two) = (Fixture::new(), Prover::new(), Prover::new());
    one.learn(&f).await;
    two.learn(&f).await;
    let secret = add(&f, "site", Access::Secret).unwrap();
    let session = f.sign_in().await;
    let code = code_for(&f, &session, &[("client_id", "site")]).await;
    let who = format!("client_id=site&client_secret={secret}");
    let form = format!("{}&{who}", code_form(&code, &[("client_id", "")]));
    let body = json(&one.post(&f, "/oauth/token", &form).await);
    let rwr = body["refresh_token"].as_str().unwrap_or_else(|| panic!("{body}"));
    let form = format!("grant_type=refresh_token&{who}&refresh_token={rwr}");
    let body = json(&two.post(&f, "/oauth/token", &form).await);
    assert_eq!(jkt_of(&f, &body), two.jkt(), "RFC 9449 section 5");
}

#[tokio::test]
async fn d1_userinfo_takes_a_bound_token_with_its_proof_only() {
    let (f, prover, thief) = (Fixture::new(), Prover::new(), Prover::new());
    prover.learn(&f).await;
    let session = f.sign_in().await;
    let form = code_form(&code_for(&f, &session, &[]).await, &[]);
    let body = json(&prover.post(&f, "/oauth/token", &form).await);
    let token = body["access_token"].as_str().unwrap();
    let ath = DpopProof::ath_of(token);
    let ask = async |scheme: &str, proof: Option<String>| -> Response<Bytes> {
        let request =
            Request::get("/oauth/userinfo").header("authorization", format!("{scheme} {token}"));
        let request =
            proof.into_iter().fold(request, |request, proof| request.header("dpop", proof));
        f.send(request.body(Bytes::new()).unwrap()).await
    };
    let line = "GET /oauth/userinfo";
    let good = || prover.proof(&f, line, &value!({"ath": ath}));
    assert!(json(&ask("DPoP", Some(good())).await)["sub"].is_string());
    let once = good();
    assert_eq!(ask("DPoP", Some(once.clone())).await.status(), 200);
    let reply = ask("DPoP", Some(once)).await;
    assert_eq!(reply.status(), 401);
    let challenge = reply.headers().get("www-authenticate").unwrap().to_str().unwrap();
    assert!(challenge.starts_with("DPoP error=\"invalid_dpop_proof\""), "{challenge}");
    for (name, reply) in [
        ("as a bearer token", ask("Bearer", Some(good())).await),
        ("no proof", ask("DPoP", None).await),
        ("no ath", ask("DPoP", Some(prover.proof(&f, line, &value!({})))).await),
        ("another key", ask("DPoP", Some(thief.proof(&f, line, &value!({"ath": ath})))).await),
        (
            "another method",
            ask("DPoP", Some(prover.proof(&f, "POST /oauth/userinfo", &value!({"ath": ath}))))
                .await,
        ),
    ] {
        assert_eq!(reply.status(), 401, "{name}");
    }
}
