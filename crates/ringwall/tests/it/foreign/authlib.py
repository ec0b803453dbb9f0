"""Authlib: code + PKCE, refresh, client credentials, introspection, revocation, RFC 9068 tokens,
devices."""

import time

try:
    from authlib.integrations.requests_client import OAuth2Session, OAuthError
    from authlib.oauth2.rfc7523 import PrivateKeyJWT
    from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
    from authlib.oidc.core import CodeIDToken
    from authlib.oidc.discovery import OpenIDProviderMetadata
    from joserfc import jwk, jwt
except ModuleNotFoundError as error:
    sys.exit(print(f"missing {error.name}"))

browser = Browser()


class Assertion(PrivateKeyJWT):
    """An assertion for the issuer (rfc7523bis) that lives for a minute: five are the most here."""

    def sign(self, auth, token_endpoint):
        self.claims = {"exp": int(time.time()) + 60}
        return super().sign(auth, origin)


algorithms = ["EdDSA", "ES256"]
document = session().get(get_well_known_url(origin, external=True)).json()
AuthorizationServerMetadata(document).validate()
keys = jwk.KeySet.import_key_set(session().get(document["jwks_uri"]).json())


def client(client_id, secret, method):
    made = OAuth2Session(
        client_id,
        secret,
        redirect_uri=callback,
        scope="openid profile",
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )
    made.verify = roots
    made.trust_env = False
    if method == "private_key_jwt":
        made.register_client_auth_method(Assertion(alg=secret.as_dict()["alg"]))
    return made


def worth(client, token):
    return client.introspect_token(document["introspection_endpoint"], token=token).json()


def person(client, rotates):
    verifier = "v" * 64
    url, state = client.create_authorization_url(
        document["authorization_endpoint"], code_verifier=verifier, nonce="n-1"
    )
    back = browser.visit(url)
    redeem = lambda: client.fetch_token(
        document["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )
    token = redeem()
    identity = jwt.decode(token["id_token"], keys, algorithms=algorithms)
    claims = CodeIDToken(
        identity.claims,
        identity.header,
        {"iss": {"value": origin}, "aud": {"value": client.client_id}},
        {"client_id": client.client_id, "nonce": "n-1", "access_token": token["access_token"]},
    )
    claims.validate()
    known = client.get(document["userinfo_endpoint"]).json()
    assert (known["sub"], known["name"]) == (claims["sub"], "ada"), known
    assert client.get(origin + "/books/7").json() == {"id": 7, "title": "Tides"}

    first = token["refresh_token"]
    following = client.refresh_token(document["token_endpoint"], refresh_token=first)
    # Authlib keeps the old one where there is no new one.
    current = following["refresh_token"]
    assert (current != first) == rotates
    found = worth(client, following["access_token"])
    # RFC 7662 section 2.1: a public client is nobody who may ask.
    said = {"error": "invalid_client"} if client.client_id == "web" else {"sub": claims["sub"]}
    assert said.items() <= found.items(), found
    gone = client.revoke_token(document["revocation_endpoint"], token=current)
    assert gone.status_code == 200, gone.text
    client.token = following
    assert client.get(origin + "/books/7").status_code == 401
    again = lambda: client.refresh_token(document["token_endpoint"], refresh_token=current)
    refused(again, OAuthError, "invalid_grant")
    refused(redeem, OAuthError, "invalid_grant")


def program(client):
    client.scope = None
    ask = lambda: client.fetch_token(document["token_endpoint"], grant_type="client_credentials")
    token = ask()["access_token"]
    claims = jwt.decode(token, keys, algorithms=algorithms)
    assert claims.header["typ"] == "at+jwt", claims.header
    assert claims.claims["client_id"] == client.client_id, claims.claims
    assert client.get(origin + "/books").status_code == 200
    assert worth(client, token)["active"] is True
    assert client.revoke_token(document["revocation_endpoint"], token=token).status_code == 200
    assert worth(client, token)["active"] is False
    client.token = {"access_token": token, "token_type": "Bearer"}
    assert client.get(origin + "/books").status_code == 401


def device(client):
    """Authlib has no words of its own for this grant: it sends them as they are."""
    kind = "urn:ietf:params:oauth:grant-type:device_code"
    words = {"client_id": client.client_id, "scope": "openid profile"}
    for decision, error in (("deny", "access_denied"), ("approve", None)):
        started = session().post(document["device_authorization_endpoint"], data=words).json()
        browser.decide(started["verification_uri_complete"], client.client_id, decision)
        code = {"grant_type": kind, "device_code": started["device_code"]}
        ask = lambda: client.fetch_token(document["token_endpoint"], **code)
        if error:
            refused(ask, OAuthError, error)
    token = ask()
    identity = jwt.decode(token["id_token"], keys, algorithms=algorithms)
    assert identity.claims["aud"] == client.client_id, identity.claims
    assert client.get(document["userinfo_endpoint"]).json()["preferred_username"] == "ada"
    refused(ask, OAuthError, "invalid_grant")


def stranger(client):
    client.scope = None
    ask = lambda: client.fetch_token(document["token_endpoint"], grant_type="client_credentials")
    refused(ask, OAuthError, "invalid_client")


register("web", "--public", *wide)
person(client("web", None, "none"), rotates=True)
register("tv", "--public", "--grant", "device_code")
device(client("tv", None, "none"))
secret = register("desk", "--bearer", *wide)
for method in ("client_secret_basic", "client_secret_post"):
    person(client("desk", secret, method), rotates=True)
    program(client("desk", secret, method))
    stranger(client("desk", secret + "x", method))
for alg, kind, size in (("ES256", "EC", "P-256"), ("EdDSA", "OKP", "Ed25519"), ("PS256", "RSA", 3072)):
    key = jwk.generate_key(kind, size, {"alg": alg, "use": "sig"}, auto_kid=True)
    name = f"signer-{alg.lower()}"
    register_key(name, key.as_dict(private=False), *wide)
    person(client(name, key, "private_key_jwt"), rotates=False)
    program(client(name, key, "private_key_jwt"))
    other = jwk.generate_key(kind, size, {"alg": alg, "use": "sig"}, auto_kid=True)
    stranger(client(name, other, "private_key_jwt"))
print("done")
