"""Verification keys: a strict reading of a JWKS, and the file that the sidecar rewrites."""

from __future__ import annotations

import json
import os
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from flask_ringwall.strict import MalformedError, base64url, json_object

if TYPE_CHECKING:
    from collections.abc import Callable

JWKS_BYTES_MAX = 65_536
KEYS_MAX = 64
# RFC 7518 section 3.3 asks for 2048; more than 8192 costs a verifier milliseconds.
RSA_BITS_MIN = 2048
RSA_BYTES_MAX = 1024
KID_BYTES_MAX = 256
# The file is looked at once per second at most, so that unknown key ids cannot make us busy.
LOOK_INTERVAL_SECS = 1.0

_P = 2**255 - 19
_Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# With such a public key one signature fits many messages.
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})


@dataclass(frozen=True)
class _Curve:
    """A curve of RFC 7518 section 6.2.1.1 with its one algorithm."""

    algorithm: str
    curve: ec.EllipticCurve
    digest: HashAlgorithm
    # Bytes of one coordinate.
    size: int
    # 0 < r, s < order (FIPS 186-5).
    order: int


_CURVES = {
    "P-256": _Curve(
        "ES256",
        ec.SECP256R1(),
        SHA256(),
        32,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    ),
    "P-384": _Curve(
        "ES384",
        ec.SECP384R1(),
        SHA384(),
        48,
        int(
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
            "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
            16,
        ),
    ),
    "P-521": _Curve(
        "ES512",
        ec.SECP521R1(),
        SHA512(),
        66,
        int(
            "1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
            "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
            16,
        ),
    ),
}
_RSA: dict[str, HashAlgorithm] = {
    "PS256": SHA256(),
    "PS384": SHA384(),
    "PS512": SHA512(),
    "RS256": SHA256(),
    "RS384": SHA384(),
    "RS512": SHA512(),
}
#: Every algorithm that a key here can have.
ASYMMETRIC = frozenset({"EdDSA", "ES256", "ES384", "ES512", *_RSA})


class KeysError(ValueError):
    """The key set is not usable. It is refused whole: a half-read set hides a mistake."""


@dataclass(frozen=True)
class Key:
    """One public key with the only algorithm that it verifies."""

    kid: str
    algorithm: str
    verify: Callable[[bytes, bytes], bool]
    """Takes signature and message."""


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
            if key is None:
                continue
            if key.kid in keys:
                raise KeysError("two keys have the same `kid`")
            keys[key.kid] = key
        return cls(keys)

    def get(self, kid: str) -> Key | None:
        """The key with this id."""
        return self._keys.get(kid)

    def __len__(self) -> int:
        return len(self._keys)


class KeySource(Protocol):
    """Where a verifier has its keys from."""

    def reset(self) -> None:
        """Forgets everything, in a forked child."""

    def current(self) -> KeySet | None:
        """The newest good key set; ``None`` refuses everybody."""

    def again(self) -> KeySet | None:
        """The same after a token named an unknown key."""


class KeyFile:
    """A JWKS file that another process replaces atomically. Keeps the last good reading."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = Path(path)
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forgets everything, also the lock: a forked child may have inherited a held one."""
        self._current: KeySet | None = None
        self._seen: tuple[int, int, int] | None = None
        self._looked_at: float | None = None
        self._lock = Lock()

    def current(self) -> KeySet | None:
        """The newest good key set, looking at the file at most once per second."""
        now = self._clock()
        if self._is_due(now):
            # Others wait for the first reading: an answer without keys would be a refusal.
            with self._lock:
                if self._is_due(now):
                    self._look()
                    self._looked_at = now
        return self._current

    def again(self) -> KeySet | None:
        """The same: a second is soon enough."""
        return self._current

    def _is_due(self, now: float) -> bool:
        return self._looked_at is None or now - self._looked_at >= LOOK_INTERVAL_SECS

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


