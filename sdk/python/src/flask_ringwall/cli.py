"""``flask ringwall routes|openapi|check``: the exact list of what the app offers."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import AppGroup

from flask_ringwall.operation import Route, routes
from flask_ringwall.templates import find_unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator

group = AppGroup("ringwall", help="What this app offers, for ringwall.toml.")

# Werkzeug's converters as OpenAPI schemas; a converter of the app's own is text.
_SCHEMAS: dict[str, dict[str, object]] = {
    "float": {"type": "number"},
    "int": {"type": "integer", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
}
_METHODS = frozenset({"delete", "get", "head", "options", "patch", "post", "put", "trace"})


@group.command("routes")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def show_routes(form: str) -> None:
    """Lists every operation with its method and path."""
    found = list(routes(current_app))
    if form == "json":
        rows = [
            {
                "operation": route.operation,
                "method": route.method,
                "path": route.path,
                "endpoint": route.endpoint,
                "data": list(route.data),
            }
            for route in found
        ]
        click.echo(json.dumps({"routes": rows}, indent=2))
        return
    width = max((len(route.operation) for route in found), default=0)
    for route in found:
        classes = f"  data: {', '.join(route.data)}" if route.data else ""
        click.echo(f"{route.operation:<{width}}  {route.method:<6}  {route.path}{classes}")


@group.command("openapi")
def show_openapi() -> None:
    """Writes a skeleton of an OpenAPI 3.0.3 file; schemas are yours to add."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes(current_app):
        entry: dict[str, object] = {
            "operationId": route.operation,
            "responses": {"default": {"description": "To be described."}},
        }
        if route.variables:
            entry["parameters"] = [
                {
                    "name": name,
                    "in": "path",
                    "required": True,
                    "schema": _SCHEMAS.get(converter, {"type": "string"}),
                }
                for name, converter in route.variables
            ]
        if route.data:
            entry["x-ringwall-data"] = list(route.data)
        # OpenAPI has no parameter over several segments; its name is kept.
        paths.setdefault(route.path.replace("*}", "}"), {})[route.method.lower()] = entry
    document = {
        "openapi": "3.0.3",
        "info": {"title": current_app.name, "version": "0"},
        "paths": paths,
    }
    click.echo(json.dumps(document, indent=2))


@group.command("templates")
def show_templates() -> None:
    """Says where templates and views write unescaped text; ends with 1 where they do."""
    findings = sorted(set(find_unescaped(current_app)))
    for finding in findings:
        click.echo(str(finding))
    if findings:
        raise SystemExit(1)
    click.echo("everything is escaped")


@group.command("check")
@click.option("--openapi", "file", type=click.Path(exists=True, dir_okay=False), required=True)
def check(file: str) -> None:
    """Compares the app with its OpenAPI file; ends with 1 where they differ."""
    declared = dict(_declared(Path(file)))
    offered = {(route.method, _shape(route.path)): route for route in routes(current_app)}
    differences = [
        f"{method} {path}: in {file} but not in the app"
        for (method, path) in sorted(declared.keys() - offered.keys())
    ]
    for key, route in sorted(offered.items(), key=lambda item: item[0]):
        differences.extend(_differences(route, key in declared, declared.get(key), file))
    for difference in differences:
        click.echo(difference)
    if differences:
        raise SystemExit(1)
    click.echo(f"{len(offered)} operations, as in {file}")


def _differences(route: Route, is_declared: bool, name: str | None, file: str) -> Iterator[str]:
    if not is_declared:
        yield f"{route.method} {route.path}: in the app but not in {file}"
    elif name is None:
        yield f"{route.method} {route.path}: no operationId in {file}"
    elif name != route.operation:
        yield (
            f"{route.method} {route.path}: `{name}` in {file}, `{route.operation}` in the app; "
            f'write @operation("{name}") on the view'
        )


def _declared(file: Path) -> Iterator[tuple[tuple[str, str], str | None]]:
    document = _read(file)
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        raise click.ClickException(f"{file}: no `paths`, so not an OpenAPI file")
    for path, item in paths.items():
        for method, entry in item.items() if isinstance(item, dict) else ():
            if method in _METHODS and isinstance(entry, dict):
                yield (method.upper(), _shape(str(path))), entry.get("operationId")


def _read(file: Path) -> object:
    text = file.read_text(encoding="utf-8")
    try:
        if file.suffix == ".json":
            return json.loads(text)
        # Not a dependency: most projects with YAML files have a reader already.
        return importlib.import_module("yaml").safe_load(text)
    except ImportError as error:
        raise click.ClickException(f"{file}: install PyYAML to read it, or give JSON") from error
    except Exception as error:  # A reader's own errors have no common base.
        raise click.ClickException(f"{file}: {error}") from error


def _shape(path: str) -> str:
    """The path without the names of its variable parts: they may differ, the path does not."""
    return "/".join("{}" if "{" in segment else segment for segment in path.split("/"))
