"""Verification keys: a strict reading of a JWKS, and the file that the sidecar rewrites."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from flask_ringwall.strict import MalformedError, base64url, json_object

if TYPE_CHECKING:
    from collections.abc import Callable

JWKS_BYTES_MAX = 65_536
KEYS_MAX = 64
# RFC 7518 section 3.3 asks for 2048; more than 8192 costs a verifier milliseconds.
RSA_BITS_MIN = 2048
RSA_BITS_MAX = 8192
RSA_EXPONENT_MIN = 65_537
# The file is looked at once per second at most, so that unknown key ids cannot make us busy.
LOOK_INTERVAL_SECS = 1.0

_P = 2**255 - 19
# Order of P-256 (FIPS 186-5): 0 < r, s < n.
_N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# With such a public key one signature fits many messages.
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class KeysError(ValueError):
    """The key set is not usable. It is refused whole: a half-read set hides a mistake."""


@dataclass(frozen=True)
class Key:
    """One public key with the only algorithm that it verifies."""

    kid: str
    algorithm: str
    verify: Callable[[bytes, bytes], bool]
    """Takes signature and message."""

    def has_algorithm(self, name: str) -> bool:
        """Whether a header may name the key's algorithm so (RFC 9864 renames EdDSA)."""
        return name == self.algorithm or (self.algorithm == "EdDSA" and name == "Ed25519")


class KeySet:
    """An immutable set of keys by key id."""

    def __init__(self, keys: dict[str, Key]) -> None:
        self._keys = keys

    @classmethod
    def parse(cls, raw: bytes) -> KeySet:
        """Reads a JWKS (RFC 7517), or raises :class:`KeysError`."""
        if len(raw) > JWKS_BYTES_MAX:
            raise KeysError("key set too large")
        try:
            members = json_object(raw).get("keys")
        except MalformedError as error:
            raise KeysError(f"key set: {error}") from error
        if not isinstance(members, list) or len(members) > KEYS_MAX:
            raise KeysError("key set without a list of keys")
        keys: dict[str, Key] = {}
        for member in members:
            key = _key(member)
            if key.kid in keys:
                raise KeysError(f"key id `{key.kid}` twice")
            keys[key.kid] = key
        return cls(keys)

    def get(self, kid: str) -> Key | None:
        """The key with this id."""
        return self._keys.get(kid)

    def __len__(self) -> int:
        return len(self._keys)


class KeyFile:
    """A JWKS file that another process replaces atomically. Keeps the last good reading."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = Path(path)
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forgets everything; the next use reads the file. Called in a forked child."""
        self._current: KeySet | None = None
        self._seen: tuple[int, int, int] | None = None
        self._looked_at: float | None = None

    def current(self) -> KeySet | None:
        """The newest good key set, looking at the file at most once per second."""
        now = self._clock()
        if self._looked_at is None or now - self._looked_at >= LOOK_INTERVAL_SECS:
            self._looked_at = now
            self._look()
        return self._current

    def _look(self) -> None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - a third of the time of `Path.stat`
            seen = (found.st_mtime_ns, found.st_ino, found.st_size)
            if seen == self._seen:
                return
            with self._path.open("rb") as file:
                self._current = KeySet.parse(file.read(JWKS_BYTES_MAX + 1))
            self._seen = seen
        except (OSError, KeysError):
            # Last good set stays in force; without one the caller refuses with 503.
            return


def _key(member: object) -> Key:
    if not isinstance(member, dict):
        raise KeysError("a key is not an object")
    if not _PRIVATE_MEMBERS.isdisjoint(member):
        raise KeysError("a private or symmetric key in a public key set")
    kid = member.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= 256:
        raise KeysError("a key without id")
    if member.get("use", "sig") != "sig":
        raise KeysError(f"key `{kid}` is not for signatures")
    if "key_ops" in member and member["key_ops"] != ["verify"]:
        raise KeysError(f"key `{kid}` is not only for verification")
    match member.get("kty"), member.get("crv"):
        case "OKP", "Ed25519":
            key = Key(kid, "EdDSA", _ed25519(_bytes(member, "x", 32)))
        case "EC", "P-256":
            key = Key(kid, "ES256", _es256(_bytes(member, "x", 32), _bytes(member, "y", 32)))
        case "RSA", None:
            key = Key(kid, "RS256", _rs256(_bytes(member, "n"), _bytes(member, "e")))
        case _:
            raise KeysError(f"key `{kid}` is of an unknown type")
    named = member.get("alg", key.algorithm)
    if not isinstance(named, str) or not key.has_algorithm(named):
        raise KeysError(f"key `{kid}` names another algorithm")
    return key


def _bytes(member: dict[str, object], name: str, length: int | None = None) -> bytes:
    text = member.get(name)
    if not isinstance(text, str):
        raise KeysError(f"a key without `{name}`")
    try:
        decoded = base64url(text)
    except MalformedError as error:
        raise KeysError(f"`{name}`: {error}") from error
    if not decoded or (length is not None and len(decoded) != length):
        raise KeysError(f"`{name}` has a wrong length")
    return decoded


def _ed25519(x: bytes) -> Callable[[bytes, bytes], bool]:
    y = int.from_bytes(x, "little") & (2**255 - 1)
    if y >= _P or y in _SMALL_ORDER_Y:
        raise KeysError("an Ed25519 key of small order or not in canonical form")
    public = Ed25519PublicKey.from_public_bytes(x)

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def _es256(x: bytes, y: bytes) -> Callable[[bytes, bytes], bool]:
    try:
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
        )
        public = numbers.public_key()
    except ValueError as error:
        raise KeysError("a point that is not on P-256") from error
    algorithm = ec.ECDSA(SHA256())

    def verify(signature: bytes, message: bytes) -> bool:
        # RFC 7518 section 3.4: r || s of 32 bytes each, where the library wants DER.
        if len(signature) != 64:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (0 < r < _N256 and 0 < s < _N256):
            return False
        try:
            public.verify(encode_dss_signature(r, s), message, algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _rs256(n: bytes, e: bytes) -> Callable[[bytes, bytes], bool]:
    modulus, exponent = int.from_bytes(n, "big"), int.from_bytes(e, "big")
    if not RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX or n[0] == 0:
        raise KeysError("an RSA modulus of a size that is not accepted")
    if exponent < RSA_EXPONENT_MIN or exponent % 2 == 0 or exponent.bit_length() > 32:
        raise KeysError("an RSA exponent that is not accepted")
    try:
        public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise KeysError("not an RSA key") from error
    padding, digest = PKCS1v15(), SHA256()

    def verify(signature: bytes, message: bytes) -> bool:
        if len(signature) != len(n):
            return False
        try:
            public.verify(signature, message, padding, digest)
        except InvalidSignature:
            return False
        return True

    return verify
