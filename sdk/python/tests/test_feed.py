"""The feed of what is revoked: attacks K2, K4, J22 for an app that verifies tokens itself."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from flask_ringwall import Ringwall, owns
from flask_ringwall.extension import guard_of
from flask_ringwall.feed import (
    FEED_BYTES_MAX,
    STALE_SECS,
    Facts,
    FeedError,
    Follower,
    Revoked,
    over_http,
    read,
)
from flask_ringwall.issuer import LocalIssuer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FACTS = Facts(
    100,
    {
        "jti": "t",
        "sid": "s",
        "gid": "g",
        "sub": "u",
        "client_id": "c",
        "kid": "k",
        "tenant": "acme",
    },
)


def told(tag: str = "a", **kinds: dict[str, int]) -> bytes:
    return json.dumps({"tag": tag, "revoked": kinds}).encode()


class Gateway:
    """Says what a test wants, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: bytes | Exception = told()
        self.tags: list[str] = []
        self.now = 1_000.0

    def __call__(self, tag: str) -> bytes:
        self.tags.append(tag)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def follower(self) -> Follower:
        return Follower(self, clock=lambda: self.now)


@pytest.mark.parametrize(
    ("kinds", "is_revoked"),
    [
        ({}, False),
        ({"jti": {"t": 0}}, True),
        ({"sid": {"s": 0}}, True),
        ({"gid": {"g": 0}}, True),
        ({"kid": {"k": 0}}, True),
        ({"sub": {"u": 100}}, True),
        ({"sub": {"u": 99}}, False),
        ({"client_id": {"c": 100}}, True),
        ({"client_id": {"c": 99}}, False),
        ({"tenant": {"acme": 100}}, True),
        ({"tenant": {"acme": 99, "zeta": 100}}, False),
        ({"jti": {"s": 0}, "sid": {"t": 0}}, False),
        ({"jti": {"T": 0, "t ": 0}}, False),
    ],
)
def test_a_token_is_revoked_by_what_it_names(
    kinds: dict[str, dict[str, int]], is_revoked: bool
) -> None:
    assert read(told("a", **kinds), None).covers(FACTS) is is_revoked


def test_a_list_that_is_too_long_to_send_covers_all_that_is_older() -> None:
    revoked = read(b'{"tag":"x","not_before":100}', None)
    assert revoked.covers(FACTS)
    assert not revoked.covers(Facts(101, FACTS.names))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>sign in</html>",
        b"[]",
        b"{}",
        b'{"tag":""}',
        b'{"tag":"a"}',
        b'{"tag":1,"revoked":{}}',
        b'{"tag":"a","revoked":[]}',
        b'{"tag":"a","revoked":{"other":{}}}',
        b'{"tag":"a","revoked":{"jti":[]}}',
        b'{"tag":"a","revoked":{"jti":{"t":true}}}',
        b'{"tag":"a","revoked":{"jti":{"t":-1}}}',
        b'{"tag":"a","revoked":{},"revoked":{"jti":{}}}',
        b'{"tag":"a","not_before":"1"}',
        b" " * (FEED_BYTES_MAX + 1),
    ],
)
def test_k2_what_is_no_list_changes_nothing(raw: bytes) -> None:
    with pytest.raises(FeedError):
        read(raw, None)
    gateway = Gateway()
    gateway.answer = told("good", jti={"t": 0})
    follower = gateway.follower()
    follower.look()
    gateway.answer = raw
    follower.look()
    current = follower.current()
    assert current is not None
    assert current.tag == "good"


def test_only_what_is_new_is_sent() -> None:
    gateway = Gateway()
    follower = gateway.follower()
    gateway.answer = told("one", jti={"t": 0})
    follower.look()
    gateway.answer = b'{"tag":"one"}'
    follower.look()
    assert gateway.tags == ["", "one"]
    known = Revoked("one", values={"jti": {"t": 0}})
    assert read(b'{"tag":"one"}', known) is known
    with pytest.raises(FeedError):
        read(b'{"tag":"two"}', known)


