"""Verifies Ringwall's tokens: same steps, same order, same reasons as the ``jose`` crate.

The steps are identity token first (``rw-int+jwt``, made for one caller, operation, method and
path) and access token (``at+jwt``, RFC 9068). A profile is closed: its ``typ``, its algorithms,
its claims. The algorithm comes from the key; the header only has to agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from flask_ringwall.caller import ANONYMOUS, PROOF, SERVICE_PREFIX, Caller
from flask_ringwall.feed import Facts
from flask_ringwall.keys import ASYMMETRIC
from flask_ringwall.strict import MalformedError, base64url, json_object

if TYPE_CHECKING:
    from flask_ringwall.keys import KeySet

# Twice the largest token that the identity providers we know send.
TOKEN_BYTES_MAX = 8192
# Clocks of one host or one fleet: 5 s is what NTP keeps with a wide margin.
SKEW_SECS = 5

TEXT_BYTES_MAX = 2048
LIST_MAX = 256

# 9999-12-31T23:59:59Z.
_SECS_MAX = 253_402_300_799
_REFUSED = frozenset({"b64", "crit", "jku", "jwk", "x5c", "x5u", "zip"})
# Known by name, so that a wrong one is told apart from a misspelt one. Never used to verify.
_KNOWN = ASYMMETRIC | {"Ed25519", "HS256", "HS384", "HS512"}
# An organisation: one spelling, as `Tenant::parse` of the `base` crate.
_SLUG = re.compile("[a-z][a-z0-9-]{0,39}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class Reason(str, Enum):
    """Why a token is not accepted: the words of ``jose::VerifyError::reason``."""

    ALGORITHM = "algorithm"
    AUDIENCE = "audience"
    BASE64 = "base64"
    BOUND = "bound"
    CLAIM = "claim"
    EXPIRED = "expired"
    HEADER = "header"
    ISSUER = "issuer"
    JSON = "json"
    KEY = "key"
    LIFE = "life"
    NOT_YET = "not-yet"
    SHAPE = "shape"
    SIGNATURE = "signature"
    TOO_LONG = "too-long"
    TYP = "typ"
    # Only in the SDK: these are not about the token alone.
    ABSENT = "absent"
    NO_KEYS = "no-keys"
    REQUEST = "request"
    REVOKED = "revoked"
    STALE = "stale"


class VerifyError(Exception):
    """The token is refused."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Expected:
    """What the verifier insists on."""

    issuer: str
    audience: str


@dataclass(frozen=True)
class Profile:
    """One kind of token."""

    typ: str
    algorithms: frozenset[str]
    life_secs_max: int


INTERNAL = Profile("rw-int+jwt", frozenset({"EdDSA"}), life_secs_max=60)
ACCESS = Profile("at+jwt", ASYMMETRIC, life_secs_max=3600)


@dataclass(frozen=True)
class Verified:
    """A caller, and for which request the token was made (internal tokens only)."""

    caller: Caller
    method: str | None
    target: str | None
    #: What an access token can be revoked by.
    facts: Facts | None = None


def verify_internal(token: str, keys: KeySet, expected: Expected, now: int) -> Verified:
    """Verifies the token that a gateway or sidecar made about the caller of a request."""
    claims, expires_at, _ = _verify(INTERNAL, token, keys, expected, now)
    subject = _text(claims, "sub")
    caller = Caller(
        proof=PROOF,
        subject=subject,
        request_id=_text(claims, "jti"),
        name=_optional_text(claims, "name"),
        organisation=_organisation(claims),
        roles=_roles(claims),
        service=_service(claims, subject),
        operation=_text(claims, "op"),
        own=_boolean(claims, "own"),
        expires_at=expires_at,
    )
    return Verified(caller, method=_text(claims, "htm"), target=_text(claims, "htu"))


