"""The fleet in one process: calls between services go through the manifest, as they do live."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_ringwall import Answer, Session, current_identity
from flask_ringwall.matrix import Matrix

SHOP = Path(__file__).parents[1]
MANIFEST = SHOP / "ringwall.toml"
sys.path.insert(0, str(SHOP))


@pytest.fixture
def partner(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from partner.__main__ import Provider

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        monkeypatch.setenv("STRIPE_URL", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def fleet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_service: Callable[..., Any], partner: None
) -> dict[str, Flask]:
    monkeypatch.setenv("SHOP_DATA", str(tmp_path))
    monkeypatch.setenv("RINGWALL_NAME", "shop")
    apps = {name: _load(name) for name in ("users", "orders", "payments")}
    matrix = Matrix.read(MANIFEST)

    def request(self: Session, method: str, path: str, *, json: object = None) -> Answer:
        from flask import current_app

        callee = apps[self._service].test_client()
        caller = current_app.config["RINGWALL_SERVICE"]
        person = current_identity.subject if current_identity.is_person else None
        acting = as_service(callee, caller, sub=person, matrix=matrix)
        answer = acting.open(path, method=method, json=json)
        return Answer(answer.status_code, answer.headers, answer.data)

    monkeypatch.setattr(Session, "request", request)
    return apps


def _load(name: str) -> Flask:
    spec = importlib.util.spec_from_file_location(f"{name}_app", SHOP / name / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app
