//! Clients that are known by the certificate of their connection (RFC 8705), and tokens that are bound
//! to it: attacks C6, C10, D1, D7, D8.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ringwall_base::{AlternativeName, ClientCertificate, Voucher};
use ringwall_identity::{
    Access, Binding, CertificateName, ClientError, Grant, MutualTls, NewClient, certificate_hashes,
};
use ringwall_jose::base64url_encode;
use serde_json::{Value, json as value};

use crate::fixture::*;

const TOKEN: &str = "/oauth/token";

/// A certificate as the transport hands it over, valid for an hour.
fn shown(f: &Fixture, voucher: Voucher, names: &[AlternativeName]) -> ClientCertificate {
    ClientCertificate {
        voucher,
        sha256: [7; 32],
        subject: "CN=robot".to_owned(),
        distinguished_name: vec![vec![("2.5.4.3".to_owned(), "robot".to_owned())]],
        serial: "01".to_owned(),
        names: names.to_vec(),
        not_before: f.now(),
        not_after: f.now().plus(Duration::from_hours(1)),
    }
}

fn dns(name: &str) -> AlternativeName {
    AlternativeName::Dns(name.to_owned())
}

fn workload(f: &Fixture, service: &str) -> ClientCertificate {
    let id = format!("spiffe://shop/service/{service}");
    shown(f, Voucher::Fleet(id.clone()), &[AlternativeName::Uri(id)])
}

fn over(request: Request<Bytes>, shown: Option<&ClientCertificate>) -> Request<Bytes> {
    let mut request = request;
    if let Some(shown) = shown {
        request.extensions_mut().insert(Arc::new(shown.clone()));
    }
    request
}

async fn post(
    f: &Fixture,
    (path, form): (&str, &str),
    shown: Option<&ClientCertificate>,
) -> Response<Bytes> {
    f.send(over(form_request(path, form, &[]), shown)).await
}

fn add(f: &Fixture, id: &str, access: Access) -> Result<(), ClientError> {
    let grants = vec![
        Grant::ClientCredentials,
        Grant::AuthorizationCode,
        Grant::RefreshToken,
        Grant::TokenExchange,
    ];
    let redirect_uris = vec![CALLBACK.to_owned()];
    let knows_named = f.identity.clients().list().iter().any(|one| one.settings.id == "named");
    let may_act_for = if knows_named { vec!["named".to_owned()] } else { Vec::new() };
    let new = NewClient {
        id: id.to_owned(),
        access,
        grants,
        redirect_uris,
        may_act_for,
        ..NewClient::default()
    };
    f.identity.clients().add(new).map(|_| ())
}

fn own(id: &str) -> String {
    format!("grant_type=client_credentials&client_id={id}")
}

fn hash(shown: &ClientCertificate) -> String {
    base64url_encode(shown.sha256)
}

