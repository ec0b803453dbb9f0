"""pytest fixtures: call the app in process as a person or as a service.

A local issuer signs the tokens that a gateway would sign; the app verifies them as always.
With a matrix, requests that the manifest forbids are answered 403 before they reach the app,
and ``:own`` is set as the manifest says, so that a test sees what a client would see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from werkzeug.routing import RequestRedirect

from flask_ringwall import problem
from flask_ringwall.extension import IDENTITY_HEADER, guard_of
from flask_ringwall.matrix import Case, Matrix
from flask_ringwall.operation import routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from flask_ringwall.issuer import LocalIssuer

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


class Acting:
    """A test client that acts as somebody."""

    def __init__(
        self,
        client: FlaskClient,
        issuer: LocalIssuer,
        claims: dict[str, object],
        matrix: Matrix | None,
        own: bool | None,
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._claims = claims
        self._matrix = matrix
        self._own = own
        guard_of(client.application).trust(issuer.keys())

    def open(self, path: str, *, method: str = "GET", **options: Any) -> TestResponse:  # noqa: ANN401
        """Sends one request with a token made for it."""
        app = self._client.application
        name = _operation(app, method, path)
        own = bool(self._own)
        if self._matrix is not None:
            case = self._decide(app, name)
            is_alone = str(self._claims["sub"]).startswith("service:")
            if not case.is_allowed or (case.on_behalf and is_alone):
                return _forbidden(self._client)
            own = case.own if self._own is None else self._own
        settings = guard_of(app).settings
        token = self._issuer.internal(
            {
                "iss": f"ringwall:{settings.name}",
                "aud": settings.service,
                **self._claims,
                "op": name,
                "own": own,
                "htm": method,
                "htu": path.partition("?")[0],
            }
        )
        headers = {**options.pop("headers", {}), IDENTITY_HEADER: token}
        return self._client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401
        """Sends a GET."""
        return self.open(path, method="GET", **options)

    def post(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401
        """Sends a POST."""
        return self.open(path, method="POST", **options)

    def put(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401
        """Sends a PUT."""
        return self.open(path, method="PUT", **options)

    def patch(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401
        """Sends a PATCH."""
        return self.open(path, method="PATCH", **options)

    def delete(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401
        """Sends a DELETE."""
        return self.open(path, method="DELETE", **options)

    def _decide(self, app: Flask, operation: str) -> Case:
        matrix = cast("Matrix", self._matrix)
        service = guard_of(app).settings.service
        act = self._claims.get("act")
        if isinstance(act, dict):
            caller = str(act["sub"]).removeprefix("service:")
            return matrix.decide("service", [caller], service, operation)
        roles = cast("list[str]", self._claims.get("roles", []))
        return matrix.decide("person", roles, service, operation)


@pytest.fixture(scope="session")
def ringwall_issuer() -> LocalIssuer:
    """Signs identity tokens with a key that lives as long as the test session."""
    from flask_ringwall.issuer import LocalIssuer

    return LocalIssuer()


@pytest.fixture
def as_person(ringwall_issuer: LocalIssuer) -> Callable[..., Acting]:
    """``as_person(client, role="customer", sub="u-1")``: a client of that person.

    ``role=None`` and no ``sub`` is somebody who did not sign in.
    """

    def make(
        client: FlaskClient,
        *,
        role: str | Iterable[str] | None = "customer",
        sub: str | None = None,
        name: str | None = None,
        organisation: str | None = None,
        own: bool | None = None,
        matrix: Matrix | None = None,
    ) -> Acting:
        roles = [role] if isinstance(role, str) else list(role or [])
        subject = sub or ("person-1" if roles else "anonymous")
        claims: dict[str, object] = {"sub": subject, "roles": roles}
        if name is not None:
            claims["name"] = name
        if organisation is not None:
            claims["tenant"] = organisation
        return Acting(client, ringwall_issuer, claims, matrix, own)

    return make


@pytest.fixture
def as_service(ringwall_issuer: LocalIssuer) -> Callable[..., Acting]:
    """``as_service(client, "orders")``; with ``sub``, on behalf of that person."""

    def make(
        client: FlaskClient,
        service: str,
        *,
        sub: str | None = None,
        matrix: Matrix | None = None,
    ) -> Acting:
        actor = f"service:{service}"
        claims: dict[str, object] = {"sub": sub or actor, "act": {"sub": actor}}
        return Acting(client, ringwall_issuer, claims, matrix, own=None)

    return make


@pytest.fixture
def ringwall_matrix() -> Callable[[str], Matrix]:
    """``ringwall_matrix("ringwall.toml")``: the grants of a manifest."""
    return Matrix.read


def pytest_configure(config: pytest.Config) -> None:
    """Names the marker."""
    config.addinivalue_line(
        "markers",
        "ringwall_matrix(path, service, operations=None): run once per allowed and forbidden "
        "pair, given as `ringwall_case`",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes one test of each pair for a test that asks for ``ringwall_case``."""
    if "ringwall_case" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("ringwall_matrix")
    if marker is None:
        raise pytest.UsageError("`ringwall_case` needs @pytest.mark.ringwall_matrix(path, service)")
    path, service, *rest = marker.args
    matrix = Matrix.read(path)
    operations = rest[0] if rest else marker.kwargs.get("operations")
    cases = matrix.cases(service, operations or matrix.operations(service))
    metafunc.parametrize("ringwall_case", list(cases), ids=str)


def _operation(app: Flask, method: str, path: str) -> str:
    """The operation that a gateway would find for the request."""
    adapter = app.url_map.bind("localhost")
    try:
        endpoint, _ = adapter.match(path.partition("?")[0], method=method)
    except RequestRedirect:
        return "redirect"
    except Exception:  # No such path or method: the app's own answer is what the test wants.
        return "unknown"
    asked = "GET" if method == "HEAD" else method
    for route in routes(app):
        if route.endpoint == endpoint and route.method == asked:
            return route.operation
    return str(endpoint)


def _forbidden(client: FlaskClient) -> TestResponse:
    """The answer of a gateway."""
    from werkzeug.test import TestResponse, create_environ, run_wsgi_app

    answer = problem.response(problem.NOT_ALLOWED, request_id=None)
    environ = create_environ()
    iterable, status, headers = run_wsgi_app(answer, environ)
    response_class = client.response_wrapper or TestResponse
    from werkzeug.wrappers import Request

    return response_class(iterable, status, headers, request=Request(environ))
