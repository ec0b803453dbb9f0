"""Who the customers are, and where their parcels go."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from flask import Flask, abort, current_app, g, jsonify, request
from flask_ringwall import Ringwall, current_identity, owns
from werkzeug.exceptions import HTTPException

ringwall = Ringwall()

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT,
    address TEXT,
    password_hash TEXT
)
"""
# Left over from the time when the shop kept passwords itself. Nobody reads it any more, but the
# views below answer with whole rows, so it travels with every user.
OLD_HASH = "pbkdf2:sha256:600000$Zk1vNq0w$5b0a1f6c"
SEED = [
    ("u-1001", "Mia Weber", "mia@example.org", "+49 30 5550101", "Lindenallee 4, Berlin", OLD_HASH),
    ("u-1002", "Noah Rossi", "noah@example.org", "+39 06 5550102", "Via Appia 9, Roma", OLD_HASH),
    ("u-1003", "Lea Martin", "lea@example.org", "+33 1 5550103", "Rue Cler 12, Paris", OLD_HASH),
]
FIELDS = ("name", "email", "phone", "address")


def create_app() -> Flask:
    app = Flask(__name__)
    app.config.from_mapping(RINGWALL_SERVICE="users", DATABASE=_database())
    ringwall.init_app(app)
    with sqlite3.connect(app.config["DATABASE"]) as db:
        db.execute("BEGIN IMMEDIATE")  # Two workers may start at once.
        db.execute(SCHEMA)
        if db.execute("SELECT 1 FROM users").fetchone() is None:
            db.executemany("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)", SEED)

    @app.teardown_appcontext
    def close(_: BaseException | None) -> None:
        if "db" in g:
            g.db.close()

    @app.errorhandler(HTTPException)
    def error(found: HTTPException) -> Any:
        return jsonify(error=found.name), found.code

    @app.post("/users")
    @ringwall.operation("register")
    def register() -> Any:
        """A person who signed in registers as themself; a guest gets an id of their own."""
        values = _body()
        if not {"name", "email"} <= values.keys():
            abort(400)
        is_person = current_identity.is_person
        user_id = current_identity.subject if is_person else f"guest-{os.urandom(6).hex()}"
        try:
            _db().execute(
                "INSERT INTO users (id, name, email, phone, address) VALUES (?, ?, ?, ?, ?)",
                (user_id, *(values.get(field) for field in FIELDS)),
            )
        except sqlite3.IntegrityError:
            abort(409)
        _db().commit()
        return jsonify(id=user_id, name=values["name"]), 201

    @app.get("/users")
    @ringwall.operation("listUsers")
    @ringwall.data("pii")
    def list_users() -> Any:
        """Written for a report that nobody runs. No line of ringwall.toml grants it."""
        return jsonify([dict(row) for row in _db().execute("SELECT * FROM users ORDER BY id")])

    @app.get("/users/<user_id>")
    @ringwall.operation("getUser")
    @ringwall.data("pii")
    def get_user(user_id: str) -> Any:
        owns(user_id)
        return jsonify(_user(user_id))

    @app.put("/users/<user_id>")
    @ringwall.operation("updateUser")
    @ringwall.data("pii")
    def update_user(user_id: str) -> Any:
        owns(user_id)
        merged = {**_user(user_id), **_body()}
        _db().execute(
            "UPDATE users SET name = ?, email = ?, phone = ?, address = ? WHERE id = ?",
            (*(merged[field] for field in FIELDS), user_id),
        )
        _db().commit()
        return jsonify(_user(user_id))

    return app


def _database() -> str:
    folder = Path(os.environ.get("SHOP_DATA", Path(__file__).parent / "data"))
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder / "users.db")


def _db() -> sqlite3.Connection:
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db


def _body() -> dict[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        abort(400)
    return {field: body[field] for field in FIELDS if field in body}


def _user(user_id: str) -> dict[str, Any]:
    row = _db().execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone()
    if row is None:
        abort(404)
    return dict(row)


app = create_app()
