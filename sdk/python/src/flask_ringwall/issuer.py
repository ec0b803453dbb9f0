"""A local issuer for tests: signs what a gateway would sign. Never used by an app."""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flask_ringwall.keys import KeySet
from flask_ringwall.verify import INTERNAL

# As the gateway does: long enough for a slow app to begin, too short to be worth stealing.
LIFETIME_SECS = 30


class LocalIssuer:
    """One Ed25519 key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        x = _base64url(self._key.public_key().public_bytes_raw())
        # RFC 7638: the members in this order and without blanks.
        thumbprint = sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
        self.kid = _base64url(thumbprint)
        self._jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "use": "sig"}
        self._keys = KeySet.parse(self.jwks())

    def jwks(self) -> bytes:
        """The public key as a JWKS."""
        return json.dumps({"keys": [self._jwk]}).encode()

    def keys(self) -> KeySet:
        """The public key, read."""
        return self._keys

    def internal(self, claims: dict[str, object], now: int | None = None) -> str:
        """An identity token; ``claims`` replace the defaults for times and request id."""
        issued = int(time.time()) if now is None else now
        filled = {
            "iat": issued,
            "exp": issued + LIFETIME_SECS,
            "jti": "r-" + secrets.token_hex(8),
            **claims,
        }
        return self.sign({"alg": "EdDSA", "typ": INTERNAL.typ, "kid": self.kid}, filled)

    def sign(self, header: dict[str, object], claims: dict[str, object]) -> str:
        """Any token, also a wrong one."""
        return self.sign_raw(json.dumps(header).encode(), json.dumps(claims).encode())

    def sign_raw(self, header: bytes, claims: bytes) -> str:
        """A token of any two texts."""
        signed = f"{_base64url(header)}.{_base64url(claims)}"
        return f"{signed}.{_base64url(self._key.sign(signed.encode()))}"


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
