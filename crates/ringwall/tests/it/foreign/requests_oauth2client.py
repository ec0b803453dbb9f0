"""requests-oauth2client: code + PKCE, refresh, client credentials, introspection, revocation,
DPoP, pushed requests, devices, token exchange."""

try:
    import jwskate
    import requests_oauth2client as oauth
except ModuleNotFoundError as error:
    sys.exit(print(f"missing {error.name}"))

browser = Browser()


def discovered(auth, **more):
    """A client that knows the server by its document only."""
    return oauth.OAuth2Client.from_discovery_endpoint(
        issuer=origin,
        auth=auth,
        session=session(),
        redirect_uri=callback,
        # What the library takes for granted is RS256.
        **({} if auth.client_id == "old" else {"id_token_signed_response_alg": "ES256"}),
        **more,
    )


def over(call, dpop):
    """The gateway refuses the token."""
    if dpop:
        # Version 1.8.0 takes every refusal of a bound token for the question for a nonce.
        refused(call, oauth.MissingDPoPNonce)
    else:
        assert call().status_code == 401


def person(auth, rotates, dpop=False, pushed=False):
    client = discovered(auth)
    # The document promises `iss` in every answer; the library has to be told to insist on it.
    promised = client.authorization_response_iss_parameter_supported
    assert promised
    request = client.authorization_request(
        scope="openid profile",
        max_age=300,
        dpop=dpop,
        authorization_response_iss_parameter_supported=promised,
    )
    way = client.pushed_authorization_request(request) if pushed else request
    back = request.validate_callback(browser.visit(way.uri))
    # Version 1.8.0 cannot validate an ID token that comes with a bound token.
    tokens = client.authorization_code(back, validate=not dpop)
    assert isinstance(tokens, oauth.DPoPToken) == dpop, tokens
    sub = tokens.id_token.sub
    known = client.userinfo(tokens)
    assert (known["sub"], known["preferred_username"]) == (sub, "ada"), known
    api = oauth.ApiClient(origin, auth=tokens, session=session())
    assert api.get("books/7").json() == {"id": 7, "title": "Tides"}

    following = client.refresh_token(tokens)
    # Without a new one the old one stays.
    holder = following if following.refresh_token else tokens
    assert (holder is following) == rotates
    ask = lambda: client.introspect_token(following.access_token)
    if client.client_id in ("web", "old"):
        # RFC 7662 section 2.1: a public client is nobody who may ask.
        refused(ask, oauth.InvalidClient)
    else:
        assert ask()["sub"] == sub
    wider = lambda: client.refresh_token(holder, scope="openid everything")
    refused(wider, oauth.InvalidScope)

    assert client.revoke_refresh_token(holder)
    refused(lambda: client.refresh_token(holder), oauth.InvalidGrant)
    over(lambda: session().get(origin + "/books/7", auth=following), dpop)
    refused(lambda: client.authorization_code(back), oauth.InvalidGrant)


def program(auth, dpop=False):
    client = discovered(auth)
    token = client.client_credentials(dpop=dpop)
    assert isinstance(token, oauth.DPoPToken) == dpop, token
    claims = token.access_token_jwt
    assert claims.headers["typ"] == "at+jwt", claims.headers
    assert claims.verify_signature(client.authorization_server_jwks, algs=["EdDSA", "ES256"])
    worth = client.introspect_token(token)
    assert (worth["active"], worth["sub"]) == (True, client.client_id), worth
    books = oauth.ApiClient(origin, auth=token, session=session(), raise_for_status=False)
    assert books.get("books").status_code == 200
    assert client.revoke_access_token(token)
    assert client.introspect_token(token)["active"] is False
    over(lambda: books.get("books"), dpop)


