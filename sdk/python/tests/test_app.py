"""The extension on a Flask app: who gets in, whose objects come out, what is passed along."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from shop import create_app

from flask_ringwall import (
    MissingSecretError,
    Reason,
    Ringwall,
    SessionError,
    current_identity,
    owns,
    policy_denied,
    secret,
    token_accepted,
    token_rejected,
)
from flask_ringwall.extension import guard_of
from flask_ringwall.issuer import LocalIssuer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from flask_ringwall.caller import Caller
    from flask_ringwall.pytest_plugin import Acting

As = "Callable[..., Acting]"


@pytest.fixture
def client() -> FlaskClient:
    made: FlaskClient = create_app().test_client()
    return made


def send(client: FlaskClient, issuer: LocalIssuer, path: str, **changes: object) -> TestResponse:
    """A GET with a token that is right except for the changes."""
    guard_of(client.application).trust(issuer.keys())
    claims: dict[str, object] = {
        "iss": "ringwall:shop",
        "aud": "orders",
        "sub": "u-1",
        "op": "getOrder",
        "own": False,
        "htm": "GET",
        "htu": path.partition("?")[0],
    }
    return client.get(path, headers={"Ringwall-Identity": issuer.internal({**claims, **changes})})


def code(answer: TestResponse) -> str:
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.data)
    assert body["status"] == answer.status_code
    return str(body["code"])


@pytest.mark.parametrize("path", ["/orders/1", "/nowhere", "/static/x", "/careless"])
def test_a_request_without_token_is_refused_on_every_path(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Ringwall-Request": "r-7"})
    assert (answer.status_code, code(answer)) == (401, "RW3003")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="orders"'
    assert answer.json is not None
    assert answer.json["request_id"] == "r-7"
    assert "reason" not in answer.json


def test_a_header_that_is_not_a_token_proves_nothing(client: FlaskClient) -> None:
    guard_of(client.application).trust(LocalIssuer().keys())
    answer = client.get(
        "/orders/1", headers={"Ringwall-Identity": "u-1", "Ringwall-Request": "<b>"}
    )
    assert code(answer) == "RW3003"
    assert answer.headers["WWW-Authenticate"].endswith('error="invalid_token"')
    assert answer.json is not None
    assert "request_id" not in answer.json


def test_without_keys_nothing_is_decided(client: FlaskClient) -> None:
    answer = client.get("/orders/1", headers={"Ringwall-Identity": "x"})
    assert (answer.status_code, code(answer)) == (503, "RW3015")


def test_reasons_are_told_in_development_only(ringwall_issuer: LocalIssuer) -> None:
    client = create_app(RINGWALL_DEV="1").test_client()
    answer = send(client, ringwall_issuer, "/orders/1", aud="payments")
    assert answer.json is not None
    assert answer.json["reason"] == "not addressed to `orders`"


def test_a_token_is_good_for_its_request_only(
    client: FlaskClient, ringwall_issuer: LocalIssuer
) -> None:
    assert send(client, ringwall_issuer, "/orders/1?a=1").status_code == 200
    assert send(client, ringwall_issuer, "/orders/1", htu="/orders/1?a=1").status_code == 200
    for changes in (
        {"htm": "DELETE"},
        {"htu": "/orders/2"},
        {"htu": "/orders/1/"},
        {"htu": "/orders/%31"},
        {"op": "cancelOrder"},
        {"iss": "ringwall:other"},
        {"exp": int(time.time()) - 60},
    ):
        assert code(send(client, ringwall_issuer, "/orders/1", **changes)) == "RW3003"


def test_a_seen_token_is_checked_against_the_request_again(client: FlaskClient) -> None:
    issuer = LocalIssuer()
    guard_of(client.application).trust(issuer.keys())
    claims: dict[str, object] = {
        "iss": "ringwall:shop",
        "aud": "orders",
        "sub": "u-1",
        "jti": "r-1",
    }
    token = issuer.internal({**claims, "op": "getOrder", "htm": "GET", "htu": "/orders/1"})
    headers = {"Ringwall-Identity": token}
    assert [client.get("/orders/1", headers=headers).status_code for _ in range(2)] == [200, 200]
    assert client.get("/orders/2", headers=headers).status_code == 401
    # Another key set: what was verified before does not count.
    guard_of(client.application).trust(LocalIssuer().keys())
    assert client.get("/orders/1", headers=headers).status_code == 401


def test_a_caller_has_the_id_of_its_request_and_not_of_its_token(client: FlaskClient) -> None:
    issuer = LocalIssuer()
    guard_of(client.application).trust(issuer.keys())
    claims = {"iss": "ringwall:shop", "aud": "orders", "sub": "u-1", "jti": "r-1"}
    token = issuer.internal({**claims, "op": "getOrder", "htm": "GET", "htu": "/orders/1"})
    seen: list[str] = []

    def note(_: object, caller: Caller, **__: object) -> None:
        seen.append(caller.request_id)

    with token_accepted.connected_to(note):
        for name in ("r-1", "r-2", "<b>", ""):
            headers = {"Ringwall-Identity": token, "Ringwall-Request": name}
            assert client.get("/orders/1", headers=headers).status_code == 200
    assert seen == ["r-1", "r-2", "r-1", "r-1"]


def test_two_identity_headers_are_refused(
    client: FlaskClient, ringwall_issuer: LocalIssuer
) -> None:
    guard_of(client.application).trust(ringwall_issuer.keys())
    token = ringwall_issuer.internal({})
    pair = [("Ringwall-Identity", token), ("Ringwall-Identity", token)]
    assert client.get("/orders/1", headers=pair).status_code == 401


def test_own_lets_out_the_callers_objects_only(client: FlaskClient, as_person: Any) -> None:  # noqa: ANN401
    person: Acting = as_person(client, sub="u-1", own=True)
    mine = person.get("/orders/1")
    assert (mine.status_code, mine.headers["Ringwall-Owner"]) == (200, "checked")
    other, missing = person.get("/orders/2"), person.get("/orders/9")
    assert (other.status_code, other.data) == (404, missing.data)
    assert "Ringwall-Owner" not in other.headers
    unstated = person.get("/orders/3")
    assert (unstated.status_code, code(unstated)) == (500, "RW3010")
    assert person.get("/orders").json == ["u-1"]
    assert person.get("/async").json == {"caller": "u-1"}


def test_a_hidden_refusal_is_still_one(client: FlaskClient, as_person: Any) -> None:  # noqa: ANN401
    answer = as_person(client, sub="u-1", own=True).get("/swallow")
    assert code(answer) == "RW3010"
    assert b"secret" not in answer.data


def test_a_view_cannot_claim_that_the_owner_was_checked(
    client: FlaskClient,
    as_person: Any,  # noqa: ANN401
) -> None:
    assert code(as_person(client, own=True).get("/claims")) == "RW3010"
    assert "Ringwall-Owner" not in as_person(client, own=False).get("/claims").headers


def test_permission_for_all_needs_no_owner(client: FlaskClient, as_person: Any) -> None:  # noqa: ANN401
    person: Acting = as_person(client, role="support", sub="u-9")
    for path in ("/orders/1", "/orders/2", "/orders/3"):
        assert person.get(path).status_code == 200


def test_a_service_owns_nothing(client: FlaskClient, as_service: Any) -> None:  # noqa: ANN401
    assert as_service(client, "payments").get("/orders/2").json["caller"] == "service:payments"
    behalf = as_service(client, "payments", sub="u-2").get("/orders/2")
    assert behalf.json["caller"] == "u-2"


def test_blueprints_and_method_views(client: FlaskClient, as_person: Any) -> None:  # noqa: ANN401
    person: Acting = as_person(client)
    assert person.get("/parcels/a/b").json == {"place": "a/b"}
    assert person.get("/items/1").json == {"item": 1}
    assert person.delete("/items/1").json == {"item": 1}
    assert person.get("/nowhere").status_code == 404


def test_an_identity_does_not_outlive_its_request(
    client: FlaskClient, ringwall_issuer: LocalIssuer
) -> None:
    with client.application.app_context():
        assert send(client, ringwall_issuer, "/orders/1").status_code == 200
        assert client.get("/orders/1").status_code == 401
        with pytest.raises(RuntimeError):
            str(current_identity.subject)
        with pytest.raises(RuntimeError):
            owns("u-1")


def test_an_app_has_one_guard(client: FlaskClient) -> None:
    with pytest.raises(RuntimeError):
        Ringwall(client.application)


def test_access_tokens_count_only_where_an_audience_is_set(tmp_path: Path) -> None:
    issuer = LocalIssuer()
    keys = tmp_path / "keys"
    keys.write_bytes(issuer.jwks())
    now = int(time.time())
    token = issuer.sign(
        {"alg": "EdDSA", "typ": "at+jwt", "kid": issuer.kid},
        {
            "iss": "https://shop.localhost",
            "aud": "orders",
            "sub": "u-1",
            "client_id": "web",
            "jti": "t-1",
            "iat": now,
            "exp": now + 60,
        },
    )
    headers = {"Authorization": f"Bearer {token}"}
    config = {"RINGWALL_ISSUER": "https://shop.localhost", "RINGWALL_ACCESS_KEYS": str(keys)}
    assert create_app(**config).test_client().get("/orders/1", headers=headers).status_code == 401
    client = create_app(**config, RINGWALL_AUDIENCE="orders").test_client()
    assert client.get("/orders/1", headers=headers).status_code == 200
    assert client.get("/orders/2", headers=headers).status_code == 404
    assert client.get("/orders/1", headers={"Authorization": "Basic eA=="}).status_code == 401


def test_signals(client: FlaskClient, as_person: Any) -> None:  # noqa: ANN401
    heard: list[object] = []

    def accepted(_: object, caller: Any) -> None:  # noqa: ANN401
        heard.append(caller.subject)

    def rejected(_: object, reason: Reason) -> None:
        heard.append(reason)

    def denied(_: object, caller: Any, why: str) -> None:  # noqa: ANN401
        heard.append((caller.subject, "not stated" in why))

    with (
        token_accepted.connected_to(accepted),
        token_rejected.connected_to(rejected),
        policy_denied.connected_to(denied),
    ):
        client.get("/orders/1")
        as_person(client, sub="u-1", own=True).get("/orders/3")
    assert heard == [Reason.ABSENT, "u-1", ("u-1", True)]


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        url = f"http://127.0.0.1:{server.server_port}/base/"
        monkeypatch.setenv("RINGWALL_OTHER_ONE_URL", url)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("other")
def test_a_call_carries_person_and_trace(client: FlaskClient, as_person: Any) -> None:  # noqa: ANN401
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    answer = as_person(client, sub="u-1").get("/call", headers={"traceparent": trace})
    assert answer.json["path"] == "/base/x?a=%C3%A4"
    assert answer.json["headers"]["traceparent"] == trace
    assert answer.json["headers"]["Ringwall-Identity"].count(".") == 2
    answer = as_person(client, sub="u-1").get("/call", headers={"traceparent": "x"})
    assert "traceparent" not in answer.json["headers"]


@pytest.mark.usefixtures("other")
def test_a_call_cannot_be_sent_elsewhere() -> None:
    session = Ringwall().session("other-one")
    for path in ("https://attacker.example/", "//attacker.example/", "orders"):
        with pytest.raises(SessionError):
            session.get(path)
    with pytest.raises(SessionError, match="callers"):
        Ringwall().session("nobody").get("/")


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///x")
    monkeypatch.setenv("STRIPE_KEY", "k")
    monkeypatch.setenv("RINGWALL_SECRETS", "orders_db=DATABASE_URL")
    assert secret("orders_db") == "sqlite:///x"
    assert secret("stripe_key") == "k"
    assert "sqlite" not in repr(secret("orders_db"))
    with pytest.raises(MissingSecretError, match="ringwall run"):
        secret("other")