#[tokio::test]
async fn c10_only_the_registered_certificate_of_a_good_authority_proves_a_client() {
    let f = Fixture::new();
    let name = CertificateName::Dns("robot.example".to_owned());
    add(&f, "named", Access::Certificate(name)).unwrap();
    let uri = CertificateName::Uri("spiffe://shop/service/orders".to_owned());
    add(&f, "by-uri", Access::Certificate(uri)).unwrap();
    let subject = CertificateName::Subject("CN=robot".to_owned());
    add(&f, "by-subject", Access::Certificate(subject)).unwrap();
    add(&f, "pinned", Access::SelfSigned(vec![base64url_encode([7; 32])])).unwrap();
    let good = shown(&f, Voucher::Authority, &[dns("robot.example")]);
    let over = |change: &dyn Fn(&mut ClientCertificate)| {
        let mut other = good.clone();
        change(&mut other);
        Some(other)
    };
    for (id, certificate, want, why) in [
        ("named", over(&|_| {}), 200, ""),
        ("by-subject", over(&|_| {}), 200, ""),
        ("pinned", over(&|one| one.voucher = Voucher::Nobody), 200, ""),
        ("by-uri", Some(workload(&f, "orders")), 200, ""),
        // RFC 8705 section 7.4; CVE-2026 class: none, foreign, self-made, over, another's.
        ("named", None, 401, "no certificate"),
        ("pinned", None, 401, "no certificate"),
        (
            "named",
            over(&|one| one.voucher = Voucher::Nobody),
            401,
            "nobody vouches for the certificate",
        ),
        ("by-subject", Some(workload(&f, "orders")), 401, "a workload is known by its URI only"),
        ("by-uri", Some(workload(&f, "users")), 401, "the certificate has another name"),
        (
            "by-uri",
            over(&|one| one.voucher = Voucher::Nobody),
            401,
            "nobody vouches for the certificate",
        ),
        (
            "named",
            over(&|one| one.names = vec![dns("other.example")]),
            401,
            "the certificate has another name",
        ),
        // A common name stands for no alternative name.
        ("named", over(&|one| one.names.clear()), 401, "the certificate has another name"),
        ("pinned", over(&|one| one.sha256 = [8; 32]), 401, "not the registered certificate"),
        ("named", over(&|one| one.not_after = f.now()), 401, "the certificate is not valid now"),
        (
            "pinned",
            over(&|one| one.not_before = f.now().plus(Duration::from_secs(1))),
            401,
            "the certificate is not valid now",
        ),
        // C6: a certificate opens nothing that is guarded by something else.
        ("robot", over(&|_| {}), 401, "not the registered method"),
    ] {
        f.sink.take();
        let reply = post(&f, (TOKEN, &own(id)), certificate.as_ref()).await;
        assert_eq!(reply.status().as_u16(), want, "{id} {why} {}", text(&reply));
        let reason = f.sink.take().into_iter().find_map(|event| event.reason);
        assert_eq!(reason.unwrap_or_default(), why, "{id}");
    }
}

#[tokio::test]
async fn c10_d7_no_header_says_a_certificate() {
    let f = Fixture::new();
    add(&f, "pinned", Access::SelfSigned(vec![base64url_encode([7; 32])])).unwrap();
    f.identity.enlist(["orders".to_owned()]);
    let pem = "-----BEGIN CERTIFICATE-----MIIB-----END CERTIFICATE-----";
    for name in [
        "x-client-cert",
        "x-ssl-client-cert",
        "ssl-client-cert",
        "x-forwarded-client-cert",
        "x-forwarded-tls-client-cert",
        "client-cert",
        "x-amzn-mtls-clientcert",
    ] {
        let id = "By=spiffe://shop/gateway;URI=spiffe://shop/service/orders";
        for (client, said) in [("pinned", pem), ("orders", id)] {
            let request = form_request(TOKEN, &own(client), &[(name, said)]);
            assert_eq!(f.send(request).await.status(), 401, "{name} for {client}");
        }
    }
}

#[tokio::test]
async fn a_client_by_certificate_is_let_in_by_nothing_else() {
    let f = Fixture::new();
    add(&f, "pinned", Access::SelfSigned(vec![base64url_encode([7; 32])])).unwrap();
    let good = shown(&f, Voucher::Nobody, &[]);
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    for more in [
        format!("&client_secret={}", f.secret),
        format!("&client_assertion_type={kind}&client_assertion=a.b.c"),
    ] {
        let form = format!("{}{more}", own("pinned"));
        assert_eq!(post(&f, (TOKEN, &form), Some(&good)).await.status(), 401, "{more}");
    }
    // RFC 8705 section 2: the id is said, not guessed from the certificate.
    let form = "grant_type=client_credentials";
    assert_eq!(post(&f, (TOKEN, form), Some(&good)).await.status(), 401);
}

