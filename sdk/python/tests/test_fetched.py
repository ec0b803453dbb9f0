"""Keys that are fetched: attacks K2 and Q1 for an app that verifies access tokens itself."""

from __future__ import annotations

import itertools
import json
import os
import socket
import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from test_feed import access

from flask_ringwall import Ringwall, owns
from flask_ringwall.extension import guard_of
from flask_ringwall.fetched import (
    AGAIN_SECS,
    FIRST_AGAIN_SECS,
    REFRESH_SECS,
    STALE_SECS,
    WELL_KNOWN,
    FetchedKeys,
    over_https,
)
from flask_ringwall.issuer import LocalIssuer
from flask_ringwall.keys import JWKS_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

ISSUER = "https://shop.example"
JWKS = f"{ISSUER}/oauth/jwks"


class Gateway:
    """Says what a test wants, and remembers what it was asked."""

    def __init__(self) -> None:
        self.issuer = LocalIssuer()
        self.metadata: dict[str, object] = {"issuer": ISSUER, "jwks_uri": JWKS}
        self.keys: bytes | Exception = self.issuer.jwks()
        self.asked: list[str] = []
        self.now = 1000.0
        self.source = FetchedKeys.of_issuer(ISSUER, self.fetch, lambda: self.now)

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        answer = json.dumps(self.metadata).encode() if url != JWKS else self.keys
        if isinstance(answer, Exception):
            raise answer
        return answer

    def knows(self, issuer: LocalIssuer | None = None) -> bool:
        keys = self.source.current()
        return keys is not None and keys.get((issuer or self.issuer).kid) is not None


def app_of(issuer: str, source: FetchedKeys | None = None) -> Flask:
    made = Flask(__name__)
    made.config.update(RINGWALL_SERVICE="orders", RINGWALL_ISSUER=issuer, RINGWALL_AUDIENCE=issuer)
    Ringwall(made)

    def home() -> str:
        # Nobody decided about the request, so it counts as `:own`.
        owns("u")
        return "in"

    made.add_url_rule("/", "home", home)
    if source is not None:
        verifier = guard_of(made)._access
        assert verifier is not None
        verifier._source = source
    return made


def test_the_issuer_says_once_where_its_keys_are() -> None:
    gateway = Gateway()
    assert gateway.knows()
    assert gateway.asked == [ISSUER + WELL_KNOWN, JWKS]
    first = gateway.source.current()
    gateway.now += REFRESH_SECS - 1
    assert gateway.source.current() is first
    assert len(gateway.asked) == 2, "known keys are not asked for"
    gateway.now += 1
    assert gateway.source.current() is first, "equal keys stay the same, and tokens remembered"
    assert gateway.asked[2:] == [JWKS]


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": ISSUER + "/"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "https://evil.example/jwks"},
        {"jwks_uri": "https://shop.example:444/jwks"},
        {"jwks_uri": "http://shop.example/jwks"},
        {"jwks_uri": "https://shop.example@evil.example/jwks"},
        {"jwks_uri": "https://user@shop.example/jwks"},
        {"jwks_uri": "https://shop.example/jwks\r\nX: y"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ["https://shop.example/jwks"]},
    ],
)
def test_k2_metadata_that_lead_elsewhere_lead_nowhere(changes: dict[str, object]) -> None:
    gateway = Gateway()
    gateway.metadata.update(changes)
    assert gateway.source.current() is None
    assert gateway.asked == [ISSUER + WELL_KNOWN]


POISON: list[bytes | Exception] = [
    OSError("unreachable"),
    TimeoutError("slow"),
    b"",
    b"<!doctype html><title>Sign in</title>",
    b" " * 1_000_000,
    b'{"keys":[]}',
    b'{"keys":{}}',
    b'{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256","kid":"x"}]}',
    b'{"keys":[' + b'{"kty":"OKP"},' * 70 + b"{}]}",
    b'{"keys":' + b"[" * 10_000,
    b'\xff\xfe{"keys":[]}',
]


