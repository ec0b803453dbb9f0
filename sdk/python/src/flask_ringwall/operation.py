"""Facts about a view: its operation name and the data it handles. Never a permission."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.routing import Rule

View = TypeVar("View", bound="Callable[..., Any]")

_OPERATION = "__ringwall_operation__"
_DATA = "__ringwall_data__"
# OPTIONS and HEAD come with GET in Flask; nobody grants them by name.
_IMPLIED_METHODS = frozenset({"HEAD", "OPTIONS"})
# `<converter(arguments):name>`, as werkzeug spells a variable part.
_VARIABLE = re.compile(r"<(?:(?P<converter>[A-Za-z_]\w*)(?:\([^>]*\))?:)?(?P<name>[A-Za-z_]\w*)>")


@dataclass(frozen=True)
class Route:
    """One method on one path."""

    operation: str
    method: str
    #: In OpenAPI form: ``/orders/{order_id}``; ``{rest*}`` takes the remaining segments.
    path: str
    endpoint: str
    data: tuple[str, ...]
    #: Name and werkzeug converter of each variable part, in order.
    variables: tuple[tuple[str, str], ...]


def operation(name: str) -> Callable[[View], View]:
    """Names the operation of a view, where it is not the endpoint's name."""

    def mark(view: View) -> View:
        setattr(view, _OPERATION, name)
        return view

    return mark


def data(*classes: str) -> Callable[[View], View]:
    """Says which data classes of the manifest a view answers with."""

    def mark(view: View) -> View:
        setattr(view, _DATA, classes)
        return view

    return mark


def declared_operation(app: Flask, endpoint: str | None, method: str) -> str | None:
    """The name given by :func:`operation`, if the view has one."""
    name = getattr(_view(app, endpoint, method), _OPERATION, None)
    return name if isinstance(name, str) else None


def routes(app: Flask) -> list[Route]:
    """All routes of the app in the order of paths; its static files are left out.

    Names are unique, and as Ringwall reads them from the source: the first method of an endpoint
    (GET, if it has one) has the plain name, the others ``endpoint.post``; a second rule for one
    endpoint gets a number.
    """
    found: list[Route] = []
    taken: set[str] = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static" or rule.endpoint.endswith(".static"):
            continue
        methods = sorted(
            (rule.methods or set()) - _IMPLIED_METHODS, key=lambda method: (method != "GET", method)
        )
        for method in methods:
            plain = declared_operation(app, rule.endpoint, method) or (
                rule.endpoint if method == methods[0] else f"{rule.endpoint}.{method.lower()}"
            )
            name, number = plain, 2
            while name in taken:
                name, number = f"{plain}.{number}", number + 1
            taken.add(name)
            found.append(_route(app, rule, method, name))
    return sorted(found, key=lambda route: (route.path, route.method))


def _route(app: Flask, rule: Rule, method: str, name: str) -> Route:
    return Route(
        operation=name,
        method=method,
        path=_VARIABLE.sub(_parameter, rule.rule),
        endpoint=rule.endpoint,
        data=getattr(_view(app, rule.endpoint, method), _DATA, ()),
        variables=tuple(
            (part["name"], part["converter"] or "default") for part in _VARIABLE.finditer(rule.rule)
        ),
    )


def _parameter(part: re.Match[str]) -> str:
    return "{" + part["name"] + ("*" if part["converter"] == "path" else "") + "}"


def _view(app: Flask, endpoint: str | None, method: str) -> object:
    view = app.view_functions.get(endpoint or "")
    # `MethodView.as_view` makes one function for the class; the facts are on its methods.
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        name = "get" if method == "HEAD" and not hasattr(view_class, "head") else method.lower()
        return getattr(view_class, name, view)
    return view