def verify_access(token: str, keys: KeySet, expected: Expected, now: int) -> Verified:
    """Verifies an access token directly, for an app that has no sidecar."""
    claims, expires_at, kid = _verify(ACCESS, token, keys, expected, now)
    if "cnf" in claims:
        # RFC 9449 section 7.2: a bound token without its proof is a stolen one.
        raise VerifyError(Reason.BOUND, "the token is bound to a key, and no proof came with it")
    subject, client_id = _text(claims, "sub"), _text(claims, "client_id")
    # Not used here, but a token that is malformed for one reader is malformed for all.
    for name in ("scope", "sid", "gid"):
        _optional_text(claims, name)
    if "auth_time" in claims:
        _time(claims, "auth_time")
    is_program = subject == client_id
    if not is_program and (subject == ANONYMOUS or subject.startswith(SERVICE_PREFIX)):
        raise VerifyError(Reason.CLAIM, "a person with a reserved subject")
    caller = Caller(
        proof=PROOF,
        subject=SERVICE_PREFIX + client_id if is_program else subject,
        request_id=_text(claims, "jti"),
        name=_optional_text(claims, "name"),
        organisation=_organisation(claims),
        roles=_roles(claims),
        service=client_id if is_program else None,
        operation=None,
        # Nobody decided about this request, so the narrowest permission holds.
        own=True,
        expires_at=expires_at,
    )
    return Verified(caller, method=None, target=None, facts=_facts(claims, kid))


def _verify(
    profile: Profile, token: str, keys: KeySet, expected: Expected, now: int
) -> tuple[dict[str, object], int, str]:
    """The checks in their fixed order. Returns the claims, ``exp`` and ``kid``.

    INVARIANT (same order everywhere): as ``KeySet::verify`` of the ``jose`` crate; both run
    ``crates/jose/tests/data/internal_tokens.json``.
    """
    header_text, claims_text, signature_text = _cut(token)
    try:
        header_raw, claims_raw = base64url(header_text), base64url(claims_text)
        signature = base64url(signature_text)
    except MalformedError as error:
        raise VerifyError(Reason.BASE64, "a part is not canonical base64url") from error
    header = _Header.read(_object(header_raw))
    if header.typ != profile.typ:
        raise VerifyError(Reason.TYP, "another kind of token")
    if header.alg not in profile.algorithms:
        raise VerifyError(Reason.ALGORITHM, "the algorithm is not one of the profile's")
    if header.kid is None:
        raise VerifyError(Reason.HEADER, "the header parameter `kid` is missing")
    key = keys.get(header.kid)
    if key is None:
        raise VerifyError(Reason.KEY, "signed with an unknown key")
    if key.algorithm != header.alg:
        raise VerifyError(Reason.ALGORITHM, "the algorithm is not the key's")
    if not key.verify(signature, f"{header_text}.{claims_text}".encode("ascii")):
        raise VerifyError(Reason.SIGNATURE, "signature does not match")
    claims = _object(claims_raw)
    if _text(claims, "iss") != expected.issuer:
        raise VerifyError(Reason.ISSUER, f"not issued by `{expected.issuer}`")
    # One string: a token for several audiences could be replayed by one to another.
    if _text(claims, "aud") != expected.audience:
        raise VerifyError(Reason.AUDIENCE, f"not addressed to `{expected.audience}`")
    return claims, _times(profile, claims, now), header.kid


def _facts(claims: dict[str, object], kid: str) -> Facts:
    names = {"kid": kid}
    for name in ("client_id", "gid", "jti", "sid", "sub", "tenant"):
        value = _optional_text(claims, name)
        if value is not None:
            names[name] = value
    return Facts(_issued(claims), names)


def _issued(claims: dict[str, object]) -> int:
    """In microseconds: a token from right after a revocation is not covered by it."""
    micros = claims.get("iat_us", 0)
    # `True` is an `int` in Python.
    if type(micros) is not int or not 0 <= micros < 1_000_000:
        raise VerifyError(Reason.CLAIM, "`iat_us` is missing or of another type")
    return _time(claims, "iat") * 1_000_000 + micros


def _times(profile: Profile, claims: dict[str, object], now: int) -> int:
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    not_before = _time(claims, "nbf") if "nbf" in claims else issued
    if now >= expires + SKEW_SECS:
        raise VerifyError(Reason.EXPIRED, f"expired at {expires}")
    if max(issued, not_before) > now + SKEW_SECS:
        raise VerifyError(Reason.NOT_YET, "made in the future")
    if not 0 < expires - issued <= profile.life_secs_max:
        raise VerifyError(Reason.LIFE, "its life is longer than allowed")
    return expires


