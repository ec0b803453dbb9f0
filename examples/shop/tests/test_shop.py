"""What the shop promises, asked as the people and services that `ringwall.toml` names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_ringwall.matrix import Case, Matrix

MANIFEST = Path(__file__).parents[1] / "ringwall.toml"
Fleet = dict[str, Flask]
NEW_USER = {"name": "Ada", "email": "ada@example.org", "address": "Rigaer Str. 1, Berlin"}
NEW_ORDER = {"article": "mug", "quantity": 2, "card": "4242424242424242"}


@pytest.fixture
def ask(fleet: Fleet, as_person: Callable[..., Any]) -> Callable[..., Any]:
    """`ask("orders", "u-1", "customer")`: a client of one service, refused as at the door."""
    matrix = Matrix.read(MANIFEST)

    def acting(service: str, sub: str, role: str | None = "customer") -> Any:
        return as_person(fleet[service].test_client(), role=role, sub=sub, matrix=matrix)

    return acting


def test_a_customer_registers_orders_pays_and_looks(ask: Callable[..., Any]) -> None:
    assert ask("users", "p-ada").post("/users", json=NEW_USER).json["id"] == "p-ada"
    order = ask("orders", "p-ada").post("/orders", json=NEW_ORDER)
    assert order.status_code == 201
    assert order.json["address"] == NEW_USER["address"]
    seen = ask("orders", "p-ada").get(f"/orders/{order.json['id']}")
    assert (seen.status_code, seen.headers["Ringwall-Owner"]) == (200, "checked")
    assert seen.json["status"] == "paid"
    assert [one["id"] for one in ask("orders", "p-ada").get("/orders").json] == [order.json["id"]]


def test_a_stranger_learns_nothing(ask: Callable[..., Any]) -> None:
    other, missing = (
        ask("orders", "p-bob").get("/orders/1001"),
        ask("orders", "p-bob").get("/orders/9"),
    )
    assert (other.status_code, other.data) == (404, missing.data)
    assert ask("users", "p-bob").get("/users/u-1001").status_code == 404
    assert ask("users", "p-bob").put("/users/u-1001", json={"name": "x"}).status_code == 404
    assert ask("orders", "p-bob").get("/orders").json == []


def test_an_order_needs_an_address_and_money(ask: Callable[..., Any]) -> None:
    assert ask("orders", "p-eve").post("/orders", json=NEW_ORDER).status_code == 409
    ask("users", "p-eve").post("/users", json=NEW_USER)
    declined = {**NEW_ORDER, "card": "4000000000000002"}
    assert ask("orders", "p-eve").post("/orders", json=declined).status_code == 402
    for wrong in ({}, [], {**NEW_ORDER, "quantity": 0}, {**NEW_ORDER, "article": "yacht"}):
        assert ask("orders", "p-eve").post("/orders", json=wrong).status_code == 400


def test_support_reads_all_and_cancels(ask: Callable[..., Any]) -> None:
    support = ask("orders", "p-sam", "support")
    assert support.get("/orders/1001").json["user_id"] == "u-1001"
    assert support.post("/orders/1001/cancel").json["status"] == "cancelled"
    assert support.post("/orders/1001/cancel").status_code == 409


def test_the_views_answer_with_more_than_they_should(ask: Callable[..., Any]) -> None:
    """What the gateway cuts, because the schemas do not have it."""
    assert "password_hash" in ask("users", "p-sam", "support").get("/users/u-1001").json
    assert "margin" in ask("orders", "p-sam", "support").get("/orders/1001").json


def test_a_webhook_is_taken_twice(fleet: Fleet, as_person: Callable[..., Any]) -> None:
    hook = as_person(fleet["payments"].test_client(), role=None)
    event = {"id": "evt_1", "type": "charge.succeeded", "data": {"object": {"order_id": 1002}}}
    for _ in range(2):
        assert hook.post("/webhooks/stripe", json=event).json == {"received": True}


PATHS = {
    "register": ("POST", "/users"),
    "listUsers": ("GET", "/users"),
    "getUser": ("GET", "/users/u-1001"),
    "updateUser": ("PUT", "/users/u-1001"),
    "createOrder": ("POST", "/orders"),
    "listOrders": ("GET", "/orders"),
    "getOrder": ("GET", "/orders/1001"),
    "cancelOrder": ("POST", "/orders/1001/cancel"),
    "markPaid": ("POST", "/orders/1001/paid"),
    "createCharge": ("POST", "/charges"),
    "refund": ("POST", "/refunds"),
}


def every_pair_holds(
    case: Case, fleet: Fleet, as_person: Callable[..., Any], as_service: Callable[..., Any]
) -> None:
    client, matrix = fleet[case.service].test_client(), Matrix.read(MANIFEST)
    if case.kind == "service":
        acting = as_service(client, case.who, matrix=matrix)
    else:
        role = None if case.who == "anyone" else case.who
        acting = as_person(client, role=role, matrix=matrix)
    method, path = PATHS[case.operation]
    answer = acting.open(path, method=method, json={})
    assert (answer.status_code == 403) != case.is_allowed
    assert answer.status_code not in (401, 500)


@pytest.mark.ringwall_matrix(MANIFEST, "users", ["register", "listUsers", "getUser", "updateUser"])
def test_users(ringwall_case: Case, fleet: Fleet, as_person: Any, as_service: Any) -> None:
    every_pair_holds(ringwall_case, fleet, as_person, as_service)


@pytest.mark.ringwall_matrix(
    MANIFEST, "orders", ["createOrder", "listOrders", "getOrder", "cancelOrder", "markPaid"]
)
def test_orders(ringwall_case: Case, fleet: Fleet, as_person: Any, as_service: Any) -> None:
    every_pair_holds(ringwall_case, fleet, as_person, as_service)


@pytest.mark.ringwall_matrix(MANIFEST, "payments", ["createCharge", "refund"])
def test_payments(ringwall_case: Case, fleet: Fleet, as_person: Any, as_service: Any) -> None:
    every_pair_holds(ringwall_case, fleet, as_person, as_service)
