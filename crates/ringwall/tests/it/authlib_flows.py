"""Authlib as a program (client credentials) and for a person (authorization code with PKCE)."""

import re
import secrets
import sys
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.jose import JsonWebKey, JsonWebToken

origin, roots, password, robot_secret, callback = sys.argv[1:]
discovery = requests.get(origin + "/.well-known/openid-configuration", verify=roots).json()
assert discovery["issuer"] == origin
keys = JsonWebKey.import_key_set(requests.get(discovery["jwks_uri"], verify=roots).json())
jwt = JsonWebToken(["EdDSA", "ES256"])

# ── a program ──
robot = OAuth2Session("robot", robot_secret)
robot.verify = roots
token = robot.fetch_token(discovery["token_endpoint"], grant_type="client_credentials")
assert token["token_type"].lower() == "bearer" and token["expires_in"] > 0, token
claims = jwt.decode(token["access_token"], keys)
claims.validate()
assert claims.header["typ"] == "at+jwt", claims.header
assert (claims["iss"], claims["sub"], claims["client_id"]) == (origin, "robot", "robot"), claims
assert robot.get(origin + "/books").status_code == 200
wrong = OAuth2Session("robot", robot_secret + "x")
wrong.verify = roots
try:
    wrong.fetch_token(discovery["token_endpoint"], grant_type="client_credentials")
    raise SystemExit("a wrong secret got a token")
except OAuthError as error:
    assert error.error == "invalid_client", error

# ── a person, in a browser ──
browser = requests.Session()
browser.verify = roots
page = browser.get(origin + "/login").text
fields = dict(re.findall(r'name="(form_token|return_to)" value="([^"]*)"', page))
reply = browser.post(
    origin + "/login",
    data={**fields, "username": "ada", "password": password},
    headers={"Origin": origin},
    allow_redirects=False,
)
assert reply.status_code == 303, reply.text

web = OAuth2Session(
    "web",
    redirect_uri=callback,
    scope="openid profile",
    code_challenge_method="S256",
    token_endpoint_auth_method="none",
)
web.verify = roots
verifier = secrets.token_urlsafe(48)
url, state = web.create_authorization_url(
    discovery["authorization_endpoint"], code_verifier=verifier, nonce="n-1"
)
back = browser.get(url, allow_redirects=False)
assert back.status_code == 303 and back.headers["Location"].startswith(callback), back.text
answer = parse_qs(urlsplit(back.headers["Location"]).query)
assert answer["iss"] == [origin] and answer["state"] == [state], answer
token = web.fetch_token(
    discovery["token_endpoint"],
    authorization_response=back.headers["Location"],
    state=state,
    code_verifier=verifier,
)
identity = jwt.decode(token["id_token"], keys)
identity.validate()
assert identity["aud"] in ("web", ["web"]) and identity["nonce"] == "n-1", identity
access = jwt.decode(token["access_token"], keys)
assert access["sub"] == identity["sub"] and access["client_id"] == "web", access
assert web.get(origin + "/books/7").json() == {"id": 7, "title": "Tides"}

# The same code again, and another verifier: both refused.
for again in (verifier, secrets.token_urlsafe(48)):
    try:
        web.fetch_token(
            discovery["token_endpoint"],
            authorization_response=back.headers["Location"],
            state=state,
            code_verifier=again,
        )
        raise SystemExit("a code was good twice")
    except OAuthError as error:
        assert error.error == "invalid_grant", error
print("done")