@pytest.mark.parametrize("poison", POISON, ids=lambda one: repr(one)[:24])
def test_k2_what_is_no_key_set_changes_nothing_and_begins_nothing(
    poison: bytes | Exception,
) -> None:
    gateway = Gateway()
    assert gateway.knows()
    gateway.keys = poison
    gateway.now += REFRESH_SECS
    assert gateway.knows(), "the last good set stays"
    begun = Gateway()
    begun.keys = poison
    assert begun.source.current() is None, "no keys at the start"
    begun.keys = begun.issuer.jwks()
    begun.now += FIRST_AGAIN_SECS
    assert begun.knows(), "and soon there are"


def test_k2_keys_that_nobody_confirmed_for_a_day_are_none() -> None:
    gateway = Gateway()
    assert gateway.knows()
    gateway.keys = OSError("unreachable")
    gateway.now += STALE_SECS
    assert gateway.knows()
    gateway.now += 0.1
    assert gateway.source.current() is None
    gateway.keys = gateway.issuer.jwks()
    gateway.now += AGAIN_SECS
    assert gateway.knows()


def test_a_failure_is_not_repeated_with_each_request() -> None:
    gateway = Gateway()
    assert gateway.knows()
    gateway.keys = OSError("unreachable")
    gateway.now += REFRESH_SECS
    for _ in range(100):
        assert gateway.knows()
    assert gateway.asked.count(JWKS) == 2
    gateway.now += AGAIN_SECS
    assert gateway.knows()
    assert gateway.asked.count(JWKS) == 3


def test_q1_unknown_keys_make_it_ask_once_in_thirty_seconds() -> None:
    gateway = Gateway()
    app = app_of(ISSUER, gateway.source)
    client = app.test_client()
    assert client.get("/", headers=access(gateway.issuer)).status_code == 200
    stranger = LocalIssuer()
    for _ in range(50):
        assert client.get("/", headers=access(stranger)).status_code == 401
    assert gateway.asked.count(JWKS) == 1, "these keys are fresh"
    gateway.now += AGAIN_SECS
    for _ in range(50):
        assert client.get("/", headers=access(stranger)).status_code == 401
    assert gateway.asked.count(JWKS) == 2
    # A key that is new is found at the first token that names it.
    newer, older = LocalIssuer(), access(gateway.issuer)
    both = [json.loads(one.jwks())["keys"][0] for one in (gateway.issuer, newer)]
    gateway.keys = json.dumps({"keys": both}).encode()
    gateway.now += AGAIN_SECS
    assert client.get("/", headers=access(newer)).status_code == 200
    assert client.get("/", headers=older).status_code == 200
    assert gateway.asked.count(JWKS) == 3


