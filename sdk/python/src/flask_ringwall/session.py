"""Calls to other services, under this service's identity and for the person in hand.

The call goes to this service's own outbound door (``RINGWALL_<NAME>_URL``), which adds mutual
TLS. Only the standard library is used and no connection is kept, so that there is nothing to
share over a fork.
"""

from __future__ import annotations

import http.client
import json as json_module
import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from werkzeug.datastructures import Headers

from flask_ringwall import state

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECS = 30.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024


class SessionError(Exception):
    """The call did not get an answer."""


@dataclass(frozen=True)
class Answer:
    """The answer of another service."""

    status_code: int
    headers: Headers
    content: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """The body as JSON."""
        return json_module.loads(self.content)

    def raise_for_status(self) -> None:
        """Raises :class:`SessionError` for a status of 400 or more."""
        if not self.ok:
            raise SessionError(f"the service answered {self.status_code}")


class Session:
    """A door to one other service."""

    def __init__(self, service: str, timeout_secs: float = TIMEOUT_SECS) -> None:
        self._service = service
        self._timeout_secs = timeout_secs

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends one request to a path of the service. Redirects are answers, not followed."""
        if not path.startswith("/") or path.startswith("//"):
            # An absolute URL would carry the person's identity to somewhere else.
            raise SessionError("a path begins with one `/`")
        sent = {"Accept": "application/json", **(headers or {}), **_passed_along()}
        if json is not None:
            data = json_module.dumps(json).encode()
            sent["Content-Type"] = "application/json"
        connection, prefix = self._connect()
        target = prefix + path + ("?" + urlencode(params) if params else "")
        try:
            connection.request(method, target, body=data, headers=sent)
            received = connection.getresponse()
            content = received.read(ANSWER_BYTES_MAX + 1)
            answered = Answer(received.status, Headers(received.getheaders()), content)
        except (OSError, http.client.HTTPException) as error:
            raise SessionError(f"`{self._service}` gave no answer") from error
        finally:
            connection.close()
        if len(content) > ANSWER_BYTES_MAX:
            raise SessionError(f"`{self._service}` answered with too many bytes")
        return answered

    def get(self, path: str, **options: Any) -> Answer:  # noqa: ANN401 - as in `request`
        """Sends a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:  # noqa: ANN401
        """Sends a POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:  # noqa: ANN401
        """Sends a PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:  # noqa: ANN401
        """Sends a PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:  # noqa: ANN401
        """Sends a DELETE."""
        return self.request("DELETE", path, **options)

    def _connect(self) -> tuple[http.client.HTTPConnection, str]:
        variable = f"RINGWALL_{self._service.upper().replace('-', '_')}_URL"
        url = os.environ.get(variable)
        if url is None:
            raise SessionError(
                f"no {variable}: does `callers` of `{self._service}` list this service?"
            )
        parts = urlsplit(url)
        if parts.hostname is None or parts.scheme not in ("http", "https"):
            raise SessionError(f"{variable} is not an HTTP address")
        prefix = parts.path.rstrip("/")
        if parts.scheme == "https":
            secure = http.client.HTTPSConnection(
                parts.hostname,
                parts.port,
                timeout=self._timeout_secs,
                context=ssl.create_default_context(),
            )
            return secure, prefix
        plain = http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._timeout_secs)
        return plain, prefix


def _passed_along() -> dict[str, str]:
    """The person and the trace. Set last, so that a view cannot replace them by mistake."""
    current = state.current()
    if current is None:
        return {}
    passed = {}
    if current.token is not None:
        passed["Ringwall-Identity"] = current.token
    if current.traceparent is not None:
        passed["traceparent"] = current.traceparent
    return passed