def test_who_hears_nothing_for_too_long_knows_nothing() -> None:
    gateway = Gateway()
    follower = gateway.follower()
    assert follower.current() is not None, "the first request waits for the first list"
    gateway.answer = OSError("refused")
    gateway.now += STALE_SECS
    follower.look()
    assert follower.current() is not None
    gateway.now += 0.1
    assert follower.current() is None
    gateway.answer = told("back")
    follower.look()
    current = follower.current()
    assert current is not None
    assert current.tag == "back"


def test_a_forked_child_asks_for_itself() -> None:
    gateway = Gateway()
    follower = gateway.follower()
    assert follower.current() is not None
    follower.reset()
    gateway.answer = told("child")
    current = follower.current()
    assert current is not None
    assert current.tag == "child"


def app(tmp_path: Path, issuer: LocalIssuer) -> Flask:
    keys = tmp_path / "keys.json"
    keys.write_bytes(issuer.jwks())
    made = Flask(__name__)
    made.config.update(
        RINGWALL_SERVICE="orders",
        RINGWALL_ISSUER="https://shop.example",
        RINGWALL_AUDIENCE="https://shop.example",
        RINGWALL_ACCESS_KEYS=str(keys),
    )
    Ringwall(made)

    def home() -> str:
        # Nobody decided about the request, so it counts as `:own`.
        owns("u")
        return "in"

    made.add_url_rule("/", "home", home)
    return made


def access(issuer: LocalIssuer, **changes: object) -> dict[str, str]:
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": "https://shop.example",
        "aud": "https://shop.example",
        "sub": "u",
        "client_id": "c",
        "jti": "t",
        "sid": "s",
        "tenant": "acme",
        "iat": now,
        "exp": now + 300,
        **changes,
    }
    header: dict[str, object] = {"alg": "EdDSA", "typ": "at+jwt", "kid": issuer.kid}
    return {"Authorization": f"Bearer {issuer.sign(header, claims)}"}


def test_j22_k4_a_token_that_is_remembered_ends_with_its_key_person_or_session(
    tmp_path: Path,
) -> None:
    issuer, gateway = LocalIssuer(), Gateway()
    made = app(tmp_path, issuer)
    follower = gateway.follower()
    guard_of(made).follow(follower)
    client, token = made.test_client(), access(issuer)
    later = (int(time.time()) + 60) * 1_000_000
    for kinds in (
        {"kid": {issuer.kid: 0}},
        {"sub": {"u": later}},
        {"sid": {"s": 0}},
        {"client_id": {"c": later}},
        {"tenant": {"acme": later}},
        {"jti": {"t": 0}},
    ):
        gateway.answer = told("none")
        follower.look()
        assert client.get("/", headers=token).status_code == 200, kinds
        gateway.answer = told("some", **kinds)
        follower.look()
        refused = client.get("/", headers=token)
        assert refused.status_code == 401, kinds
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    gateway.answer = OSError("gone")
    gateway.now += STALE_SECS + 1
    follower.look()
    assert client.get("/", headers=token).status_code == 503, "stale"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.asked.append((self.path, self.rfile.read(length)))  # type: ignore[attr-defined]
        if self.path == "/elsewhere":
            self.send_response(307)
            self.send_header("Location", "/oauth/revocations")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        raw = told("http", jti={"t": 0})
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    made = HTTPServer(("127.0.0.1", 0), _Handler)
    made.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def test_the_gateway_is_asked_over_http_and_nobody_else(server: HTTPServer) -> None:
    at = f"http://127.0.0.1:{server.server_port}"
    follower = Follower(over_http(f"{at}/oauth/revocations", "orders", "rws_x"))
    current = follower.current()
    assert current is not None
    assert current.covers(FACTS)
    path, form = server.asked[0]  # type: ignore[attr-defined]
    assert (path, form) == ("/oauth/revocations", b"client_id=orders&client_secret=rws_x&tag=")
    count = len(server.asked)  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="307"):
        over_http(f"{at}/elsewhere", "orders", "rws_x")("")
    asked = [path for path, _ in server.asked[count:]]  # type: ignore[attr-defined]
    assert "/elsewhere" in asked
    for url in ("http://shop.example/oauth/revocations", "file:///etc/passwd", "ftp://x", ""):
        with pytest.raises(ValueError, match="https"):
            over_http(url, "orders", "rws_x")
