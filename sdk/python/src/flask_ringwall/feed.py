"""What is revoked, followed in the background: for apps that verify access tokens themselves.

The gateway gives the whole list each time, so there is no gap to find. An app that has not heard
of it for too long lets nobody in: a network that is cut must not bring a stolen token to life.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from flask_ringwall.strict import MalformedError, json_object

if TYPE_CHECKING:
    from collections.abc import Callable

FEED_BYTES_MAX = 4_194_304
# Revocations reach the app within five seconds: the pause and one slow answer.
ASK_SECS = 2.0
TIMEOUT_SECS = 2.5
# A gateway that restarts is back within seconds.
STALE_SECS = 30.0
# The first request waits this long for the first list.
FIRST_SECS = 5.0

KINDS = ("client_id", "gid", "jti", "kid", "sid", "sub", "tenant")
# Who comes back gets new tokens: only those of before are revoked.
_UNTIL = frozenset({"client_id", "sub", "tenant"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class FeedError(ValueError):
    """The list is not usable. It is refused whole."""


@dataclass(frozen=True)
class Facts:
    """What a token can be revoked by."""

    #: Microseconds since 1970.
    issued_at: int
    #: By kind, as the feed spells them.
    names: dict[str, str]


@dataclass(frozen=True)
class Revoked:
    """One state of the list."""

    tag: str
    #: Nothing that was issued until then counts; microseconds since 1970, as all times here.
    not_before: int = -1
    #: By kind and value: until when what it names was revoked.
    values: dict[str, dict[str, int]] = field(default_factory=dict)

    def covers(self, facts: Facts) -> bool:
        """Whether the token no longer holds."""
        if facts.issued_at <= self.not_before:
            return True
        for kind, name in facts.names.items():
            until = self.values.get(kind, {}).get(name)
            if until is not None and (kind not in _UNTIL or facts.issued_at <= until):
                return True
        return False


def read(raw: bytes, known: Revoked | None) -> Revoked:
    """Reads an answer of the gateway, or raises :class:`FeedError`."""
    if len(raw) > FEED_BYTES_MAX:
        raise FeedError("the list is too large")
    try:
        members = json_object(raw)
    except MalformedError as error:
        raise FeedError(str(error)) from error
    tag = members.get("tag")
    if not isinstance(tag, str) or not tag:
        raise FeedError("a list without a tag")
    if "not_before" in members:
        return Revoked(tag, not_before=_time(members["not_before"]))
    if "revoked" not in members:
        if known is None or known.tag != tag:
            raise FeedError("nothing new, of a list that is not known")
        return known
    kinds = members["revoked"]
    # A kind that is not known revokes tokens that would be let in here.
    if not isinstance(kinds, dict) or not set(kinds) <= set(KINDS):
        raise FeedError("a list of unknown kinds")
    values: dict[str, dict[str, int]] = {}
    for kind, named in kinds.items():
        if not isinstance(named, dict):
            raise FeedError("a kind without values")
        values[kind] = {value: _time(until) for value, until in named.items()}
    return Revoked(tag, values=values)


class Follower:
    """Asks again and again, from a thread of its own that begins with the first request."""

    def __init__(
        self,
        fetch: Callable[[str], bytes],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forgets everything, also thread and lock: a forked child has neither."""
        self._lock = Lock()
        self._thread: Thread | None = None
        self._first = Event()
        self._pid: int | None = None
        #: The list, and when it was last said to be right. Replaced whole: read without the lock.
        self._known: tuple[Revoked, float] | None = None

    def current(self) -> Revoked | None:
        """The list, or ``None`` when nothing was heard for too long."""
        if self._pid != os.getpid():
            self._begin()
            self._first.wait(FIRST_SECS)
        known = self._known
        if known is None or self._clock() - known[1] > STALE_SECS:
            return None
        return known[0]

    def look(self) -> None:
        """Asks once."""
        asked_at = self._clock()
        known = self._known[0] if self._known is not None else None
        try:
            fresh = read(self._fetch(known.tag if known is not None else ""), known)
        except (OSError, ValueError):
            # What is known stays in force until it is stale.
            return
        # As old as the question: the answer may have been on its way for a while.
        self._known = (fresh, asked_at)

    def _begin(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            self._thread = Thread(target=self._run, name="ringwall-feed", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        pause = Event()
        first = self._first
        while True:
            self.look()
            first.set()
            pause.wait(ASK_SECS)


def over_http(url: str, client_id: str, client_secret: str) -> Callable[[str], bytes]:
    """Asks the gateway's `/oauth/revocations`, and nobody that it could lead to."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("RINGWALL_REVOCATIONS is not an https address")
    opener = build_opener(_NoRedirect)

    def fetch(tag: str) -> bytes:
        form = {"client_id": client_id, "client_secret": client_secret, "tag": tag}
        asked = Request(url, data=urlencode(form).encode(), method="POST")  # noqa: S310 - checked
        with opener.open(asked, timeout=TIMEOUT_SECS) as answer:
            raw: bytes = answer.read(FEED_BYTES_MAX + 1)
        return raw

    return fetch


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """The secret is for the gateway alone."""


def _time(value: object) -> int:
    # `True` is an `int` in Python.
    if type(value) is not int or value < 0:
        raise FeedError("a time that is none")
    return value
