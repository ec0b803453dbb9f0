"""Verifies Ringwall's tokens: same steps, same order, same reasons as the ``jose`` crate.

The steps are identity token first (``rw-int+jwt``, made for one request) and access token
(``at+jwt``, RFC 9068). A profile is closed: its ``typ``, its algorithms, its claims. The
algorithm comes from the key; the header only has to agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from flask_ringwall.caller import ANONYMOUS, PROOF, SERVICE_PREFIX, Caller
from flask_ringwall.strict import MalformedError, base64url, json_object

if TYPE_CHECKING:
    from flask_ringwall.keys import KeySet

# Twice the largest token that the identity providers we know send.
TOKEN_BYTES_MAX = 8192
# Clocks of one host or one fleet: 5 s is what NTP keeps with a wide margin.
SKEW_SECS = 5

_FORBIDDEN_HEADERS = frozenset({"b64", "crit", "jku", "jwk", "x5c", "x5u", "zip"})


class Reason(str, Enum):
    """Why a token is not accepted, as in ``jose::VerifyError``."""

    ALGORITHM = "algorithm"
    AUDIENCE = "audience"
    BOUND = "bound"
    CLAIMS = "claims"
    EXPIRED = "expired"
    HEADER = "header"
    ISSUER = "issuer"
    KEY = "key"
    LIFETIME = "lifetime"
    MALFORMED = "malformed"
    NOT_YET = "not-yet"
    SIGNATURE = "signature"
    TYPE = "type"
    # Only in the SDK: these are not about the token alone.
    ABSENT = "absent"
    NO_KEYS = "no-keys"
    REQUEST = "request"


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
    required: tuple[str, ...]
    lifetime_secs_max: int


INTERNAL = Profile(
    typ="rw-int+jwt",
    algorithms=frozenset({"EdDSA"}),
    required=("iss", "aud", "sub", "jti", "iat", "exp", "op", "htm", "htu"),
    lifetime_secs_max=60,
)

ACCESS = Profile(
    typ="at+jwt",
    algorithms=frozenset({"EdDSA", "ES256", "RS256"}),
    required=("iss", "aud", "sub", "client_id", "jti", "iat", "exp"),
    lifetime_secs_max=3600,
)


@dataclass(frozen=True)
class Verified:
    """A caller, and for which request the token was made (internal tokens only)."""

    caller: Caller
    method: str | None
    target: str | None


def verify_internal(token: str, keys: KeySet, expected: Expected, now: int) -> Verified:
    """Verifies the token that a gateway or sidecar made for one request."""
    claims = _verify(INTERNAL, token, keys, expected, now)
    subject = _text(claims, "sub")
    own = claims.get("own", False)
    if type(own) is not bool:
        raise VerifyError(Reason.CLAIMS, "`own` is not a boolean")
    caller = Caller(
        proof=PROOF,
        subject=subject,
        name=_optional_text(claims, "name"),
        roles=_roles(claims),
        service=_service(claims, subject),
        operation=_text(claims, "op"),
        own=own,
        request_id=_text(claims, "jti"),
        expires_at=_integer(claims, "exp"),
    )
    return Verified(caller, method=_text(claims, "htm"), target=_text(claims, "htu"))


def verify_access(token: str, keys: KeySet, expected: Expected, now: int) -> Verified:
    """Verifies an access token directly, for an app that has no sidecar."""
    claims = _verify(ACCESS, token, keys, expected, now)
    subject, client = _text(claims, "sub"), _text(claims, "client_id")
    is_program = subject == client
    if not is_program and (subject == ANONYMOUS or subject.startswith(SERVICE_PREFIX)):
        raise VerifyError(Reason.CLAIMS, "a person with a reserved subject")
    caller = Caller(
        proof=PROOF,
        subject=SERVICE_PREFIX + client if is_program else subject,
        name=_optional_text(claims, "name"),
        roles=_roles(claims),
        service=client if is_program else None,
        operation=None,
        # Nobody decided about this request, so the narrowest permission holds.
        own=not is_program,
        request_id=_text(claims, "jti"),
        expires_at=_integer(claims, "exp"),
    )
    return Verified(caller, method=None, target=None)


def _verify(
    profile: Profile, token: str, keys: KeySet, expected: Expected, now: int
) -> dict[str, object]:
    """The steps of local validation, in their fixed order."""
    header, claims, signature, signed = _split(token)
    kid, alg = _header(profile, header)
    key = keys.get(kid)
    if key is None:
        raise VerifyError(Reason.KEY, f"unknown key id `{kid}`")
    if key.algorithm not in profile.algorithms or not key.has_algorithm(alg):
        raise VerifyError(Reason.ALGORITHM, "the algorithm is not the key's")
    if not key.verify(signature, signed):
        raise VerifyError(Reason.SIGNATURE, "signature does not match")
    _claims(profile, claims, expected, now)
    return claims


def _split(token: str) -> tuple[dict[str, object], dict[str, object], bytes, bytes]:
    if len(token) > TOKEN_BYTES_MAX:
        raise VerifyError(Reason.MALFORMED, "token too long")
    parts = token.split(".", 3)
    if len(parts) != 3:
        raise VerifyError(Reason.MALFORMED, "not three parts")
    try:
        header = json_object(base64url(parts[0]))
        claims = json_object(base64url(parts[1]))
        signature = base64url(parts[2])
    except MalformedError as error:
        raise VerifyError(Reason.MALFORMED, str(error)) from error
    return header, claims, signature, f"{parts[0]}.{parts[1]}".encode("ascii")


def _header(profile: Profile, header: dict[str, object]) -> tuple[str, str]:
    if not _FORBIDDEN_HEADERS.isdisjoint(header):
        # RFC 7515 section 4.1.11 allows to refuse `crit`; the others name keys from the token.
        raise VerifyError(Reason.HEADER, "a header parameter that is not accepted")
    alg, typ, kid = header.get("alg"), header.get("typ"), header.get("kid")
    if not isinstance(alg, str) or not isinstance(typ, str) or not isinstance(kid, str):
        raise VerifyError(Reason.HEADER, "`alg`, `typ` and `kid` are required")
    if typ != profile.typ:
        raise VerifyError(Reason.TYPE, f"not a `{profile.typ}`")
    return kid, alg


def _claims(profile: Profile, claims: dict[str, object], expected: Expected, now: int) -> None:
    for name in profile.required:
        if name not in claims:
            raise VerifyError(Reason.CLAIMS, f"no `{name}`")
    if claims["iss"] != expected.issuer:
        raise VerifyError(Reason.ISSUER, "another issuer")
    audience = claims["aud"]
    if isinstance(audience, str):
        audience = [audience]
    if not isinstance(audience, list) or not all(isinstance(one, str) for one in audience):
        raise VerifyError(Reason.CLAIMS, "`aud` is not text")
    if expected.audience not in audience:
        raise VerifyError(Reason.AUDIENCE, f"not addressed to `{expected.audience}`")
    issued, expires = _integer(claims, "iat"), _integer(claims, "exp")
    not_before = _integer(claims, "nbf") if "nbf" in claims else issued
    if now >= expires + SKEW_SECS:
        raise VerifyError(Reason.EXPIRED, f"expired at {expires}")
    if now + SKEW_SECS < max(issued, not_before):
        raise VerifyError(Reason.NOT_YET, "made in the future")
    if not 0 < expires - issued <= profile.lifetime_secs_max:
        raise VerifyError(Reason.LIFETIME, "valid for longer than the profile allows")
    if "cnf" in claims:
        # RFC 9449 section 7.2: a bound token without its proof is a stolen one.
        raise VerifyError(Reason.BOUND, "the token is bound to a key")


def _service(claims: dict[str, object], subject: str) -> str | None:
    act = claims.get("act")
    if act is None:
        return subject.removeprefix(SERVICE_PREFIX) if subject.startswith(SERVICE_PREFIX) else None
    actor = act.get("sub") if isinstance(act, dict) else None
    if not isinstance(actor, str) or not actor.startswith(SERVICE_PREFIX):
        raise VerifyError(Reason.CLAIMS, "`act` names no service")
    return actor.removeprefix(SERVICE_PREFIX)


def _roles(claims: dict[str, object]) -> frozenset[str]:
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise VerifyError(Reason.CLAIMS, "`roles` is not a list of text")
    return frozenset(roles)


def _integer(claims: dict[str, object], name: str) -> int:
    value = claims[name]
    # `True` is an `int` in Python.
    if type(value) is not int or value < 0:
        raise VerifyError(Reason.CLAIMS, f"`{name}` is not an integer")
    return value


def _text(claims: dict[str, object], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str) or not value:
        raise VerifyError(Reason.CLAIMS, f"`{name}` is not text")
    return value


def _optional_text(claims: dict[str, object], name: str) -> str | None:
    return _text(claims, name) if claims.get(name) is not None else None
