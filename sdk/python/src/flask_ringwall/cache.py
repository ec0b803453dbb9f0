"""Verified tokens, so that a token seen again costs one hash."""

from __future__ import annotations

from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask_ringwall.keys import KeySet
    from flask_ringwall.verify import Verified

# A token is about 1 KiB of objects once verified: 2 MiB at most.
TOKENS_MAX = 2048
# A revoked session must not outlive this.
HIT_SECS_MAX = 60


class TokenCache:
    """Bounded, one per verifier and profile, empty again when the key set changes."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything, also the lock: a forked child may have inherited a held one."""
        self._lock = Lock()
        self._keys: KeySet | None = None
        self._found: dict[bytes, tuple[int, Verified]] = {}

    def get(self, token: str, keys: KeySet, now: int) -> Verified | None:
        """What the token was verified to, if it still holds."""
        if self._keys is not keys:
            return None
        found = self._found.get(_digest(token))
        if found is None or now >= found[0]:
            return None
        return found[1]

    def put(self, token: str, keys: KeySet, now: int, verified: Verified) -> None:
        """Remembers a verified token."""
        with self._lock:
            if self._keys is not keys:
                self._found = {}
                self._keys = keys
            while len(self._found) >= TOKENS_MAX:
                del self._found[next(iter(self._found))]
            # `exp` itself, without the leeway for clocks: a hit is never later than a miss.
            until = min(verified.caller.expires_at, now + HIT_SECS_MAX)
            self._found[_digest(token)] = (until, verified)


def _digest(token: str) -> bytes:
    # Hashed, so that a memory dump holds no usable token.
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