def test_many_at_once_ask_once() -> None:
    gateway, gate = Gateway(), threading.Event()

    def slow(url: str) -> bytes:
        assert gate.wait(60)
        return gateway.fetch(url)

    source = FetchedKeys.of_issuer(ISSUER, slow, lambda: gateway.now)
    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(source.current) for _ in range(8)]
        gate.set()
        assert all(one.result(60) is not None for one in first), "all wait for the first keys"
        assert gateway.asked.count(JWKS) == 1
        gate.clear()
        gateway.now += REFRESH_SECS
        under_way = {pool.submit(source.current) for _ in range(7)}
        # One of them asks, and waits at the gate: the others are answered before it opens.
        while len(under_way) > 1:
            done, under_way = wait(under_way, 60, FIRST_COMPLETED)
            assert all(one.result() is not None for one in done)
            assert done
        gate.set()
        assert under_way.pop().result(60) is not None
    assert gateway.asked.count(JWKS) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_asks_for_itself_though_a_fetch_was_under_way() -> None:
    gateway = Gateway()
    app = app_of(ISSUER, gateway.source)
    assert "ringwall" in app.extensions
    gateway.source._lock.acquire()
    child = os.fork()
    if child == 0:
        # The lock that the parent holds is none of the child's.
        os._exit(0 if gateway.knows() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert gateway.asked == []


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        match self.path:
            case "/moved":
                self.answer(302, b"", Location="/jwks")
            case "/large":
                self.answer(200, b" " * (JWKS_BYTES_MAX + 1))
            case "/endless":
                self.send_response(200)
                self.end_headers()
                while self.server.is_open:
                    self.wfile.write(b" " * 65_536)
            case "/missing":
                self.answer(404, self.server.issuer.jwks())
            case "/jwks":
                self.answer(200, self.server.issuer.jwks())
            case _ if self.path == WELL_KNOWN:
                at = self.server.at
                self.answer(200, json.dumps({"issuer": at, "jwks_uri": f"{at}/jwks"}).encode())

    def answer(self, status: int, raw: bytes, **fields: str) -> None:
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401
        pass


class Server(ThreadingHTTPServer):
    """An issuer on loopback, where plain HTTP is good enough."""

    daemon_threads = True
    is_open = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = LocalIssuer()
        self.at = f"http://127.0.0.1:{self.server_port}"
        self.asked: Counter[str] = Counter()

    def handle_error(self, *_: object) -> None:
        """Who asked may hang up."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.is_open = False
    made.shutdown()
    made.server_close()


def test_an_app_fetches_the_keys_of_its_issuer(server: Server) -> None:
    app = app_of(server.at)
    assert not server.asked, "nothing is asked before the first request"
    client = app.test_client()
    good = access(server.issuer, iss=server.at, aud=server.at)
    assert client.get("/", headers=good).status_code == 200
    assert client.get("/", headers=access(server.issuer)).status_code == 401
    assert server.asked == {WELL_KNOWN: 1, "/jwks": 1}


def test_k2_an_issuer_that_is_away_lets_nobody_in_and_nobody_blames_the_token() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        at = f"http://127.0.0.1:{closed.getsockname()[1]}"
    app = app_of(at)
    issuer = LocalIssuer()
    refused = app.test_client().get("/", headers=access(issuer, iss=at, aud=at))
    assert refused.status_code == 503
    assert "WWW-Authenticate" not in refused.headers
    assert refused.get_json()["code"] == "RW3015"


@pytest.mark.parametrize("path", ["/moved", "/large", "/endless", "/missing"])
def test_k2_redirects_failures_and_floods_are_no_keys(server: Server, path: str) -> None:
    with pytest.raises(OSError, match=r"answered with|too large"):
        over_https(server.at + path)
    assert server.asked == {path: 1}, "nothing else is asked"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n"])
def test_k2_what_is_no_http_is_no_answer(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            stream, _ = listener.accept()
            with stream:
                stream.recv(4096)
                stream.sendall(said)

        threading.Thread(target=speak, daemon=True).start()
        at = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        raw = None
        try:
            raw = over_https(at)
        except OSError:
            return
        # Headers that end with the connection are a body of nothing.
        assert raw == b""


@pytest.mark.parametrize("drips", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_k2_an_answer_that_drips_ends_with_its_time(
    drips: bytes,
) -> None:
    # The clock moves with each look at it: no time passes.
    now = itertools.count()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            stream, _ = listener.accept()
            with stream:
                stream.recv(4096)
                stream.sendall(drips)
                try:
                    while True:
                        stream.sendall(b"a")
                except OSError:
                    return

        threading.Thread(target=speak, daemon=True).start()
        with pytest.raises(OSError, match=r"took too long|too large|not an answer"):
            over_https(f"http://127.0.0.1:{listener.getsockname()[1]}/", lambda: next(now) / 2)


@pytest.mark.parametrize(
    "address",
    [
        "http://shop.example",
        "ftp://shop.example",
        "file:///etc/passwd",
        "https://",
        "https://a b",
        "https://shop.example\r\nX: y",
        "https://sh\u00f6p.example",
        "https://me@shop.example",
        "https://shop.example:70000",
        "//shop.example",
    ],
)
def test_only_plain_https_addresses_are_taken(address: str) -> None:
    with pytest.raises(ValueError, match=r"address|[Pp]ort"):
        FetchedKeys.of_issuer(address)
    with pytest.raises(ValueError, match=r"address|[Pp]ort"):
        FetchedKeys.at(address)
