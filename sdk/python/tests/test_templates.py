"""Templates and views that write unescaped text are found before the app starts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from flask_ringwall import Ringwall, UnsafeTemplateError, check_templates
from flask_ringwall.templates import find_unescaped

if TYPE_CHECKING:
    from pathlib import Path


def app_with(tmp_path: Path, **templates: str) -> Flask:
    folder = tmp_path / "templates"
    folder.mkdir(exist_ok=True)
    for name, text in templates.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    app = Flask("shop_under_test", root_path=str(tmp_path))
    Ringwall(app)
    return app


def found(app: Flask) -> list[str]:
    return [f"{finding.line}: {finding.what.split(':')[0]}" for finding in find_unescaped(app)]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("<p>{{ a }}</p>", []),
        ("<p>\n{{ a|safe }}</p>", ["2: `|safe`"]),
        ("{{ a|safe }} {# ringwall: safe, made by us #}", []),
        ("{% autoescape false %}{{ a }}{% endautoescape %}", ["1: `autoescape` is off"]),
        ("{% autoescape true %}{{ a }}{% endautoescape %}", []),
        ("<script>var a = {{ a }};</script>", ["1: in a script"]),
        ("<script>var a = {{ a|tojson }};</script>{{ b }}", []),
        ("<script>var a = {{ json_script(a) }};</script>", []),
        ("<script src=/x.js></script>\n{{ a }}", []),
        ("<input value={{ a }}>", ["1: an attribute without quotes"]),
        ("<input value=\"{{ a }}\" name='{{ b }}'>", []),
        ("<p>a = {{ a }}</p>", []),
        ("{% if %}", ["1: cannot be read"]),
    ],
)
def test_each_way_out_of_escaping_is_found(tmp_path: Path, text: str, want: list[str]) -> None:
    assert found(app_with(tmp_path, page__html=text)) == want


def test_a_page_under_a_name_that_is_not_escaped_is_found(tmp_path: Path) -> None:
    app = app_with(tmp_path, page__j2="<p>{{ a }}</p>", mail__txt="Dear {{ a }}, 1 < 2")
    [finding] = list(find_unescaped(app))
    assert finding.file.endswith("page.j2")


def test_an_app_that_turned_escaping_off_is_found(tmp_path: Path) -> None:
    app = app_with(tmp_path, page__html="<p>{{ a }}</p>")
    app.jinja_env.autoescape = False
    assert len(found(app)) == 1


def test_markup_of_what_came_in_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "views_under_test.py").write_text(
        "from flask import render_template_string, request\n"
        "from markupsafe import Markup\n\n\n"
        "def hello():\n"
        "    return Markup(f'<b>{request.args}</b>')\n\n\n"
        "def bye():\n"
        "    return render_template_string(request.args['t']) + Markup('<hr>')\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "views_under_test", raising=False)
    import views_under_test  # type: ignore[import-not-found]

    app = app_with(tmp_path)
    app.add_url_rule("/", "hello", views_under_test.hello)
    lines = [finding.line for finding in find_unescaped(app)]
    assert lines == [6, 10]


def test_the_app_does_not_start(tmp_path: Path) -> None:
    check_templates(app_with(tmp_path, page__html="{{ a }}"))
    app = app_with(tmp_path, page__html="{{ a|safe }}")
    with pytest.raises(UnsafeTemplateError, match=r"page\.html:1: `\|safe`"):
        check_templates(app)


def test_the_command_says_where(tmp_path: Path) -> None:
    app = app_with(tmp_path, page__html="{{ a|safe }}")
    run = CliRunner().invoke(FlaskGroup(create_app=lambda: app), ["ringwall", "templates"])
    assert run.exit_code == 1
    assert "page.html:1:" in run.output
    app = app_with(tmp_path, page__html="{{ a }}")
    run = CliRunner().invoke(FlaskGroup(create_app=lambda: app), ["ringwall", "templates"])
    assert (run.exit_code, run.output) == (0, "everything is escaped\n")
