"""CPU per Flask request: no auth, this SDK, Flask-JWT-Extended. Prints one JSON object a line.

Each contender runs the same view through the WSGI interface, without sockets: what differs is
the work of the extension. `cold` means a token that was never seen; `cached` one that was.
Rounds of the contenders are taken in turn, so that a busy machine meets all of them.

    python bench/sdk.py [--rounds 7] [--requests 2000]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required
from werkzeug.test import EnvironBuilder

from flask_ringwall import Ringwall, current_identity
from flask_ringwall.extension import guard_of
from flask_ringwall.issuer import LocalIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATH = "/orders/1"
Environ = dict[str, Any]


def plain() -> tuple[Flask, Callable[[], Iterator[Environ]]]:
    app = Flask("plain")
    app.add_url_rule("/orders/<int:order_id>", view_func=lambda order_id: jsonify(id=order_id))
    return app, lambda: _environs({})


def ringwall(*, is_cached: bool) -> tuple[Flask, Callable[[], Iterator[Environ]]]:
    app = Flask("ringwall")
    app.config.from_mapping(RINGWALL_SERVICE="orders", RINGWALL_NAME="shop")
    Ringwall(app)
    issuer = LocalIssuer()
    guard_of(app).trust(issuer.keys())

    def view(order_id: int) -> object:
        return jsonify(id=order_id, subject=current_identity.subject)

    app.add_url_rule("/orders/<int:order_id>", "getOrder", view)  # type: ignore[arg-type]

    def token() -> str:
        claims: dict[str, object] = {"iss": "ringwall:shop", "aud": "orders", "sub": "u-1"}
        claims |= {"op": "getOrder", "own": False, "htm": "GET", "htu": PATH}
        return issuer.internal({**claims, "name": "ada", "roles": ["customer"]})

    return app, lambda: _tokens("HTTP_RINGWALL_IDENTITY", token, is_cached)


def jwt_extended() -> tuple[Flask, Callable[[], Iterator[Environ]]]:
    app = Flask("jwt_extended")
    key = Ed25519PrivateKey.generate()
    encoding = serialization.Encoding.PEM
    app.config["JWT_ALGORITHM"] = "EdDSA"
    app.config["JWT_PRIVATE_KEY"] = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    app.config["JWT_PUBLIC_KEY"] = key.public_key().public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    JWTManager(app)

    def view(order_id: int) -> object:
        return jsonify(id=order_id, subject=get_jwt_identity())

    app.add_url_rule("/orders/<int:order_id>", "getOrder", jwt_required()(view))

    def token() -> str:
        with app.app_context():
            claims = {"name": "ada", "roles": ["customer"], "aud": "orders"}
            return f"Bearer {create_access_token('u-1', additional_claims=claims)}"

    app.config["JWT_DECODE_AUDIENCE"] = "orders"
    return app, lambda: _tokens("HTTP_AUTHORIZATION", token, is_same=True)


def _tokens(name: str, token: Callable[[], str], is_same: bool) -> Iterator[Environ]:
    same = token()
    while True:
        yield from _environs({name: same if is_same else token()}, count=1)


def _environs(extra: Environ, count: int | None = None) -> Iterator[Environ]:
    base = EnvironBuilder(PATH).get_environ()
    while count is None or count > 0:
        yield {**base, **extra}
        count = None if count is None else count - 1


def measure(app: Flask, environs: Iterator[Environ], requests: int) -> float:
    """Microseconds of CPU per request. The requests are made before the clock runs."""
    prepared = [next(environs) for _ in range(requests)]
    statuses: list[str] = []

    def start_response(status: str, _headers: object, _error: object = None) -> Callable[..., None]:
        statuses.append(status)
        return lambda _: None

    started = time.process_time()
    for environ in prepared:
        for _ in app(environ, start_response):
            pass
    spent = time.process_time() - started
    assert statuses == ["200 OK"] * requests, set(statuses)
    return spent / requests * 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--requests", type=int, default=2000)
    chosen = options.parse_args()
    contenders = {
        "flask, no auth": plain(),
        "flask-ringwall, cold": ringwall(is_cached=False),
        "flask-ringwall, cached": ringwall(is_cached=True),
        "flask-jwt-extended, EdDSA": jwt_extended(),
    }
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(chosen.rounds + 1):
        for name, (app, environs) in contenders.items():
            found[name].append(measure(app, environs(), chosen.requests))
    for name, values in found.items():
        # The first round warms up.
        counted = values[1:]
        line = {
            "bench": "sdk",
            "contender": name,
            "unit": "us_cpu",
            "median": round(statistics.median(counted), 1),
            "min": round(min(counted), 1),
            "max": round(max(counted), 1),
            "n": len(counted),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
