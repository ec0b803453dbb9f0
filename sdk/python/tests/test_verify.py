"""The verifier: its reasons, and its agreement with the `jose` crate."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from flask_ringwall.caller import Caller, Proof
from flask_ringwall.issuer import LocalIssuer
from flask_ringwall.keys import KeysError, KeySet
from flask_ringwall.verify import (
    Expected,
    Reason,
    Verified,
    VerifyError,
    verify_access,
    verify_internal,
)

NOW = 1_800_000_000
EXPECTED = Expected("ringwall:shop", "orders")
ISSUER = LocalIssuer()
CLAIMS: dict[str, object] = {
    "iss": "ringwall:shop",
    "aud": "orders",
    "sub": "u-1",
    "jti": "r-1",
    "iat": NOW,
    "exp": NOW + 30,
    "op": "getOrder",
    "own": True,
    "htm": "GET",
    "htu": "/orders/1",
}
HEADER: dict[str, object] = {"alg": "EdDSA", "typ": "rw-int+jwt", "kid": ISSUER.kid}
SHARED = Path(__file__).parents[3] / "crates/jose/tests/data/internal_tokens.json"


def run(token: str, now: int = NOW) -> Verified:
    return verify_internal(token, ISSUER.keys(), EXPECTED, now)


def refused(token: str, now: int = NOW) -> Reason:
    with pytest.raises(VerifyError) as caught:
        run(token, now)
    return caught.value.reason


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in CLAIMS.items() if key != name}


def raw(claims: str) -> str:
    """A correctly signed token over any text."""
    return ISSUER.sign_raw(json.dumps(HEADER).encode(), claims.encode("utf-8", "surrogatepass"))


def with_more(text: str) -> str:
    """The usual claims with one more member, spelt as given."""
    return raw(json.dumps(CLAIMS)[:-1] + "," + text + "}")


def test_a_good_token_becomes_a_caller() -> None:
    found = run(ISSUER.sign(HEADER, {**CLAIMS, "act": {"sub": "service:web"}, "roles": ["a"]}))
    assert found.method == "GET"
    assert found.target == "/orders/1"
    caller = found.caller
    assert (caller.subject, caller.service, caller.own) == ("u-1", "web", True)
    assert caller.is_person
    assert not caller.is_service
    assert caller.has_role("a")


def test_nothing_else_makes_a_caller() -> None:
    with pytest.raises(TypeError):
        Caller(Proof(), "u-1", None, "default", frozenset(), None, None, False, "r-1", 0)


@pytest.mark.parametrize("name", [name for name in CLAIMS if name != "own"])
def test_each_claim_is_required(name: str) -> None:
    assert refused(ISSUER.sign(HEADER, without(name))) is Reason.CLAIM


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "ringwall:other"}, Reason.ISSUER),
        ({"aud": "payments"}, Reason.AUDIENCE),
        ({"aud": ["orders"]}, Reason.CLAIM),
        ({"exp": True}, Reason.CLAIM),
        ({"exp": float(NOW + 30)}, Reason.CLAIM),
        ({"exp": str(NOW + 30)}, Reason.CLAIM),
        ({"iat": -1}, Reason.CLAIM),
        ({"nbf": NOW + 6}, Reason.NOT_YET),
        ({"iat": NOW + 6, "exp": NOW + 30}, Reason.NOT_YET),
        ({"exp": NOW + 61}, Reason.LIFE),
        ({"iat": NOW, "exp": NOW}, Reason.LIFE),
        ({"own": "yes"}, Reason.CLAIM),
        ({"roles": "admin"}, Reason.CLAIM),
        ({"roles": [1]}, Reason.CLAIM),
        ({"sub": ""}, Reason.CLAIM),
        ({"sub": "a\nb"}, Reason.CLAIM),
        ({"name": None}, Reason.CLAIM),
        ({"act": "service:web"}, Reason.CLAIM),
        ({"act": {"sub": "web"}}, Reason.CLAIM),
    ],
)
def test_wrong_claims_are_refused(changes: dict[str, object], reason: Reason) -> None:
    assert refused(ISSUER.sign(HEADER, {**CLAIMS, **changes})) is reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"alg": "none"}, Reason.ALGORITHM),
        ({"alg": "HS256"}, Reason.ALGORITHM),
        ({"alg": "ES256"}, Reason.ALGORITHM),
        ({"alg": 1}, Reason.HEADER),
        ({"typ": "at+jwt"}, Reason.TYP),
        ({"typ": "JWT"}, Reason.TYP),
        ({"kid": "other"}, Reason.KEY),
        ({"kid": None}, Reason.HEADER),
        ({"crit": []}, Reason.HEADER),
        ({"jwk": {}}, Reason.HEADER),
        ({"jku": "https://attacker.example"}, Reason.HEADER),
        ({"b64": True}, Reason.HEADER),
    ],
)
def test_wrong_headers_are_refused(changes: dict[str, object], reason: Reason) -> None:
    assert refused(ISSUER.sign({**HEADER, **changes}, CLAIMS)) is reason


def test_both_sides_of_the_life_of_a_token() -> None:
    token = ISSUER.sign(HEADER, CLAIMS)
    run(token, NOW - 5)
    run(token, NOW + 34)
    assert refused(token, NOW - 6) is Reason.NOT_YET
    assert refused(token, NOW + 35) is Reason.EXPIRED


@pytest.mark.parametrize(
    "text",
    [
        '"x":NaN',
        '"x":Infinity',
        '"x":1e400',
        '"x":"\\ud800"',
        '"\\udfff":1',
        '"sub":"admin"',
        '"x":' + "[" * 8 + "]" * 8,
        '"x":' + "[" * 2500 + "]" * 2500,
        '"x":\x01',
    ],
)
def test_json_with_another_reading_is_refused(text: str) -> None:
    assert refused(with_more(text)) is Reason.JSON


@pytest.mark.parametrize(
    "text",
    ['"x":' + "9" * 300, '"x":1e300', '"x":"\\ud83d\\ude00"', '"x":' + "[" * 7 + "]" * 7],
)
def test_json_with_one_reading_is_taken(text: str) -> None:
    run(with_more(text))


def test_claims_in_another_encoding_are_refused() -> None:
    token = ISSUER.sign_raw(json.dumps(HEADER).encode(), json.dumps(CLAIMS).encode("utf-16"))
    assert refused(token) is Reason.JSON


def test_one_token_has_one_spelling() -> None:
    token = ISSUER.sign(HEADER, CLAIMS)
    assert len(token.rpartition(".")[2]) == 86
    # 64 bytes leave four bits unused in the last character.
    last = token[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    sibling = alphabet[alphabet.index(last) ^ 1]
    for other in (token[:-1] + sibling, token + "==", token + "\n", " " + token, token + "é"):
        assert refused(other) is Reason.BASE64


def test_shapes_and_sizes() -> None:
    token = ISSUER.sign(HEADER, CLAIMS)
    assert refused("") is Reason.SHAPE
    assert refused(token + ".a") is Reason.SHAPE
    assert refused(token.rpartition(".")[0] + ".") is Reason.SHAPE
    assert refused("a" * 8193) is Reason.TOO_LONG


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_changed_byte_is_refused(part: int) -> None:
    parts = ISSUER.sign(HEADER, CLAIMS).split(".")
    for at in range(0, len(parts[part]) - 1, 3):
        changed = "A" if parts[part][at] != "A" else "B"
        other = [*parts]
        other[part] = parts[part][:at] + changed + parts[part][at + 1 :]
        refused(".".join(other))


def test_an_access_token_is_verified_without_a_sidecar() -> None:
    claims = {**CLAIMS, "client_id": "web", "exp": NOW + 600}
    token = ISSUER.sign({**HEADER, "typ": "at+jwt"}, claims)
    verified = verify_access(token, ISSUER.keys(), EXPECTED, NOW)
    caller = verified.caller
    assert verified.facts is not None
    assert verified.facts.issued_at == NOW * 1_000_000
    assert caller.own
    assert caller.operation is None
    for changes, reason in (
        ({"cnf": {"jkt": "x"}}, Reason.BOUND),
        ({"exp": NOW + 3601}, Reason.LIFE),
        ({"sub": "service:payments"}, Reason.CLAIM),
        ({"iat_us": 1_000_000}, Reason.CLAIM),
        ({"iat_us": True}, Reason.CLAIM),
    ):
        token = ISSUER.sign({**HEADER, "typ": "at+jwt"}, {**claims, **changes})
        with pytest.raises(VerifyError) as caught:
            verify_access(token, ISSUER.keys(), EXPECTED, NOW)
        assert caught.value.reason is reason


def _shared() -> list[dict[str, Any]]:
    if not SHARED.is_file():
        return []
    found = json.loads(SHARED.read_text(encoding="utf-8"))
    return list(found["cases"] if isinstance(found, dict) else found)


def test_the_shared_vectors_are_there() -> None:
    assert SHARED.is_file(), f"{SHARED} is missing: the jose crate writes it"
    assert _shared()


@pytest.mark.parametrize("case", _shared(), ids=lambda case: case["name"])
def test_the_jose_crate_agrees(case: dict[str, Any]) -> None:
    assert _outcome(case) == (case["reason"] or "valid")
    assert case["valid"] == (not case["reason"])


def _outcome(case: dict[str, Any]) -> str:
    expected = Expected(case["expected"]["issuer"], case["expected"]["audience"])
    verify = {"access": verify_access, "internal": verify_internal}[case["profile"]]
    try:
        verify(
            case["token"], KeySet.parse(json.dumps(case["jwks"]).encode()), expected, case["now"]
        )
    except KeysError:
        # A set that is refused whole has no key for anything.
        return "key"
    except VerifyError as error:
        return error.reason.value
    return "valid"


def test_ecdsa_signatures_have_a_fixed_form() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    def text(number: int | bytes) -> str:
        octets = number if isinstance(number, bytes) else number.to_bytes(32, "big")
        return urlsafe_b64encode(octets).rstrip(b"=").decode()

    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": text(numbers.x), "y": text(numbers.y), "kid": "k"}
    key = KeySet.parse(json.dumps({"keys": [jwk]}).encode()).get("k")
    assert key is not None
    der = private.sign(b"text", ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(der)
    fixed = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert key.verify(fixed, b"text")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for wrong in (
        der,
        fixed + b"\0",
        fixed[:-1],
        bytes(64),
        fixed[:32] + order.to_bytes(32, "big"),
    ):
        assert not key.verify(wrong, b"text")
