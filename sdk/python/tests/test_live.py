"""Real gunicorn processes, real HTTP: each kind of worker, with and without `--preload`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from flask_ringwall.issuer import LocalIssuer

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
# A started interpreter under load on a small machine.
START_SECS_MAX = 30
WORKERS = ["sync", "gthread", "gevent"]


class Served:
    """An app under gunicorn, and the issuer that it trusts."""

    def __init__(self, url: str, keys: Path, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self.keys = keys
        self.process = process
        self.issuer = LocalIssuer()
        self.publish()

    def publish(self) -> None:
        """Writes the keys as a sidecar does: atomically."""
        new = self.keys.with_suffix(".new")
        new.write_bytes(self.issuer.jwks())
        new.rename(self.keys)

    def get(self, path: str, *, own: bool = True, sub: str = "u-1") -> requests.Response:
        token = self.issuer.internal(
            {
                "iss": "ringwall:shop",
                "aud": "orders",
                "sub": sub,
                "op": "getOrder",
                "own": own,
                "htm": "GET",
                "htu": path,
            }
        )
        headers = {"Ringwall-Identity": token}
        return requests.get(self.url + path, headers=headers, timeout=10)


@pytest.fixture(params=[f"{worker}{flag}" for worker in WORKERS for flag in ("", " --preload")])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    # The socket is ours and already listening, so that no port is guessed.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        keys = tmp_path / "keys.json"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--worker-class", *request.param.split()),
                *("--workers", "2", "--threads", "4" if "gthread" in request.param else "1"),
                *("--max-requests", "40", "--graceful-timeout", "3", "--log-level", "info"),
                *("--bind", f"fd://{listener.fileno()}", "shop:create_app()"),
            ],
            cwd=HERE,
            env={**os.environ, "RINGWALL_KEYS": str(keys)},
            pass_fds=[listener.fileno()],
        )
        port = listener.getsockname()[1]
        try:
            yield Served(f"http://127.0.0.1:{port}", keys, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_SECS_MAX)


def test_an_app_under_gunicorn_holds_its_rules(served: Served) -> None:
    assert requests.get(served.url + "/orders/1", timeout=START_SECS_MAX).status_code == 401

    def ask(number: int) -> tuple[int, str | None]:
        answer = served.get(f"/orders/{1 + number % 3}")
        return answer.status_code, answer.headers.get("Ringwall-Owner")

    # Enough for both workers, and for workers that are replaced while requests run.
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(120)))
    expected = [(200, "checked"), (404, None), (500, None)]
    assert found == [expected[number % 3] for number in range(120)]
    assert served.get("/orders/2", own=False).json()["caller"] == "u-1"

    # A rotation reaches every worker within its second.
    served.issuer = LocalIssuer()
    served.publish()
    deadline = time.monotonic() + 10
    good = 0
    while good < 10:
        assert time.monotonic() < deadline
        good = good + 1 if served.get("/orders/1").status_code == 200 else 0
    assert served.process.poll() is None


def test_importing_the_package_starts_nothing() -> None:
    script = (
        "import threading, os\n"
        "import shop\n"
        "app = shop.create_app()\n"
        "assert threading.active_count() == 1\n"
        "kinds = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{n}')]\n"
        "assert not [kind for kind in kinds if kind.startswith('socket:')], kinds\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=HERE, check=True, stdin=subprocess.DEVNULL)
