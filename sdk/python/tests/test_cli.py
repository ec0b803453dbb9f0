"""`flask ringwall routes|openapi|check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner
from flask.cli import FlaskGroup
from shop import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(*words: str) -> Result:
    # As the `flask` command does it: the commands come from the entry point.
    return CliRunner().invoke(FlaskGroup(create_app=create_app), ["ringwall", *words])


def test_routes_lists_every_operation() -> None:
    rows = json.loads(run("routes", "--format", "json").output)["routes"]
    found = {row["operation"]: (row["method"], row["path"]) for row in rows}
    assert found["getOrder"] == ("GET", "/orders/{order_id}")
    assert found["parcels.find"] == ("GET", "/parcels/{place*}")
    assert found["getItem"] == ("GET", "/items/{item_id}")
    assert found["item.delete"] == ("DELETE", "/items/{item_id}")
    assert "static" not in found
    table = run("routes").output
    assert "getOrder      GET     /orders/{order_id}  data: pii, card" in table


def test_a_skeleton_agrees_with_its_app(tmp_path: Path) -> None:
    skeleton = json.loads(run("openapi").output)
    assert skeleton["openapi"] == "3.0.3"
    order = skeleton["paths"]["/orders/{order_id}"]["get"]
    assert order["operationId"] == "getOrder"
    assert order["parameters"][0]["schema"] == {"type": "integer", "minimum": 0}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(skeleton))
    assert run("check", "--openapi", str(file)).exit_code == 0


def test_drift_is_found_either_way(tmp_path: Path) -> None:
    skeleton = json.loads(run("openapi").output)
    paths = skeleton["paths"]
    paths["/orders/{order_id}"]["get"]["operationId"] = "readOrder"
    paths["/ghost"] = {"get": {"operationId": "ghost"}}
    del paths["/async"]
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(skeleton))
    result = run("check", "--openapi", str(file))
    assert result.exit_code == 1
    assert '@operation("readOrder")' in result.output
    assert "GET /ghost: in" in result.output
    assert "GET /async: in the app but not in" in result.output


def test_a_file_that_is_not_openapi_is_an_error_not_a_trace(tmp_path: Path) -> None:
    for text in ("[]", "{", "{}"):
        file = tmp_path / "openapi.json"
        file.write_text(text)
        result = run("check", "--openapi", str(file))
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
