"""A program that acts for itself: docs/guides/machine-client.md.

    machine.py new-key job                 makes job.pem, and job.json with the public half
    machine.py --secret job.secret get /notes
    machine.py --key job.pem get /notes
    machine.py --key job.pem --dpop get /notes
    machine.py --client report --secret report.secret --on-behalf-of token get /notes

NOTES_CA names the authority that signed the server's certificate, if the system does not know it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import secrets
import sys
import time
from pathlib import Path

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

ISSUER = os.environ.get("NOTES_ISSUER", "https://notebook.localhost:8443")
HTTP = requests.Session()
HTTP.trust_env = False  # else ~/.netrc and REQUESTS_CA_BUNDLE would have a say
HTTP.verify = os.environ.get("NOTES_CA", True)
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half."""
    full = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: full[name] for name in ("crv", "kty", "x", "y")}


def name_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Its thumbprint (RFC 7638): where a client has two keys, the signature has to say which."""
    digest = hashlib.sha256(json.dumps(jwk_of(key), sort_keys=True, separators=(",", ":")).encode())
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


class Machine(requests.auth.AuthBase):
    """Puts a token on each request, and gets a new one before the old one ends.

    `secret` or `key` proves who asks; with `dpop`, the tokens are worth nothing without that key.
    `person` is the access token of somebody for whom it calls on (RFC 8693).
    """

    def __init__(
        self,
        client_id: str,
        secret: str | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
        dpop: ec.EllipticCurvePrivateKey | None = None,
        person: str | None = None,
    ) -> None:
        self.client_id, self.secret, self.key, self.dpop = client_id, secret, key, dpop
        self.grant = {"grant_type": "client_credentials"}
        if person is not None:
            kind = {"subject_token_type": ACCESS_TOKEN}
            self.grant = {"grant_type": EXCHANGE, "subject_token": person, **kind}
        self.nonce: str | None = None
        self.token, self.ends = "", 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.ends < time.time() + 30:
            tokens = self.ask(**self.grant)
            self.token, self.ends = tokens["access_token"], time.time() + tokens["expires_in"]
        self.put(request, self.token)
        return request

    def put(self, request: requests.PreparedRequest, token: str) -> None:
        """Puts a token on a request, with a proof where there is a key."""
        scheme = "Bearer" if self.dpop is None else "DPoP"
        request.headers["Authorization"] = f"{scheme} {token}"
        if self.dpop is not None:
            proof = self.proof(str(request.method), str(request.url), token)
            request.headers["DPoP"] = proof

    def ask(self, **form: str) -> dict[str, object]:
        """Asks the token endpoint."""
        url = f"{ISSUER}/oauth/token"
        basic = (self.client_id, self.secret) if self.secret else None
        for _ in range(2):
            proof = {"DPoP": self.proof("POST", url)} if self.dpop else {}
            body = {**form, **self.assertion()}
            answer = HTTP.post(url, data=body, headers=proof, auth=basic, timeout=10)
            self.nonce = answer.headers.get("DPoP-Nonce")
            # The first proof is answered by the nonce for the second one.
            if answer.ok or answer.json()["error"] != "use_dpop_nonce":
                break
        if not answer.ok:
            raise RuntimeError(f"no token: {answer.text}")
        return answer.json()

    def assertion(self) -> dict[str, str]:
        """`private_key_jwt`: good once, for five minutes at most, at this server only."""
        if self.key is None:
            return {}
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        signed = jwt.encode(claims, self.key, "ES256", headers={"kid": name_of(self.key)})
        return {"client_assertion_type": ASSERTION, "client_assertion": signed}

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        """A proof of the key for one request (RFC 9449)."""
        claims: dict[str, object] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url.partition("?")[0],
            "iat": int(time.time()),
        }
        if token is None:
            claims.update({"nonce": self.nonce} if self.nonce else {})
        else:
            digest = hashlib.sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        header = {"typ": "dpop+jwt", "jwk": jwk_of(self.dpop)}
        return jwt.encode(claims, self.dpop, "ES256", headers=header)


def new_key(name: str) -> None:
    """The private half stays where it was made."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(
        os.open(f"{name}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
    ) as file:
        file.write(pem)
    Path(f"{name}.json").write_text(
        json.dumps({"keys": [{**jwk_of(key), "alg": "ES256", "kid": name_of(key)}]})
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--client", default="job")
    parser.add_argument("--secret", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--dpop", action="store_true")
    parser.add_argument("--on-behalf-of", type=Path)
    parser.add_argument("word", choices=["get", "new-key"])
    parser.add_argument("what")
    given = parser.parse_args()
    if given.word == "new-key":
        return new_key(given.what)
    secret = given.secret.read_text().strip() if given.secret else None
    key = load_pem_private_key(given.key.read_bytes(), None) if given.key else None
    # A client with a secret proves a key that lives as long as the process.
    dpop = (key or ec.generate_private_key(ec.SECP256R1())) if given.dpop else None
    person = given.on_behalf_of.read_text().strip() if given.on_behalf_of else None
    machine = Machine(given.client, secret, key, dpop, person)
    answer = HTTP.get(ISSUER + given.what, auth=machine, timeout=10)
    print(answer.text.strip())
    sys.exit(0 if answer.ok else 1)


if __name__ == "__main__":
    main()
