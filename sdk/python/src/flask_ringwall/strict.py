"""One reading of base64url and JSON, where CPython's own readers are too kind.

``urlsafe_b64decode`` skips foreign characters and ignores trailing bits; ``json.loads`` takes
``NaN``, ``1e400``, lone surrogates and duplicate keys. A token that two verifiers read
differently is an attack, so each of these is refused.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from math import isfinite
from typing import NoReturn

# 8 is twice what any of our profiles nests.
JSON_DEPTH_MAX = 8
# The longest integer that fits 64 bits has 19 digits and a sign.
INTEGER_CHARACTERS_MAX = 20

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class MalformedError(ValueError):
    """The text has no reading, or more than one."""


def base64url(text: str) -> bytes:
    """Decodes unpadded base64url (RFC 7515 section 2), or raises."""
    if _ALPHABET.fullmatch(text) is None or len(text) % 4 == 1:
        raise MalformedError("not base64url")
    decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Trailing bits: `QQ` and `QR` both decode to `A`, so one token would have many spellings.
    if urlsafe_b64encode(decoded).rstrip(b"=") != text.encode("ascii"):
        raise MalformedError("trailing bits in base64url")
    return decoded


def json_object(raw: bytes) -> dict[str, object]:
    """Parses one JSON object, or raises."""
    try:
        # Decoded here, because `json.loads` guesses UTF-16 and UTF-32 from bytes.
        text = raw.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except MalformedError:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedError("not JSON") from error
    if not isinstance(value, dict):
        raise MalformedError("not a JSON object")
    _walk(value, 1, may_have_surrogates="\\u" in text)
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError("duplicate key")
    return found


def _constant(name: str) -> NoReturn:
    raise MalformedError(f"`{name}` is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise MalformedError("number out of range")
    return value


def _integer(text: str) -> int | float:
    # As other readers do: what fits no 64-bit integer is a float, and so is minus zero.
    if len(text) > INTEGER_CHARACTERS_MAX or text == "-0":
        return _finite(text)
    return int(text)


def _walk(value: object, depth: int, *, may_have_surrogates: bool) -> None:
    if isinstance(value, (dict, list)):
        if depth > JSON_DEPTH_MAX:
            raise MalformedError("too deep")
        members: list[object] = list(value)
        if isinstance(value, dict):
            members.extend(value.values())
        for member in members:
            _walk(member, depth + 1, may_have_surrogates=may_have_surrogates)
    elif may_have_surrogates and isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MalformedError("lone surrogate") from error
