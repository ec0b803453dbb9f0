"""Takes the money through the partner, and tells `orders`. Nobody reaches it from outside."""

from __future__ import annotations

import json
import os
import sqlite3
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask import Flask, abort, current_app, g, jsonify, request
from flask_ringwall import Ringwall, SessionError
from werkzeug.exceptions import HTTPException

ringwall = Ringwall()

# `orders` waits for our answer. If the threads that serve us waited for `orders` in turn, a dozen
# customers at once would leave no thread free on either side, so others do that.
reports = ThreadPoolExecutor(2)

PARTNER_TIMEOUT_SECS = 4.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (
    id TEXT PRIMARY KEY,
    order_id INTEGER NOT NULL UNIQUE,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    last4 TEXT NOT NULL,
    status TEXT NOT NULL
)
"""
SEED = [
    ("ch_seed_1001", 1001, 2500, "eur", "4242", "succeeded"),
    ("ch_seed_1003", 1003, 7200, "eur", "1881", "succeeded"),
]


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(RINGWALL_SERVICE="payments", DATABASE=_database())
    ringwall.init_app(app)
    with sqlite3.connect(app.config["DATABASE"]) as db:
        db.execute("BEGIN IMMEDIATE")  # Two workers may start at once.
        db.execute(SCHEMA)
        if db.execute("SELECT 1 FROM charges").fetchone() is None:
            db.executemany("INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?)", SEED)

    @app.teardown_appcontext
    def close(_: BaseException | None) -> None:
        if "db" in g:
            g.db.close()

    @app.errorhandler(HTTPException)
    def error(found: HTTPException) -> Any:
        return jsonify(error=found.name), found.code

    @app.post("/charges")
    @ringwall.operation("createCharge")
    @ringwall.data("card")
    def create_charge() -> Any:
        match request.get_json():
            case {
                "order_id": int(order_id),
                "amount": int(amount),
                "currency": str(currency),
                "card": str(card),
            }:
                pass
            case _:
                abort(400)
        status, charge = _partner(
            "/v1/charges",
            {"amount": amount, "currency": currency, "card": card, "order_id": order_id},
        )
        if status == 402:
            return jsonify(error="card declined"), 402
        if status != 200:
            abort(502)
        _db().execute(
            "INSERT INTO charges VALUES (?, ?, ?, ?, ?, 'succeeded')"
            " ON CONFLICT (order_id) DO UPDATE SET id = excluded.id, status = 'succeeded'",
            (charge["id"], order_id, amount, currency, card[-4:]),
        )
        _db().commit()
        reports.submit(_mark_paid, app, order_id)
        return jsonify(_charge(order_id)), 201

    @app.post("/refunds")
    @ringwall.operation("refund")
    def refund() -> Any:
        match request.get_json():
            case {"order_id": int(order_id)}:
                charge = _charge(order_id)
            case _:
                abort(400)
        if charge["status"] == "refunded":
            abort(409)
        status, _ = _partner("/v1/refunds", {"charge": charge["id"], "order_id": order_id})
        if status != 200:
            abort(502)
        _set_status(order_id, "refunded")
        return jsonify(_charge(order_id))

    @app.post("/webhooks/stripe")
    @ringwall.operation("stripeWebhook")
    def stripe_webhook() -> Any:
        """Ringwall checked the partner's signature; this only takes note, twice if need be."""
        match request.get_json():
            case {"type": str(kind), "data": {"object": {"order_id": int(order_id)}}}:
                pass
            case _:
                abort(400)
        if kind == "charge.succeeded":
            reports.submit(_mark_paid, app, order_id)
        elif kind == "charge.refunded":
            _set_status(order_id, "refunded")
        return jsonify(received=True)

    @app.errorhandler(SessionError)
    def no_answer(_: SessionError) -> Any:
        return jsonify(error="another service did not answer"), 502

    return app


def _mark_paid(app: Flask, order_id: int) -> None:
    try:
        ringwall.session("orders").post(f"/orders/{order_id}/paid").raise_for_status()
    except SessionError as error:
        # The provider's webhook says it again.
        app.logger.warning("order %d is paid but not marked: %s", order_id, error)


def _partner(path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    url = os.environ.get("RINGWALL_STRIPE_URL") or os.environ.get(
        "STRIPE_URL", "http://127.0.0.1:5900"
    )
    sent = urllib.request.Request(
        url + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(sent, timeout=PARTNER_TIMEOUT_SECS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, {}
    except OSError:
        return 503, {}


def _database() -> str:
    folder = Path(os.environ.get("SHOP_DATA", Path(__file__).parent / "data"))
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / "payments.db")


def _db() -> sqlite3.Connection:
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db


def _charge(order_id: int) -> dict[str, Any]:
    row = _db().execute("SELECT * FROM charges WHERE order_id = ?", (order_id,)).fetchone()
    if row is None:
        abort(404)
    return dict(row)


def _set_status(order_id: int, status: str) -> None:
    _db().execute("UPDATE charges SET status = ? WHERE order_id = ?", (status, order_id))
    _db().commit()


app = create_app()