#[tokio::test]
async fn its_tokens_are_bound_to_the_certificate_and_introspection_says_so() {
    let f = Fixture::new();
    let name = CertificateName::Dns("robot.example".to_owned());
    add(&f, "named", Access::Certificate(name)).unwrap();
    let good = shown(&f, Voucher::Authority, &[dns("robot.example")]);
    let body = json(&post(&f, (TOKEN, &own("named")), Some(&good)).await);
    assert_eq!(body["token_type"], "Bearer", "RFC 8705 section 3");
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(payload(token)["cnf"], value!({"x5t#S256": hash(&good)}));
    let form = format!("client_id=named&token={token}");
    let said = json(&post(&f, ("/oauth/introspect", &form), Some(&good)).await);
    assert_eq!((&said["active"], &said["token_type"]), (&true.into(), &"Bearer".into()));
    assert_eq!(said["cnf"], value!({"x5t#S256": hash(&good)}));
    // With a proof of a key the token is bound to that: one binding, not two.
    let prover = Prover::new();
    prover.learn(&f).await;
    let proof = prover.proof(&f, "POST /oauth/token", &value!({}));
    let request = over(form_request(TOKEN, &own("named"), &[("dpop", &proof)]), Some(&good));
    let body = json(&f.send(request).await);
    assert_eq!(payload(body["access_token"].as_str().unwrap())["cnf"]["jkt"], prover.jkt());
    // A client with a secret shows what it likes: nothing is bound.
    let form = format!("{}&client_secret={}", own("robot"), f.secret);
    let body = json(&post(&f, (TOKEN, &form), Some(&good)).await);
    assert!(payload(body["access_token"].as_str().unwrap()).get("cnf").is_none());
}

/// `web` with a certificate: its own kind of public client (RFC 8705 section 4).
async fn person(f: &Fixture, good: &ClientCertificate) -> Value {
    let client = NewClient {
        id: "app".to_owned(),
        access: Access::Public,
        grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
        redirect_uris: vec![CALLBACK.to_owned()],
        binding: Binding::Certificate,
        ..NewClient::default()
    };
    f.identity.clients().add(client).unwrap();
    let session = f.sign_in().await;
    let reply = f.get(&authorize_path(&[("client_id", "app")]), &session).await;
    let code = parameter(&location(&reply), "code").unwrap();
    let form = code_form(&code, &[("client_id", "app")]);
    let reply = post(f, (TOKEN, &form), None).await;
    assert_eq!(json(&reply)["error"], "invalid_request", "without its certificate");
    json(&post(f, (TOKEN, &form), Some(good)).await)
}

#[tokio::test]
async fn d1_userinfo_takes_a_bound_token_over_its_own_connection_only() {
    let f = Fixture::new();
    let good = shown(&f, Voucher::Nobody, &[]);
    let other = ClientCertificate { sha256: [9; 32], ..good.clone() };
    let body = person(&f, &good).await;
    let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{body}"));
    let ask = async |scheme: &str, shown: Option<&ClientCertificate>| {
        let request =
            Request::get("/oauth/userinfo").header("authorization", format!("{scheme} {token}"));
        f.send(over(request.body(Bytes::new()).unwrap(), shown)).await
    };
    assert!(json(&ask("Bearer", Some(&good)).await)["sub"].is_string());
    for (scheme, shown) in [("Bearer", None), ("Bearer", Some(&other)), ("DPoP", Some(&good))] {
        let reply = ask(scheme, shown).await;
        assert_eq!(reply.status(), 401, "{scheme}");
        let challenge = reply.headers().get("www-authenticate").unwrap().to_str().unwrap();
        assert!(challenge.contains("invalid_token"), "RFC 6750 section 3.1: {challenge}");
    }
}

#[tokio::test]
async fn d6_a_public_clients_refresh_token_is_bound_to_its_certificate() {
    let f = Fixture::new();
    let good = shown(&f, Voucher::Nobody, &[]);
    let other = ClientCertificate { sha256: [9; 32], ..good.clone() };
    let body = person(&f, &good).await;
    let rwr = body["refresh_token"].as_str().unwrap_or_else(|| panic!("{body}"));
    let form = format!("grant_type=refresh_token&client_id=app&refresh_token={rwr}");
    assert_eq!(json(&post(&f, (TOKEN, &form), Some(&other)).await)["error"], "invalid_grant");
    let prover = Prover::new();
    prover.learn(&f).await;
    let reply = prover.post(&f, TOKEN, &form).await;
    assert_eq!(json(&reply)["error"], "invalid_request", "a key stands for no certificate");
    let body = json(&post(&f, (TOKEN, &form), Some(&good)).await);
    assert_eq!(payload(body["access_token"].as_str().unwrap())["cnf"]["x5t#S256"], hash(&good));
    assert!(body.get("refresh_token").is_none(), "bound, so it does not rotate: {body}");
}

