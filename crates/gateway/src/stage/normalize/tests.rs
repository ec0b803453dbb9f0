use super::*;

fn edge() -> Normalize {
    Normalize::new(Settings::Edge {
        hosts: vec!["shop.localhost".to_owned(), "www.shop.localhost".to_owned()],
        port: 8443,
    })
}

fn peer() -> Peer {
    Peer::new(([127, 0, 0, 1], 9).into(), ringwall_net::Door::Edge, None)
}

fn request(target: &str, fields: &[(&str, &str)]) -> Box<Request<Body>> {
    let mut request = Request::builder().uri(target);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    Box::new(request.body(Body::Empty).unwrap())
}

#[track_caller]
fn check(target: &str, fields: &[(&str, &str)], code: Option<&str>) {
    let got = edge().run(&peer(), request(target, fields));
    let got = got.as_ref().map_or_else(|refusal| Some(refusal.public().code), |_normal| None);
    assert_eq!(got, code, "{target} {fields:?}");
}

const HOST_IS: (&str, &str) = ("host", "shop.localhost:8443");

#[test]
fn the_host_is_exactly_ours() {
    check("/", &[HOST_IS], None);
    check("/", &[("host", "SHOP.localhost:8443")], None);
    check("/", &[("host", "www.shop.localhost:8443")], None);
    check("/", &[("host", "api.shop.localhost:8443")], Some("RW3017"));
    check("/", &[("host", "shop.localhost")], Some("RW3017"));
    check("/", &[("host", "shop.localhost:8444")], Some("RW3017"));
    check("/", &[("host", "shop.localhost:")], Some("RW3017"));
    check("/", &[("host", "evil.example:8443")], Some("RW3017"));
    check("/", &[("host", "shop.localhost.evil:8443")], Some("RW3017"));
    check("/", &[("host", "a@shop.localhost:8443")], Some("RW3000"));
    check("/", &[("host", "a b")], Some("RW3000"));
    check("/", &[("host", "")], Some("RW3000"));
    check("/", &[HOST_IS, HOST_IS], Some("RW3000"));
    check("/", &[], Some("RW3000"));
}

#[test]
fn the_absolute_form_must_agree_with_the_host() {
    check("https://shop.localhost:8443/a", &[HOST_IS], None);
    check("https://shop.localhost/a", &[HOST_IS], Some("RW3000"));
    check("https://evil.example:8443/a", &[HOST_IS], Some("RW3000"));
    check("ftp://shop.localhost:8443/a", &[HOST_IS], Some("RW3000"));
    let normal =
        edge().run(&peer(), request("https://shop.localhost:8443/a?b=c", &[HOST_IS])).unwrap();
    assert_eq!(*normal.request.uri(), "/a?b=c");
}

#[test]
fn a_target_without_a_path_is_refused() {
    check("*", &[HOST_IS], Some("RW3000"));
    check("/a/../b", &[HOST_IS], Some("RW3000"));
    check("/a%2fb", &[HOST_IS], Some("RW3000"));
    check("/a?b=%00", &[HOST_IS], Some("RW3000"));
    let mut connect = request("shop.localhost:8443", &[HOST_IS]);
    *connect.method_mut() = Method::CONNECT;
    assert!(edge().run(&peer(), connect).is_err());
}

#[test]
fn a_stranger_cannot_say_who_he_is() {
    let fields = [HOST_IS, ("ringwall-identity", "x"), ("x-forwarded-for", "1.2.3.4")];
    let normal = edge().run(&peer(), request("/", &fields)).unwrap();
    assert_eq!(normal.identity(), None);
    assert_eq!(normal.fields().len(), 1);
    let inner = Normalize::new(Settings::Inner);
    let normal = inner.run(&peer(), request("/", &fields)).unwrap();
    assert_eq!(normal.identity(), Some("x"));
    assert!(!normal.fields().contains_key("ringwall-identity"));
    let twice = [HOST_IS, ("ringwall-identity", "x"), ("ringwall-identity", "y")];
    assert!(inner.run(&peer(), request("/", &twice)).is_err());
}
