"""The fleet in one process: calls between services go through the manifest, as they do live."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
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
    modules = {name: _load(name) for name in ("users", "orders", "payments")}
    apps = {name: module.app for name, module in modules.items()}
    matrix = Matrix.read(MANIFEST)
    for name, module in modules.items():
        door = partial(Door, apps=apps, caller=name, matrix=matrix, as_service=as_service)
        monkeypatch.setattr(module.ringwall, "session", door)
    monkeypatch.setattr(modules["payments"], "reports", AtOnce())
    return apps


class AtOnce:
    """Does at once what the service does in the background."""

    def submit(self, function: Callable[..., None], *values: object) -> None:
        function(*values)


class Door(Session):
    """A service's door to another one, without the wire."""

    def __init__(
        self,
        service: str,
        *,
        apps: dict[str, Flask],
        caller: str,
        matrix: Matrix,
        as_service: Callable[..., Any],
    ) -> None:
        super().__init__(service)
        self._acting = as_service(
            apps[service].test_client(),
            caller,
            sub=current_identity.subject if current_identity.is_person else None,
            matrix=matrix,
        )

    def request(self, method: str, path: str, **options: Any) -> Answer:
        answer = self._acting.open(path, method=method, **options)
        return Answer(answer.status_code, answer.headers, answer.data)


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_app", SHOP / name / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