def device(client_id):
    # Version 1.8.0 does not look for this address in the document.
    document = session().get(origin + "/.well-known/openid-configuration").json()
    name = "device_authorization_endpoint"
    client = discovered(oauth.PublicApp(client_id), **{name: document[name]})
    early, denied, started = (client.authorize_device(scope="openid profile") for _ in range(3))
    refused(lambda: client.device_code(early), oauth.AuthorizationPending)
    browser.decide(denied.verification_uri_complete, client_id, "deny")
    refused(lambda: client.device_code(denied), oauth.AccessDenied)
    browser.decide(started.verification_uri_complete, client_id, "approve")
    tokens = client.device_code(started)
    assert client.userinfo(tokens)["preferred_username"] == "ada"


def exchange(caller, actor):
    """A service that was called calls on for the person, and says so."""
    first = discovered(caller)
    request = first.authorization_request(
        scope="openid profile", authorization_response_iss_parameter_supported=True
    )
    tokens = first.authorization_code(request.validate_callback(browser.visit(request.uri)))
    second = discovered(actor)
    kind = "urn:ietf:params:oauth:token-type:access_token"
    named = {"subject_token": tokens.access_token, "subject_token_type": kind}
    given = second.token_exchange(**named, scope="profile")
    assert given.issued_token_type == kind, given
    claims = given.access_token_jwt
    assert (claims.sub, claims.scope) == (tokens.id_token.sub, "profile"), claims
    assert claims.act == {"sub": second.client_id}, claims
    assert claims.exp <= tokens.access_token_jwt.exp, claims
    books = oauth.ApiClient(origin, auth=given, session=session())
    assert books.get("books/7").json() == {"id": 7, "title": "Tides"}
    # No wider, from no other kind of token, by nobody else, and not once more by the same.
    narrow = {**named, "subject_token": given.access_token}
    refused(lambda: second.token_exchange(**narrow), oauth.UnauthorizedClient)
    wider = lambda: second.token_exchange(**named, scope="profile everything")
    refused(wider, oauth.InvalidScope)
    identity = {**named, "subject_token": str(tokens.id_token)}
    refused(lambda: second.token_exchange(**identity), oauth.InvalidRequest)
    refused(lambda: first.token_exchange(**named), oauth.UnauthorizedClient)
    assert first.revoke_access_token(tokens)
    refused(lambda: second.token_exchange(**named), oauth.InvalidRequest)


register("web", "--public", *wide)
person(oauth.PublicApp("web"), rotates=True)
person(oauth.PublicApp("web"), rotates=False, dpop=True)
person(oauth.PublicApp("web"), rotates=False, dpop=True, pushed=True)
register("old", "--public", "--rs256", *wide)
person(oauth.PublicApp("old"), rotates=True)
register("tv", "--public", "--grant", "device_code")
device("tv")
secret = register("desk", "--bearer", *wide)
person(oauth.ClientSecretBasic("desk", secret), rotates=True)
for method in (oauth.ClientSecretBasic, oauth.ClientSecretPost):
    program(method("desk", secret))
    program(method("desk", secret), dpop=True)
    stranger = discovered(method("desk", secret + "x"))
    refused(stranger.client_credentials, oauth.InvalidClient)

for alg in ("ES256", "EdDSA", "PS256"):
    key = jwskate.Jwk.generate(alg=alg).with_kid_thumbprint()
    name = f"signer-{alg.lower()}"
    register_key(name, key.public_jwk().to_dict(), "--par", *wide)
    # The audience of an assertion is the issuer (rfc7523bis); an endpoint's URL is refused.
    auth = oauth.PrivateKeyJwt(name, key, aud=origin)
    person(auth, rotates=False, pushed=True)
    program(auth)
    stranger = discovered(oauth.PrivateKeyJwt(name, key))
    refused(stranger.client_credentials, oauth.InvalidClient)
ledger = register("ledger", "--bearer", "--acts-for", "desk")
exchange(oauth.ClientSecretBasic("desk", secret), oauth.ClientSecretPost("ledger", ledger))
print("done")
