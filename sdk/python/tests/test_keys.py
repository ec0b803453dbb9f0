"""Key sets: what is skipped, what refuses the whole set, and how the file is watched."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from flask_ringwall.issuer import LocalIssuer
from flask_ringwall.keys import _CURVES, KeyFile, KeysError, KeySet

if TYPE_CHECKING:
    from pathlib import Path

P = 2**255 - 19


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def ed25519(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    key: dict[str, Any] = json.loads(LocalIssuer().jwks())["keys"][0]
    return {**key, **changes}


def point(y: int) -> str:
    return urlsafe_b64encode(y.to_bytes(32, "little")).rstrip(b"=").decode()


def test_a_good_set_is_read() -> None:
    assert len(KeySet.parse(jwks(ed25519(), ed25519()))) == 2


def test_keys_for_other_purposes_are_skipped() -> None:
    other = [{"kty": "OKP", "crv": "X25519", "x": "AA"}, {"kty": "future"}, ed25519(use="enc")]
    assert len(KeySet.parse(jwks(*other, ed25519()))) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"[]",
        b'{"keys":[],"keys":[]}',
        b'{"keys":[1]}',
        b" " * 65_537,
        jwks(ed25519(d="AA")),
        jwks(ed25519(kid="")),
        jwks(ed25519(kid=1)),
        jwks(ed25519(alg="ES256")),
        jwks(ed25519(x="AA")),
        jwks(ed25519(x=point(0))),
        jwks(ed25519(x=point(1))),
        jwks(ed25519(x=point(P - 1))),
        jwks(ed25519(x=point(P + 3))),
        jwks(ed25519(kid="a"), ed25519(kid="a")),
        jwks({"kty": "oct", "k": "AAAA", "alg": "HS256"}),
        jwks({"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}),
        jwks({"kty": "RSA", "n": "_" * 342, "e": "AQAB"}),
        jwks({"kty": "RSA", "n": "_" * 342, "e": "Aw", "alg": "RS256"}),
        jwks({"kty": "RSA", "n": "_" * 100, "e": "AQAB", "alg": "RS256"}),
    ],
)
def test_a_bad_key_refuses_the_whole_set(raw: bytes) -> None:
    with pytest.raises(KeysError):
        KeySet.parse(raw)


def test_the_orders_of_the_curves_are_right() -> None:
    for curve in _CURVES.values():
        key = ec.derive_private_key(1, curve.curve)
        # (n - 1) · G is the mirror image of G, so both have the same x.
        other = ec.derive_private_key(curve.order - 1, curve.curve)
        assert key.public_key().public_numbers().x == other.public_key().public_numbers().x


def test_the_file_is_read_again_when_it_changed_and_once_per_second(tmp_path: Path) -> None:
    first, second = LocalIssuer(), LocalIssuer()
    file, now = tmp_path / "keys", [0.0]
    keys = KeyFile(str(file), clock=lambda: now[0])
    assert keys.current() is None
    file.write_bytes(first.jwks())
    now[0] = 0.99
    assert keys.current() is None
    now[0] = 1.0
    current = keys.current()
    assert current is not None
    assert current.get(first.kid) is not None
    replaced = tmp_path / "new"
    replaced.write_bytes(second.jwks())
    replaced.rename(file)
    now[0] = 2.0
    current = keys.current()
    assert current is not None
    assert current.get(first.kid) is None
    assert current.get(second.kid) is not None


def test_the_last_good_set_survives_a_broken_file(tmp_path: Path) -> None:
    issuer, file, now = LocalIssuer(), tmp_path / "keys", [0.0]
    file.write_bytes(issuer.jwks())
    keys = KeyFile(str(file), clock=lambda: now[0])
    good = keys.current()
    assert good is not None
    file.write_bytes(b"{")
    now[0] = 2.0
    assert keys.current() is good
    file.unlink()
    now[0] = 4.0
    assert keys.current() is good