#[tokio::test]
async fn d8_an_exchange_keeps_the_certificate() {
    let f = Fixture::new();
    let good = shown(&f, Voucher::Authority, &[dns("robot.example")]);
    let name = CertificateName::Dns("robot.example".to_owned());
    add(&f, "named", Access::Certificate(name)).unwrap();
    let session = f.sign_in().await;
    let path = authorize_path(&[("client_id", "named")]);
    let code = parameter(&location(&f.get(&path, &session).await), "code").unwrap();
    let form = code_form(&code, &[("client_id", "named")]);
    let body = json(&post(&f, (TOKEN, &form), Some(&good)).await);
    let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    add(&f, "pinned", Access::SelfSigned(vec![hash(&good), base64url_encode([9; 32])])).unwrap();
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&client_id=pinned\
         &subject_token={token}\
         &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
    );
    let thief = ClientCertificate { sha256: [9; 32], ..good.clone() };
    assert_eq!(json(&post(&f, (TOKEN, &form), Some(&thief)).await)["error"], "invalid_request");
    let body = json(&post(&f, (TOKEN, &form), Some(&good)).await);
    let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{body}"));
    assert_eq!(payload(token)["cnf"]["x5t#S256"], hash(&good));
}

#[tokio::test]
async fn a_service_of_the_fleet_is_a_client_without_registration() {
    let f = Fixture::new();
    let orders = workload(&f, "orders");
    assert_eq!(post(&f, (TOKEN, &own("orders")), Some(&orders)).await.status(), 401);
    f.identity.enlist(["orders".to_owned(), "users".to_owned()]);
    let body = json(&post(&f, (TOKEN, &own("orders")), Some(&orders)).await);
    let claims = payload(body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&"orders".into(), &"orders".into()));
    assert_eq!(claims["cnf"]["x5t#S256"], hash(&orders));
    let operator = shown(&f, Voucher::Authority, &[AlternativeName::Uri(id("orders"))]);
    let nobody = ClientCertificate { voucher: Voucher::Nobody, ..orders.clone() };
    let voucher = |path: &str| Voucher::Fleet(format!("spiffe://shop/{path}"));
    let named = |path: &str| ClientCertificate { voucher: voucher(path), ..orders.clone() };
    for (name, certificate) in [
        ("another service", workload(&f, "users")),
        ("the operator's authority", operator),
        ("self-made", nobody),
        ("the gateway", named("gateway")),
        ("no service", named("orders")),
        ("below it", named("service/orders/x")),
        ("a longer name", named("service/orders-2")),
        ("no path", ClientCertificate { voucher: voucher(""), ..orders.clone() }),
    ] {
        let reply = post(&f, (TOKEN, &own("orders")), Some(&certificate)).await;
        assert_eq!(reply.status(), 401, "{name}");
    }
    for form in [own("orders"), format!("{}&client_secret={}", own("orders"), f.secret)] {
        assert_eq!(post(&f, (TOKEN, &form), None).await.status(), 401, "{form}");
    }
    let form = "grant_type=authorization_code&client_id=orders&code=x&redirect_uri=x";
    let reply = post(&f, (TOKEN, form), Some(&orders)).await;
    assert_eq!(json(&reply)["error"], "unauthorized_client");
    // Whoever is registered under the name stands in its place, also when disabled.
    add(&f, "orders", Access::Workload).unwrap();
    assert_eq!(post(&f, (TOKEN, &own("orders")), Some(&orders)).await.status(), 200);
    f.identity.clients().disable("orders", true).unwrap();
    assert_eq!(post(&f, (TOKEN, &own("orders")), Some(&orders)).await.status(), 401);
    f.identity.enlist([]);
    let users = workload(&f, "users");
    assert_eq!(post(&f, (TOKEN, &own("users")), Some(&users)).await.status(), 401, "gone");
}

fn id(service: &str) -> String {
    format!("spiffe://shop/service/{service}")
}

