"""Looks through an app's templates and views for text that reaches a page unescaped.

Nothing is rendered. What is right all the same says why on its line:
``{{ body|safe }} {# ringwall: safe, sanitised by nh3 #}``.
"""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError, nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

#: Stands on the line of what is right all the same.
EXCUSE = "ringwall: safe"

_TAG = re.compile(r"<(?:!doctype|html|body|div|p|a|script|span|table|form|input|h[1-6])\b", re.I)
_SCRIPT = re.compile(r"<(/?)script\b[^>]*(?:>|$)", re.I)
_UNQUOTED = re.compile(r"<[A-Za-z][^<>]*=\s*[^\s\"'<>=]*$")
_IN_JSON = frozenset({"tojson", "json_script"})


@dataclass(frozen=True, order=True)
class Finding:
    """One place where a text reaches a page as it is."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class UnsafeTemplateError(RuntimeError):
    """Templates or views write unescaped text."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


def check_templates(app: Flask) -> None:
    """Refuses to start an app that writes unescaped text. Call it last in ``create_app``."""
    if findings := sorted(set(find_unescaped(app))):
        raise UnsafeTemplateError(findings)


def find_unescaped(app: Flask) -> Iterator[Finding]:
    """Everything that is not escaped in templates, and texts of unknown origin in views."""
    env = app.jinja_env
    for name in env.list_templates():
        if env.loader is None:
            return
        try:
            source, file, _ = env.loader.get_source(env, name)
        except UnicodeDecodeError:  # A picture beside the templates.
            continue
        lines = source.splitlines()
        for line, what in _of_template(app, name, source):
            if not _is_excused(lines, line):
                yield Finding(file or name, line, what)
    for path in sorted(_sources(app)):
        yield from _of_source(path)


def _of_template(app: Flask, name: str, source: str) -> Iterator[tuple[int, str]]:
    env = app.jinja_env
    escapes = env.autoescape(name) if callable(env.autoescape) else env.autoescape
    try:
        tree = env.parse(source, name)
    except TemplateSyntaxError as error:
        yield error.lineno, f"cannot be read: {error.message}"
        return
    has_output = next(tree.find_all(nodes.Output), None) is not None
    if not escapes and has_output and _TAG.search(source):
        yield 1, "a page whose name does not end in .html: nothing in it is escaped"
    for found in tree.find_all(nodes.Filter):
        if found.name == "safe":
            yield found.lineno, "`|safe`: the text is not escaped"
    for block in tree.find_all((nodes.ScopedEvalContextModifier, nodes.EvalContextModifier)):
        for option in block.options:
            if option.key == "autoescape" and not _is_true(option.value):
                yield option.value.lineno or block.lineno, "`autoescape` is off"
    yield from _places(tree)


def _places(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Where escaping for HTML does not help: scripts, and attributes without quotes."""
    is_script, before = False, ""
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                before = (before + node.data)[-2000:]
                for tag in _SCRIPT.finditer(node.data):
                    is_script = tag[1] == ""
                continue
            if isinstance(node, nodes.Const):
                continue
            if is_script and not _is_json(node):
                yield node.lineno, "in a script: write `{{ json_script(…) }}` or `|tojson`"
            elif _UNQUOTED.search(before):
                yield node.lineno, "an attribute without quotes: a blank begins another one"
            before += "x"


def _is_json(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.Filter):
        return node.name in _IN_JSON
    is_call = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name)
    return is_call and node.node.name in _IN_JSON  # type: ignore[attr-defined]


def _is_true(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and node.value is True


def _sources(app: Flask) -> set[Path]:
    """The files of the app's views; not those of packages that are installed beside it."""
    root = Path(app.root_path).resolve()
    found = set()
    for view in app.view_functions.values():
        try:
            path = Path(inspect.getsourcefile(inspect.unwrap(view)) or "").resolve()
        except TypeError:  # Built in, or made by a class.
            continue
        if path.is_file() and path.is_relative_to(root):
            found.add(path)
    return found


def _of_source(path: Path) -> Iterator[Finding]:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in ("Markup", "render_template_string"):
            continue
        if not isinstance(node.args[0], ast.Constant) and not _is_excused(lines, node.lineno):
            yield Finding(str(path), node.lineno, f"`{name}` of a text that is no constant")


def _is_excused(lines: list[str], line: int) -> bool:
    return 0 < line <= len(lines) and EXCUSE in lines[line - 1]