def _cut(token: str) -> tuple[str, str, str]:
    length = len(token) if token.isascii() else len(token.encode("utf-8", "surrogatepass"))
    if length > TOKEN_BYTES_MAX:
        raise VerifyError(Reason.TOO_LONG, "too long")
    # Five parts are an encrypted token, which is not a signed one.
    parts = token.split(".", 3)
    if len(parts) != 3 or not parts[2]:
        raise VerifyError(Reason.SHAPE, "not three parts")
    return parts[0], parts[1], parts[2]


@dataclass(frozen=True)
class _Header:
    alg: str
    kid: str | None
    typ: str | None

    @classmethod
    def read(cls, members: dict[str, object]) -> _Header:
        if not _REFUSED.isdisjoint(members):
            # Keys come from the pinned set, never from the token; an extension that we do not
            # know must be refused (RFC 7515 section 4.1.11).
            raise VerifyError(Reason.HEADER, "a header parameter that is refused")
        alg = cls._text(members, "alg")
        if alg is None:
            raise VerifyError(Reason.HEADER, "the header parameter `alg` is missing")
        if alg not in _KNOWN:
            raise VerifyError(Reason.ALGORITHM, "an unknown algorithm")
        # RFC 9864 renames EdDSA.
        alg = "EdDSA" if alg == "Ed25519" else alg
        return cls(alg, kid=cls._text(members, "kid"), typ=cls._text(members, "typ"))

    @staticmethod
    def _text(members: dict[str, object], name: str) -> str | None:
        value = members.get(name)
        if value is None and name not in members:
            return None
        if not isinstance(value, str):
            raise VerifyError(Reason.HEADER, f"the header parameter `{name}` is malformed")
        return value


def _object(raw: bytes) -> dict[str, object]:
    try:
        return json_object(raw)
    except MalformedError as error:
        raise VerifyError(Reason.JSON, f"header or claims are malformed: {error}") from error


def _service(claims: dict[str, object], subject: str) -> str | None:
    if "act" not in claims:
        return subject.removeprefix(SERVICE_PREFIX) if subject.startswith(SERVICE_PREFIX) else None
    act = claims["act"]
    actor = _text(act, "sub") if isinstance(act, dict) else ""
    if not actor.startswith(SERVICE_PREFIX):
        raise VerifyError(Reason.CLAIM, "`act` names no service")
    return actor.removeprefix(SERVICE_PREFIX)


def _organisation(claims: dict[str, object]) -> str:
    slug = _optional_text(claims, "tenant")
    if slug is None:
        return "default"
    if _SLUG.fullmatch(slug) is None:
        raise VerifyError(Reason.CLAIM, "the claim `tenant` is malformed")
    return slug


def _roles(claims: dict[str, object]) -> frozenset[str]:
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or len(roles) > LIST_MAX or not all(map(_is_text, roles)):
        raise VerifyError(Reason.CLAIM, "the claim `roles` is malformed")
    return frozenset(roles)


def _time(claims: dict[str, object], name: str) -> int:
    value = claims.get(name)
    # `True` is an `int` in Python.
    if type(value) is not int or not 0 <= value <= _SECS_MAX:
        raise VerifyError(Reason.CLAIM, f"the claim `{name}` is missing or malformed")
    return value


def _boolean(claims: dict[str, object], name: str) -> bool:
    value = claims.get(name, False)
    if not isinstance(value, bool):
        raise VerifyError(Reason.CLAIM, f"the claim `{name}` is malformed")
    return value


def _text(claims: dict[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not _is_text(value):
        raise VerifyError(Reason.CLAIM, f"the claim `{name}` is missing or malformed")
    return value


def _optional_text(claims: dict[str, object], name: str) -> str | None:
    return _text(claims, name) if name in claims else None


def _is_text(value: object) -> bool:
    """Not empty, and no control characters: it could end up in a header or a log line."""
    return (
        isinstance(value, str)
        and 0 < len(value.encode("utf-8")) <= TEXT_BYTES_MAX
        and _CONTROL.search(value) is None
    )
