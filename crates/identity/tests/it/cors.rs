//! Which pages of other sites may ask.

use bytes::Bytes;
use http::{Request, Response};
use ringwall_identity::{Access, Grant, NewClient};

use crate::fixture::{Fixture, form_request};

#[tokio::test]
async fn pages_of_browser_applications_may_ask_and_no_others() {
    let f = Fixture::new();
    for (id, access, uri) in [
        ("spa", Access::Public, "https://SPA.example:8443/done"),
        // It keeps a secret: what runs in its pages has no business here.
        ("site", Access::Secret, "https://site.example/done"),
    ] {
        let client = NewClient {
            id: id.to_owned(),
            access,
            grants: vec![Grant::AuthorizationCode],
            redirect_uris: vec![uri.to_owned()],
            ..NewClient::default()
        };
        f.identity.clients().add(client).unwrap();
    }
    let spa = "https://spa.example:8443";
    let others = ["https://site.example", "https://spa.example", "null", "https://evil.example"];
    for path in ["/oauth/token", "/oauth/userinfo", "/oauth/revoke", "/oauth/par"] {
        let reply = f.send(preflight(path, spa)).await;
        assert_eq!((reply.status().as_u16(), allowed(&reply)), (204, Some(spa)), "{path}");
        let sent = reply.headers()["access-control-allow-headers"].to_str().unwrap();
        assert!(sent.contains("dpop") && sent.contains("authorization"));
        assert!(!reply.headers().contains_key("access-control-allow-credentials"));
        let reply = f.send(form_request(path, "x=y", &[("origin", spa)])).await;
        assert_eq!(allowed(&reply), Some(spa), "{path}: also what was refused");
        assert_eq!(reply.headers()["vary"], "origin");
        for other in others {
            let reply = f.send(preflight(path, other)).await;
            assert_eq!((reply.status().is_success(), allowed(&reply)), (false, None), "{other}");
            let reply = f.send(form_request(path, "x=y", &[("origin", other)])).await;
            assert_eq!(allowed(&reply), None, "{other}");
        }
    }
    for path in ["/login", "/oauth/authorize", "/oauth/introspect", "/account"] {
        assert_eq!(allowed(&f.send(preflight(path, spa)).await), None, "{path}");
    }
    f.identity.clients().disable("spa", true).unwrap();
    assert_eq!(allowed(&f.send(preflight("/oauth/token", spa)).await), None);
}

#[tokio::test]
async fn keys_and_metadata_are_for_everybody() {
    let f = Fixture::new();
    for path in ["/.well-known/openid-configuration", "/oauth/jwks"] {
        let request = Request::get(path).header("origin", "https://evil.example");
        let reply = f.send(request.body(Bytes::new()).unwrap()).await;
        assert_eq!((reply.status().as_u16(), allowed(&reply)), (200, Some("*")), "{path}");
    }
}

fn preflight(path: &str, origin: &str) -> Request<Bytes> {
    let request = Request::options(path).header("origin", origin);
    request.header("access-control-request-method", "POST").body(Bytes::new()).unwrap()
}

fn allowed(reply: &Response<Bytes>) -> Option<&str> {
    reply.headers().get("access-control-allow-origin")?.to_str().ok()
}
