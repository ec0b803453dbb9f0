"""Keys of an issuer, fetched when they are used: for apps that verify access tokens themselves.

No thread: the request that finds the keys too old asks for new ones, one at a time, and the others
go on with those that are known. Where to ask is the operator's word alone; no token names a place.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from http.client import HTTPException, HTTPResponse
from threading import Lock
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urlsplit

from flask_ringwall.keys import JWKS_BYTES_MAX, KeysError, KeySet
from flask_ringwall.strict import MalformedError, json_object

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Gives what is behind an address.
    Fetch = Callable[[str], bytes]

# From the first byte of the connection to the last one of the answer.
FETCH_SECS_MAX = 5.0
# What the gateway says of its own keys (`max-age`).
REFRESH_SECS = 300.0
# A gateway that is away brings no old key back for longer than this.
STALE_SECS = 86_400.0
# An unknown key id makes us ask once in this time, whatever is sent to us (attack Q1).
AGAIN_SECS = 30.0
# Nobody gets in without keys, so the first ones are asked for more often.
FIRST_AGAIN_SECS = 2.0

# RFC 8414 section 3: the well-known part comes between host and path.
WELL_KNOWN = "/.well-known/oauth-authorization-server"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class FetchError(OSError):
    """There was no answer that could be used."""


class FetchedKeys:
    """The keys behind an address, or of an issuer that says where. Keeps the last good ones."""

    def __init__(
        self,
        locate: Callable[[Fetch], str],
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._locate = locate
        self._fetch = fetch or over_https
        self._clock = clock
        self.reset()

    @classmethod
    def at(cls, url: str) -> FetchedKeys:
        """Those behind this address."""
        _checked(url)
        return cls(lambda _: url)

    @classmethod
    def of_issuer(
        cls,
        issuer: str,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> FetchedKeys:
        """Those that the issuer's metadata lead to (RFC 8414); they are read once."""
        _checked(issuer)
        return cls(lambda fetch: _discover(issuer, fetch), fetch, clock)

    def reset(self) -> None:
        """Forgets everything, also the lock: a forked child may have inherited a held one."""
        self._lock = Lock()
        self._url: str | None = None
        self._raw: bytes | None = None
        #: The keys, and when they were last said to be right. Replaced whole.
        self._known: tuple[KeySet, float] | None = None
        self._asked_at: float | None = None

    def current(self) -> KeySet | None:
        """The keys, or ``None`` when there are none, or none that were heard of for a day."""
        known, now = self._known, self._clock()
        if known is None:
            # Others wait for the first reading: an answer without keys would be a refusal.
            with self._lock:
                if self._known is None and self._may_ask(FIRST_AGAIN_SECS):
                    self._ask()
        elif now - known[1] >= REFRESH_SECS and self._may_ask(AGAIN_SECS):
            self._ask_alone()
        known = self._known
        if known is None or self._clock() - known[1] > STALE_SECS:
            return None
        return known[0]

    def again(self) -> KeySet | None:
        """The keys once more, for a token that names an unknown one."""
        if self._may_ask(AGAIN_SECS):
            self._ask_alone()
        return self._known[0] if self._known is not None else None

    def _may_ask(self, pause: float) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= pause

    def _ask_alone(self) -> None:
        # Who comes while one asks goes on with what is known.
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._may_ask(AGAIN_SECS):
                self._ask()
        finally:
            self._lock.release()

    def _ask(self) -> None:
        asked_at = self._clock()
        try:
            if self._url is None:
                self._url = self._locate(self._fetch)
            raw = self._fetch(self._url)
            keys = self._known[0] if self._known is not None and raw == self._raw else None
            if keys is None:
                keys = KeySet.parse(raw)
            if not len(keys):
                raise KeysError("a key set without a key for us")
            # As old as the question. Equal keys stay the same object, and tokens remembered.
            self._known, self._raw = (keys, asked_at), raw
        except (OSError, ValueError):
            # Last good set stays in force; without one the caller refuses with 503.
            return
        finally:
            # After a slow failure the pause begins anew, or failures would be all that we do.
            self._asked_at = self._clock()


def over_https(url: str, clock: Callable[[], float] = time.monotonic) -> bytes:
    """What is behind an address: no redirects, at most 64 KiB, within five seconds."""
    parts = _checked(url)
    host = cast("str", parts.hostname)
    end = clock() + FETCH_SECS_MAX

    def left() -> float:
        secs = end - clock()
        if secs <= 0:
            raise FetchError("took too long")
        return secs

    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    asked = (
        f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: flask-ringwall\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((host, port), FETCH_SECS_MAX) as plain:
        # Python counts a handshake, and one `sendall`, as a whole against the timeout.
        plain.settimeout(left())
        stream: socket.socket = plain
        if parts.scheme == "https":
            stream = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        with stream:
            stream.settimeout(left())
            stream.sendall(asked.encode("ascii"))
            answer = HTTPResponse(cast("socket.socket", _Timed(stream, left)), method="GET")
            try:
                answer.begin()
                if answer.status != 200:
                    # A redirect would be followed to wherever the answer wants us.
                    raise FetchError(f"answered with {answer.status}")
                raw = answer.read(JWKS_BYTES_MAX + 1)
            except HTTPException as error:
                raise FetchError("not an answer of HTTP") from error
    if len(raw) > JWKS_BYTES_MAX:
        raise FetchError("the answer is too large")
    return raw


class _Timed(io.RawIOBase):
    """A socket to read from while there is time left, however slowly it drips."""

    def __init__(self, stream: socket.socket, left: Callable[[], float]) -> None:
        self._stream = stream
        self._left = left

    def makefile(self, *_: object) -> io.BufferedReader:
        """As :class:`HTTPResponse` wants to have it."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as in the standard library
        self._stream.settimeout(self._left())
        return self._stream.recv_into(buffer)


def _discover(issuer: str, fetch: Fetch) -> str:
    parts = _checked(issuer)
    url = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"
    try:
        members = json_object(fetch(url))
    except MalformedError as error:
        raise FetchError(f"metadata: {error}") from error
    # RFC 8414 section 3.3: who names another issuer is not this one.
    if members.get("issuer") != issuer:
        raise FetchError("metadata of another issuer")
    found = members.get("jwks_uri")
    if not isinstance(found, str):
        raise FetchError("metadata without `jwks_uri`")
    keys = _checked(found)
    if (keys.scheme, keys.netloc) != (parts.scheme, parts.netloc):
        raise FetchError("keys of another host")
    return found


def _checked(url: str) -> SplitResult:
    """An address that may be asked, or :class:`ValueError`."""
    # What follows goes into the request's lines.
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("not a plain address")
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_safe or not parts.hostname:
        raise ValueError("not an https address")
    if parts.username is not None or parts.fragment:
        raise ValueError("an address with a name or a fragment")
    # Raises for a port that is none.
    _ = parts.port
    return parts
