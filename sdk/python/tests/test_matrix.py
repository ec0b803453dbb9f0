"""The permission matrix in process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from shop import create_app

from flask_ringwall.matrix import Case, Matrix

if TYPE_CHECKING:
    from collections.abc import Callable

MANIFEST = Path(__file__).parent / "matrix.toml"
EXPORT = Path(__file__).parent / "matrix.json"


@pytest.mark.ringwall_matrix(MANIFEST, "orders")
def test_every_pair_is_as_the_manifest_says(
    ringwall_case: Case,
    as_person: Any,  # noqa: ANN401
    as_service: Any,  # noqa: ANN401
) -> None:
    client, matrix = create_app().test_client(), Matrix.read(MANIFEST)
    if ringwall_case.kind == "service":
        acting = as_service(client, ringwall_case.who, matrix=matrix)
    else:
        role = None if ringwall_case.who == "anyone" else ringwall_case.who
        acting = as_person(client, role=role, sub="u-1", matrix=matrix)
    path = {"getOrder": "/orders/2", "list_orders": "/orders", "claims": "/claims"}
    answer = acting.get(path[ringwall_case.operation])
    if not ringwall_case.is_allowed:
        assert answer.status_code == 403
        assert answer.json["code"] == "RW3001"
    elif ringwall_case.operation == "getOrder" and ringwall_case.own:
        assert answer.status_code == 404
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize("file", [MANIFEST, EXPORT])
def test_decisions(file: Path, ringwall_matrix: Callable[[Path], Matrix]) -> None:
    matrix = ringwall_matrix(file)

    def decide(kind: str, *who: str, operation: str = "getOrder") -> tuple[bool, bool]:
        case = matrix.decide(kind, who, "orders", operation)
        return case.is_allowed, case.own

    assert decide("person") == (False, False)
    assert decide("person", operation="claims") == (True, False)
    assert decide("person", "customer") == (True, True)
    assert decide("person", "admin") == (True, False)
    # The widest grant wins.
    assert decide("person", "customer", "support") == (True, False)
    assert decide("service", "payments") == (True, False)
    assert decide("service", "support") == (False, False)
    assert decide("person", "payments") == (False, False)


def test_the_export_has_what_the_manifest_has() -> None:
    left, right = Matrix.read(MANIFEST), Matrix.read(EXPORT)
    operations = left.operations("orders")
    assert operations == right.operations("orders")
    assert list(left.cases("orders", operations)) == list(right.cases("orders", operations))