#[tokio::test]
async fn what_a_service_gets_for_itself_is_bound_where_that_is_demanded() {
    let f = Fixture::new();
    let grants = vec![Grant::ClientCredentials, Grant::AuthorizationCode, Grant::RefreshToken];
    let client = NewClient {
        id: "site".to_owned(),
        grants,
        redirect_uris: vec![CALLBACK.to_owned()],
        binding: Binding::Service,
        ..NewClient::default()
    };
    let secret = f.identity.clients().add(client).unwrap().unwrap();
    let form = format!("{}&client_secret={}", own("site"), secret.expose());
    assert_eq!(json(&post(&f, (TOKEN, &form), None).await)["error"], "invalid_dpop_proof");
    let prover = Prover::new();
    prover.learn(&f).await;
    assert_eq!(prover.post(&f, TOKEN, &form).await.status(), 200);
    // What it gets for people is the application's own matter.
    let session = f.sign_in().await;
    let path = authorize_path(&[("client_id", "site")]);
    let code = parameter(&location(&f.get(&path, &session).await), "code").unwrap();
    let who = format!("&client_id=site&client_secret={}", secret.expose());
    let form = code_form(&code, &[("client_id", "")]) + &who;
    assert_eq!(post(&f, (TOKEN, &form), None).await.status(), 200);
}

#[tokio::test]
async fn metadata_offers_certificates_where_a_door_asks_for_them() {
    let f = Fixture::new();
    let path = "/.well-known/oauth-authorization-server";
    let body = json(&f.get(path, "").await);
    assert_eq!(body["tls_client_certificate_bound_access_tokens"], false);
    assert!(!body.to_string().contains("tls_client_auth"), "{body}");
    let offer = |origin: &str, has_authority| MutualTls {
        origin: origin.to_owned(),
        has_authority,
        takes_self_signed: true,
    };
    f.identity.offer_mutual_tls(Some(offer(ISSUER, false)));
    let body = json(&f.get(path, "").await);
    assert_eq!(body["tls_client_certificate_bound_access_tokens"], true);
    assert!(body.get("mtls_endpoint_aliases").is_none(), "{body}");
    let methods = body["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&"self_signed_tls_client_auth".into()));
    assert!(!methods.contains(&"tls_client_auth".into()));
    f.identity.offer_mutual_tls(Some(offer("https://mtls.shop.example", true)));
    let body = json(&f.get(path, "").await);
    for list in ["token", "revocation", "introspection"] {
        let methods = &body[format!("{list}_endpoint_auth_methods_supported")];
        assert!(methods.as_array().unwrap().contains(&"tls_client_auth".into()), "{list}");
    }
    let alias = &body["mtls_endpoint_aliases"]["token_endpoint"];
    assert_eq!(alias, "https://mtls.shop.example/oauth/token");
    assert_eq!(body["token_endpoint"], format!("{ISSUER}/oauth/token"));
}

#[test]
fn a_certificate_that_proves_nothing_is_not_registered() {
    let f = Fixture::new();
    for access in [
        Access::SelfSigned(Vec::new()),
        Access::SelfSigned(vec!["abc".to_owned()]),
        Access::Certificate(CertificateName::Dns("*.example".to_owned())),
        Access::Certificate(CertificateName::Subject(String::new())),
    ] {
        assert!(
            matches!(add(&f, "c", access.clone()), Err(ClientError::Certificate)),
            "{access:?}"
        );
    }
    assert_eq!(certificate_hashes("no certificate"), None);
}

/// RFC 9449 section 4.3: `htu` is the address that was asked, which of two names it may be.
#[tokio::test]
async fn d2_a_proof_names_the_alias_that_was_asked() {
    let (f, prover) = (Fixture::new(), Prover::new());
    let alias = "https://mtls.shop.example";
    f.identity.offer_mutual_tls(Some(MutualTls {
        origin: alias.to_owned(),
        has_authority: true,
        takes_self_signed: true,
    }));
    prover.learn(&f).await;
    let form = format!("grant_type=client_credentials&client_id=robot&client_secret={}", f.secret);
    for (host, origin, status) in [
        ("mtls.shop.example", alias, 200),
        ("mtls.shop.example", ISSUER, 400),
        ("shop.example", alias, 400),
        ("shop.example", ISSUER, 200),
        ("other.example", ISSUER, 200),
        ("other.example", "https://other.example", 400),
    ] {
        let htu = format!("{origin}{TOKEN}");
        let proof = prover.proof(&f, &format!("POST {TOKEN}"), &value!({"htu": htu}));
        let headers = [("dpop", proof.as_str()), ("host", host)];
        let reply = f.send(form_request(TOKEN, &form, &headers)).await;
        assert_eq!(reply.status(), status, "{host} {origin}: {}", text(&reply));
    }
}
