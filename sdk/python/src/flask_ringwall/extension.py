"""The Flask extension: verifies the caller before each request, holds `:own` after it.

There is no unauthenticated mode. A request without a valid token is refused, also for a path
that does not exist; which operations are public is said in ``ringwall.toml``.
"""

from __future__ import annotations

import os
import re
import time
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_to_bytes

from flask import Flask, Response, current_app, request
from werkzeug.local import LocalProxy

from flask_ringwall import own, problem, state
from flask_ringwall.cache import TokenCache
from flask_ringwall.caller import PROOF, Caller
from flask_ringwall.feed import Follower, over_http
from flask_ringwall.fetched import FetchedKeys
from flask_ringwall.keys import KeyFile, KeySet
from flask_ringwall.operation import data, declared_operation, operation
from flask_ringwall.output import json_attribute, json_script, safe_url
from flask_ringwall.secret import Secret
from flask_ringwall.session import Session
from flask_ringwall.signals import policy_denied, token_accepted, token_rejected
from flask_ringwall.state import State
from flask_ringwall.verify import (
    Expected,
    Reason,
    Verified,
    VerifyError,
    verify_access,
    verify_internal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Request

    from flask_ringwall.keys import KeySource

IDENTITY_HEADER = "Ringwall-Identity"
OWNER_HEADER = "Ringwall-Owner"
REQUEST_HEADER = "Ringwall-Request"

# As WSGI spells the headers that each request is asked for.
_IDENTITY = "HTTP_RINGWALL_IDENTITY"
_REQUEST = "HTTP_RINGWALL_REQUEST"
_TRACE = "HTTP_TRACEPARENT"
# W3C Trace Context, version 00: what is not of this form is not passed along.
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """From ``app.config`` or, what the sidecar says, from the environment."""

    service: str
    #: The fleet's name; tokens come from ``ringwall:<name>``.
    name: str
    #: JWKS file for identity tokens.
    keys: str | None
    #: With `audience`: access tokens are verified without a sidecar.
    issuer: str | None
    audience: str | None
    #: Their keys: a JWKS file, or an address; without it the issuer says where they are.
    access_keys: str | None
    #: Where the gateway tells what is revoked, and as whom to ask.
    revocations: str | None
    client_id: str | None
    client_secret: Secret | None
    #: Refusals say why.
    is_dev: bool

    @classmethod
    def read(cls, app: Flask) -> Settings:
        """Reads all of them once, when the extension meets the app."""

        def value(name: str) -> str | None:
            found = app.config.get(f"RINGWALL_{name}", os.environ.get(f"RINGWALL_{name}"))
            return str(found) if found else None

        return cls(
            # The module's name is no identity: without a service no token fits.
            service=value("SERVICE") or "",
            name=value("NAME") or "",
            keys=value("KEYS"),
            issuer=value("ISSUER"),
            audience=value("AUDIENCE"),
            access_keys=value("ACCESS_KEYS"),
            revocations=value("REVOCATIONS"),
            client_id=value("CLIENT_ID"),
            client_secret=Secret(found) if (found := value("CLIENT_SECRET")) else None,
            is_dev=value("DEV") == "1",
        )


class Guard:
    """The state of the extension for one app."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self._clock = clock
        self._internal = _Verifier(
            verify_internal,
            KeyFile(settings.keys) if settings.keys else None,
            Expected(f"ringwall:{settings.name}", settings.service),
        )
        self._access: _Verifier | None = None
        if settings.issuer and settings.audience:
            self._access = _Verifier(
                verify_access,
                _access_keys(settings.issuer, settings.access_keys),
                Expected(settings.issuer, settings.audience),
            )
        self._feed: Follower | None = None
        if self._access is not None and settings.revocations:
            as_whom = (settings.client_id or "", settings.client_secret or "")
            self._feed = Follower(over_http(settings.revocations, *as_whom))

    def reset(self) -> None:
        """Drops what a forked child must not share."""
        self._internal.reset()
        if self._feed is not None:
            self._feed.reset()
        if self._access is not None:
            self._access.reset()

    def trust(self, keys: KeySet) -> None:
        """Takes keys from memory instead of the file: for tests with a local issuer."""
        self._internal.fixed = keys

    def follow(self, feed: Follower) -> None:
        """Takes what is revoked from elsewhere: for tests."""
        self._feed = feed

    def identify(self, app: Flask, asked: Request) -> tuple[Caller, str | None]:
        """Returns the caller of a request and the token to pass along, or raises."""
        now = int(self._clock())
        token = asked.environ.get(_IDENTITY)
        if token is not None:
            verified = self._internal.run(token, now)
            _same_request(verified, asked)
            _same_operation(verified, app, asked)
            return _named(verified.caller, asked), token
        if self._access is not None:
            verified = self._access.run(_bearer(asked), now)
            # At each use, also of a token that is remembered.
            self._not_revoked(verified)
            return verified.caller, None
        raise VerifyError(Reason.ABSENT, "no identity token")

    def _not_revoked(self, verified: Verified) -> None:
        if self._feed is None or verified.facts is None:
            return
        revoked = self._feed.current()
        if revoked is None:
            raise VerifyError(Reason.STALE, "nobody said for too long what is revoked")
        if revoked.covers(verified.facts):
            raise VerifyError(Reason.REVOKED, "the token was revoked")


class _Verifier:
    """One profile with its keys and its cache."""

    def __init__(
        self,
        verify: Callable[[str, KeySet, Expected, int], Verified],
        source: KeySource | None,
        expected: Expected,
    ) -> None:
        self._verify = verify
        self._source = source
        self._expected = expected
        self._cache = TokenCache()
        self.fixed: KeySet | None = None

    def reset(self) -> None:
        self._cache.reset()
        if self._source is not None:
            self._source.reset()

    def run(self, token: str, now: int) -> Verified:
        keys = self.fixed or (self._source.current() if self._source is not None else None)
        if keys is None:
            why = "no verification keys: is RINGWALL_KEYS readable, or the issuer there?"
            raise VerifyError(Reason.NO_KEYS, why)
        found = self._cache.get(token, keys, now)
        if found is None:
            found, keys = self._verify_anew(token, keys, now)
            self._cache.put(token, keys, now, found)
        return found

    def _verify_anew(self, token: str, keys: KeySet, now: int) -> tuple[Verified, KeySet]:
        try:
            return self._verify(token, keys, self._expected, now), keys
        except VerifyError as error:
            # A key that is newer than what we know. Nothing of the token says where to look.
            newer = None
            if error.reason is Reason.KEY and self._source is not None and self.fixed is None:
                newer = self._source.again()
            if newer is None or newer is keys:
                raise
        return self._verify(token, newer, self._expected, now), newer


def _access_keys(issuer: str, where: str | None) -> KeySource:
    if where is None:
        return FetchedKeys.of_issuer(issuer)
    return FetchedKeys.at(where) if "://" in where else KeyFile(where)


class Ringwall:
    """The extension. Connects nothing and reads no file before the first request."""

    operation = staticmethod(operation)
    data = staticmethod(data)

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Puts the app behind Ringwall. Call it once, anywhere before the first request."""
        if "ringwall" in app.extensions:
            raise RuntimeError("Ringwall is already on this app")
        guard = Guard(Settings.read(app))
        app.extensions["ringwall"] = guard
        _GUARDS.add(guard)
        # First of all: a function that the app registered earlier could answer unauthenticated.
        app.before_request_funcs.setdefault(None, []).insert(0, _before)
        # Flask runs these in reverse, so the first in the list has the last word.
        app.after_request_funcs.setdefault(None, []).insert(0, _after)
        # Read when a page is rendered: an app may still set up its templates.
        app.context_processor(_helpers)
        app.teardown_request_funcs.setdefault(None, []).append(_teardown)

    def session(self, service: str, timeout_secs: float = 30.0) -> Session:
        """A door to another service of the fleet."""
        return Session(service, timeout_secs)


def _helpers() -> dict[str, object]:
    return {"json_attribute": json_attribute, "json_script": json_script, "safe_url": safe_url}


def guard_of(app: Flask) -> Guard:
    """The guard that :meth:`Ringwall.init_app` put on the app."""
    guard = app.extensions.get("ringwall")
    if not isinstance(guard, Guard):
        raise RuntimeError("no Ringwall on this app: call `Ringwall().init_app(app)`")
    return guard


def _before() -> Response | None:
    # An outer app context may share `g` with an earlier request.
    state.clear()
    # Each use of Flask's proxies costs a look-up; one is enough.
    app, asked = _app(), _request()
    guard = guard_of(app)
    try:
        caller, token = guard.identify(app, asked)
    except VerifyError as error:
        return _refuse(guard, app, asked, error)
    traceparent = asked.environ.get(_TRACE)
    is_trace = traceparent is not None and _TRACEPARENT.fullmatch(traceparent) is not None
    state.begin(State(caller, token, traceparent if is_trace else None))
    if token_accepted.receivers:
        token_accepted.send(app, caller=caller)
    return None


def _after(answer: Response) -> Response:
    current = state.current()
    if current is None:
        return answer
    # INVARIANT (owner stated): see `own`.
    if own.refuses(current, answer.status_code):
        why = f"the owner was {current.ownership.value} on an operation permitted as :own"
        policy_denied.send(_app(), caller=current.caller, why=why)
        answer.close()
        is_dev = guard_of(_app()).settings.is_dev
        return problem.response(
            problem.OWNER_NOT_STATED, current.caller.request_id, why if is_dev else None
        )
    # Set by us or not at all: a view that copies headers must not be able to claim it.
    answer.headers.pop(OWNER_HEADER, None)
    if own.is_checked(current):
        answer.headers[OWNER_HEADER] = "checked"
    return answer


def _teardown(_: BaseException | None) -> None:
    state.clear()


def _refuse(guard: Guard, app: Flask, asked: Request, error: VerifyError) -> Response:
    token_rejected.send(app, reason=error.reason)
    reason = str(error) if guard.settings.is_dev else None
    request_id = asked.headers.get(REQUEST_HEADER, "")
    known_id = request_id if _REQUEST_ID.fullmatch(request_id) else None
    if error.reason in (Reason.NO_KEYS, Reason.STALE):
        return problem.response(problem.CANNOT_DECIDE, known_id, reason)
    # RFC 6750 section 3.1: no error code for a request that brought no token.
    challenge = f'Bearer realm="{guard.settings.service}"'
    if error.reason is not Reason.ABSENT:
        challenge += ', error="invalid_token"'
    return problem.response(problem.NOT_AUTHENTICATED, known_id, reason, challenge)


def _named(caller: Caller, asked: Request) -> Caller:
    """The caller with the id of this request: a token serves equal requests for a few seconds.

    The id decides nothing, so it need not be signed; one that is not of the form is left out.
    """
    request_id = asked.environ.get(_REQUEST, "")
    if request_id == caller.request_id or not _REQUEST_ID.fullmatch(request_id):
        return caller
    return replace(caller, proof=PROOF, request_id=request_id)


def _same_request(verified: Verified, asked: Request) -> None:
    """A token made for one request is no good for another."""
    if verified.method != asked.method:
        raise VerifyError(Reason.REQUEST, "made for another method")
    target = (verified.target or "").partition("?")[0]
    environ = asked.environ
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if isinstance(raw, str) and raw.startswith("/"):
        is_same = raw.partition("?")[0] == target
    else:
        # A server that keeps only the decoded path: WSGI gives its bytes as Latin-1.
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        is_same = path.encode("latin-1") == unquote_to_bytes(target)
    if not is_same:
        raise VerifyError(Reason.REQUEST, "made for another path")


def _same_operation(verified: Verified, app: Flask, asked: Request) -> None:
    """The gateway decided about the operation that this view says it is."""
    here = declared_operation(app, asked.endpoint, asked.method)
    if here is not None and here != verified.caller.operation:
        raise VerifyError(Reason.REQUEST, f"made for another operation than `{here}`")


def _bearer(asked: Request) -> str:
    value: str | None = asked.environ.get("HTTP_AUTHORIZATION")
    if value is None:
        raise VerifyError(Reason.ABSENT, "no token")
    # Two headers arrive as one with a comma, which no token has.
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or "," in token:
        raise VerifyError(Reason.SHAPE, "not exactly one bearer token")
    return token


def _caller() -> Caller:
    current = state.current()
    if current is None:
        raise RuntimeError("current_identity outside a request that Ringwall verified")
    return current.caller


def _request() -> Request:
    return cast("Request", request._get_current_object())  # type: ignore[attr-defined]


def _app() -> Flask:
    return cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]


def _reset_guards() -> None:
    for guard in list(_GUARDS):
        guard.reset()


#: The verified caller of the request in hand, a :class:`Caller`.
current_identity: Caller = cast("Caller", LocalProxy(_caller))

# Weak: an app that a test threw away is not kept alive.
_GUARDS: weakref.WeakSet[Guard] = weakref.WeakSet()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_guards)
