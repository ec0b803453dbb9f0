"""What the customers buy. Asks `users` where to send it and `payments` for the money."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from flask import Flask, abort, current_app, g, jsonify, request
from flask_ringwall import (
    MissingSecretError,
    Ringwall,
    SessionError,
    current_identity,
    owns,
    owns_all,
    secret,
)
from werkzeug.exceptions import HTTPException

ringwall = Ringwall()

# Price in cents by article.
PRICES = {"mug": 1250, "poster": 1890, "shirt": 2400, "sticker": 150}
CURRENCY = "eur"
QUANTITY_MAX = 100

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    article TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    address TEXT,
    status TEXT NOT NULL,
    margin INTEGER NOT NULL
)
"""
SEED = [
    (1001, "u-1001", "mug", 2, 2500, "Lindenallee 4, Berlin", "paid", 900),
    (1002, "u-1001", "poster", 1, 1890, "Lindenallee 4, Berlin", "pending", 1100),
    (1003, "u-1002", "shirt", 3, 7200, "Via Appia 9, Roma", "paid", 2700),
    (1004, "u-1003", "sticker", 10, 1500, "Rue Cler 12, Paris", "cancelled", 1200),
]


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(RINGWALL_SERVICE="orders", DATABASE=_database())
    ringwall.init_app(app)
    with sqlite3.connect(app.config["DATABASE"]) as db:
        db.execute("BEGIN IMMEDIATE")  # Two workers may start at once.
        db.execute(SCHEMA)
        if db.execute("SELECT 1 FROM orders").fetchone() is None:
            db.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)", SEED)

    @app.teardown_appcontext
    def close(_: BaseException | None) -> None:
        if "db" in g:
            g.db.close()

    @app.errorhandler(HTTPException)
    def error(found: HTTPException) -> Any:
        return jsonify(error=found.name), found.code

    @app.post("/orders")
    @ringwall.operation("createOrder")
    def create_order() -> Any:
        article, quantity, card = _body()
        amount = PRICES[article] * quantity
        user = ringwall.session("users").get(f"/users/{current_identity.subject}")
        if user.status_code == 404:
            return jsonify(error="register first"), 409
        user.raise_for_status()
        cursor = _db().execute(
            "INSERT INTO orders (user_id, article, quantity, amount, address, status, margin)"
            " VALUES (?, ?, ?, ?, ?, 'pending', ?)",
            (
                current_identity.subject,
                article,
                quantity,
                amount,
                user.json()["address"],
                amount // 3,
            ),
        )
        # Before the charge: `payments` reports back on this row.
        _db().commit()
        order_id = cursor.lastrowid or 0
        charge = ringwall.session("payments").post(
            "/charges",
            json={"order_id": order_id, "amount": amount, "currency": CURRENCY, "card": card},
        )
        if charge.status_code == 402:
            _set_status(order_id, "cancelled")
            return jsonify(error="card declined"), 402
        # Pending until `payments` says that the money has come, which is a moment later.
        return jsonify(_order(order_id)), 201

    @app.get("/orders")
    @ringwall.operation("listOrders")
    @ringwall.data("pii")
    def list_orders() -> Any:
        rows = _db().execute(
            "SELECT * FROM orders WHERE user_id = ? ORDER BY id", (current_identity.subject,)
        )
        orders = [dict(row) for row in rows]
        owns_all(order["user_id"] for order in orders)
        return jsonify(orders)

    @app.get("/orders/<int:order_id>")
    @ringwall.operation("getOrder")
    @ringwall.data("pii")
    def get_order(order_id: int) -> Any:
        order = _order(order_id)
        owns(order["user_id"])  # 404 for a stranger
        return jsonify(order)

    @app.post("/orders/<int:order_id>/cancel")
    @ringwall.operation("cancelOrder")
    @ringwall.data("pii")
    def cancel_order(order_id: int) -> Any:
        order = _order(order_id)
        if order["status"] == "cancelled":
            abort(409)
        if order["status"] == "paid":
            ringwall.session("payments").post(
                "/refunds", json={"order_id": order_id}
            ).raise_for_status()
        _set_status(order_id, "cancelled")
        return jsonify(_order(order_id))

    @app.post("/orders/<int:order_id>/paid")
    @ringwall.operation("markPaid")
    def mark_paid(order_id: int) -> Any:
        if _order(order_id)["status"] == "cancelled":
            abort(409)
        _set_status(order_id, "paid")
        return jsonify(id=order_id, status="paid")

    @app.errorhandler(SessionError)
    def no_answer(_: SessionError) -> Any:
        return jsonify(error="another service did not answer"), 502

    return app


def _database() -> str:
    try:
        url = secret("orders_db")
    except MissingSecretError:
        url = None
    if url is not None:
        if not url.startswith("sqlite:///"):
            raise RuntimeError("orders_db is not a sqlite:/// address")
        file = Path(__file__).parent / url.removeprefix("sqlite:///")
    else:
        file = Path(os.environ.get("SHOP_DATA", Path(__file__).parent / "data")) / "orders.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    return str(file)


def _db() -> sqlite3.Connection:
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db


def _body() -> tuple[str, int, str]:
    body = request.get_json()
    match body:
        case {"article": str(article), "quantity": int(quantity), "card": str(card)}:
            if article in PRICES and 0 < quantity <= QUANTITY_MAX:
                return article, quantity, card
    abort(400)


def _order(order_id: int) -> dict[str, Any]:
    row = _db().execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        abort(404)
    return dict(row)


def _set_status(order_id: int, status: str) -> None:
    _db().execute("UPDATE orders SET status = ? WHERE id = ?", (status, order_id))
    _db().commit()


app = create_app()