def _key(member: object) -> Key | None:
    """Reads one key. ``None``: a key for another purpose, skipped (RFC 7517 section 5)."""
    if not isinstance(member, dict):
        raise KeysError("a key is not an object")
    kty = _text(member, "kty")
    if kty is None:
        raise KeysError("a key without `kty`")
    if not _is_for_signatures(member):
        return None
    if "d" in member:
        raise KeysError("a private key in a public key set")
    kid, alg = _text(member, "kid"), _text(member, "alg")
    if kid is not None and not 0 < len(kid.encode()) <= KID_BYTES_MAX:
        raise KeysError("a `kid` of a wrong length")
    # RFC 9864 renames EdDSA.
    alg = "EdDSA" if alg == "Ed25519" else alg
    match kty, _text(member, "crv"):
        case "OKP", "Ed25519":
            algorithm, verify = "EdDSA", _ed25519(_bytes(member, "x", 32))
        case "EC", str(crv) if crv in _CURVES:
            curve = _CURVES[crv]
            x, y = _bytes(member, "x", curve.size), _bytes(member, "y", curve.size)
            algorithm, verify = curve.algorithm, _ecdsa(curve, x, y)
        case "RSA", _:
            # Without `alg` an RSA key would do for six algorithms, and the token would choose.
            if alg not in _RSA:
                raise KeysError("an RSA key without its algorithm")
            algorithm, verify = alg, _rsa(alg, _number(member, "n"), _number(member, "e"))
        case "oct", _:
            # A verifier that knows no symmetric key cannot take a public one as HMAC key.
            raise KeysError("a symmetric key in a public key set")
        case "EC" | "OKP", None:
            raise KeysError("a key without `crv`")
        case _:
            return None
    if alg not in (None, algorithm):
        raise KeysError("`alg` does not fit the key")
    return Key(kid or _thumbprint(member, kty), algorithm, verify)


def _is_for_signatures(member: dict[str, object]) -> bool:
    if _text(member, "use") not in (None, "sig"):
        return False
    if "key_ops" not in member:
        return True
    operations = member["key_ops"]
    if not isinstance(operations, list):
        raise KeysError("`key_ops` is malformed")
    return "verify" in operations


def _thumbprint(member: dict[str, object], kty: str) -> str:
    """RFC 7638: SHA-256 over the required members in order."""
    names = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
    canonical = json.dumps({name: member[name] for name in names[kty]}, separators=(",", ":"))
    return urlsafe_b64encode(sha256(canonical.encode()).digest()).rstrip(b"=").decode("ascii")


def _text(member: dict[str, object], name: str) -> str | None:
    if name not in member:
        return None
    value = member[name]
    if not isinstance(value, str):
        raise KeysError(f"`{name}` is malformed")
    return value


def _bytes(member: dict[str, object], name: str, length: int) -> bytes:
    decoded = _decode(member, name)
    if len(decoded) != length:
        raise KeysError(f"`{name}` has a wrong length")
    return decoded


def _number(member: dict[str, object], name: str) -> bytes:
    decoded = _decode(member, name)
    # `Base64urlUInt` (RFC 7518 section 2) is minimal.
    if not decoded or decoded[0] == 0:
        raise KeysError(f"`{name}` is malformed")
    return decoded


def _decode(member: dict[str, object], name: str) -> bytes:
    try:
        return base64url(_text(member, name) or "")
    except MalformedError as error:
        raise KeysError(f"`{name}`: {error}") from error


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


def _ecdsa(curve: _Curve, x: bytes, y: bytes) -> Callable[[bytes, bytes], bool]:
    try:
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve.curve
        )
        public = numbers.public_key()
    except ValueError as error:
        raise KeysError("a point that is not on its curve") from error
    algorithm, size, order = ec.ECDSA(curve.digest), curve.size, curve.order

    def verify(signature: bytes, message: bytes) -> bool:
        # RFC 7518 section 3.4: r || s of fixed length, where the library wants DER.
        if len(signature) != 2 * size:
            return False
        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        if not (0 < r < order and 0 < s < order):
            return False
        try:
            public.verify(encode_dss_signature(r, s), message, algorithm)
        except InvalidSignature:
            return False
        return True

    return verify


def _rsa(alg: str, n: bytes, e: bytes) -> Callable[[bytes, bytes], bool]:
    modulus = int.from_bytes(n, "big")
    if not modulus.bit_length() >= RSA_BITS_MIN or len(n) > RSA_BYTES_MAX or modulus % 2 == 0:
        raise KeysError("an RSA modulus that protects nothing")
    # FIPS 186-5 appendix A.1.1: 2^16 < e < 2^256.
    if not 3 <= len(e) <= 32 or e[-1] % 2 == 0:
        raise KeysError("an RSA exponent under 65537")
    if all(modulus % prime in powers for prime, powers in _roca()):
        raise KeysError("an RSA key with the ROCA fingerprint")
    try:
        public = rsa.RSAPublicNumbers(int.from_bytes(e, "big"), modulus).public_key()
    except ValueError as error:
        raise KeysError("not an RSA key") from error
    digest = _RSA[alg]
    # RFC 7518 section 3.5: the salt is as long as the digest.
    padding = PSS(MGF1(digest), digest.digest_size) if alg.startswith("PS") else PKCS1v15()

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            public.verify(signature, message, padding, digest)
        except InvalidSignature:
            return False
        return True

    return verify


def _roca() -> list[tuple[int, frozenset[int]]]:
    """CVE-2017-15361: these moduli are powers of 65537 modulo each small prime."""
    primes = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
    return [(p, frozenset(pow(65_537, power, p) for power in range(p))) for p in primes]
