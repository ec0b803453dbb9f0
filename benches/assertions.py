"""Makes a key on P-256 and client assertions by it (RFC 7523), in the folder where it is run.

Usage: assertions.py makes `key.pem` and `jwks.json`; assertions.py AUDIENCE COUNT writes so many lines to
`assertions`, of the client `robot`, good for four minutes.
"""

import base64
import json
import pathlib
import sys
import time
import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

KEY = pathlib.Path("key.pem")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    KEY.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig"}
    jwk |= {"x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
    pathlib.Path("jwks.json").write_text(json.dumps({"keys": [jwk]}))


def make_assertions(audience: str, count: int) -> None:
    key = serialization.load_pem_private_key(KEY.read_bytes(), None)
    head = b64(json.dumps({"alg": "ES256", "typ": "JWT", "kid": "one"}).encode())
    now = int(time.time())
    with pathlib.Path("assertions").open("w") as out:
        for _ in range(count):
            claims = {"iss": "robot", "sub": "robot", "aud": audience, "iat": now, "exp": now + 240}
            text = f"{head}.{b64(json.dumps(claims | {'jti': uuid.uuid4().hex}).encode())}"
            r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
            print(f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}", file=out)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        make_assertions(sys.argv[1], int(sys.argv[2]))
    else:
        make_key()
