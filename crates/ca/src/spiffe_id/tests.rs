use super::*;

#[track_caller]
fn check(text: &str, want: Result<&str, SpiffeIdError>) {
    let got = SpiffeId::parse(text);
    assert_eq!(got.as_ref().map(SpiffeId::trust_domain).map_err(|error| *error), want, "{text}");
}

#[test]
fn a_workload_has_a_trust_domain_and_a_path() {
    check("spiffe://shop/service/orders", Ok("shop"));
    check("spiffe://shop/gateway", Ok("shop"));
    check("spiffe://a.b-c_d.1/x.y/A-Z_0/...", Ok("a.b-c_d.1"));
    check(&format!("spiffe://{}/x", "d".repeat(255)), Ok(&"d".repeat(255)));
    check(&format!("spiffe://d/{}", "x".repeat(2_048 - 11)), Ok("d"));
}

#[test]
fn a_wrong_scheme_is_refused() {
    for text in
        ["", "shop/x", "https://shop/x", "SPIFFE://shop/x", "spiffe:/shop/x", " spiffe://shop/x"]
    {
        check(text, Err(SpiffeIdError::Scheme));
    }
}

#[test]
fn a_wrong_trust_domain_is_refused() {
    for domain in
        ["", "Shop", "shop:80", "user@shop", "sh%6fp", "shöp", "sh op", "[::1]", "shop?", "s#h"]
    {
        check(&format!("spiffe://{domain}/x"), Err(SpiffeIdError::TrustDomain));
    }
    check(&format!("spiffe://{}/x", "d".repeat(256)), Err(SpiffeIdError::TrustDomain));
}

#[test]
fn a_wrong_path_is_refused() {
    for path in [
        "", "/", "/x/", "//x", "/x//y", "/.", "/..", "/x/../y", "/x%2fy", "/x?y", "/x#y", "/x y",
        "/ö", "/x\0", "/x\n", "/x:y", "/x\"y", "/x\\y", "/*",
    ] {
        check(&format!("spiffe://shop{path}"), Err(SpiffeIdError::Path));
    }
}

#[test]
fn an_id_that_is_too_long_is_refused() {
    check(&format!("spiffe://d/{}", "x".repeat(2_048 - 10)), Err(SpiffeIdError::Long));
}
