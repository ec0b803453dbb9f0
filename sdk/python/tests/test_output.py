"""What an app writes, with texts of somebody who wants more."""

from __future__ import annotations

import csv
import io
import json
import logging
from html.parser import HTMLParser

import pytest
from flask import Flask, render_template_string
from werkzeug.http import parse_options_header

from flask_ringwall import Ringwall
from flask_ringwall.output import (
    INVALID_URL,
    UnsafeOutputError,
    attachment,
    csv_cell,
    header_value,
    json_attribute,
    json_script,
    log_value,
    safe_url,
)

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "\u2028alert(1)\u2029",
    "' onmouseover='alert(1)",
    '" onmouseover="alert(1)',
    "&lt;b&gt;&#39;",
    "\\u003c",
    "\x00\x1b[31m",
]


class Page(HTMLParser):
    """What a browser would see: elements, attributes, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_json_in_a_page_is_data_and_nothing_else(text: str) -> None:
    app = Flask(__name__)
    Ringwall(app)
    with app.test_request_context():
        template = (
            "<script type='application/json'>{{ json_script({'a': text}) }}</script>"
            '<p data-x="{{ json_attribute({"a": text}) }}">'
        )
        page = Page(render_template_string(template, text=text))  # ringwall: safe
    assert page.tags == ["script", "p"]
    assert json.loads(page.text) == {"a": text}
    assert [name for name, _ in page.attributes] == ["type", "data-x"]
    assert json.loads(page.attributes[1][1] or "") == {"a": text}
    assert not set("<>&'\u2028\u2029") & set(str(json_script(text)))
    assert "<" not in json_attribute(text)


def test_numbers_that_are_no_json_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_script(float("nan"))


@pytest.mark.parametrize("text", ["a\r\nset-cookie: x=1", "a\nb", "a\rb", "\x00", "\x7f", "💥"])
def test_a_field_of_the_head_has_one_line(text: str) -> None:
    with pytest.raises(UnsafeOutputError):
        header_value(text)
    assert header_value(" plain\tvalue ü ") == "plain\tvalue ü"


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("bill.pdf", "bill.pdf", None),
        ("Rechnung März.pdf", "Rechnung Marz.pdf", "Rechnung März.pdf"),
        ('a"; x="b.html', "a__ x=_b.html", 'a"; x="b.html'),
        ("..\\..\\etc/passwd", "passwd", None),
        ("a\r\nX: y.txt", "aX: y.txt", None),
        ("\u202etxt.exe", "txt.exe", None),
        ("%41.txt", "_41.txt", "%41.txt"),
        ("请", "download", "请"),
        ("...", "download", None),
    ],
)
def test_a_download_has_the_name_that_it_was_given(name: str, plain: str, full: str | None) -> None:
    value = header_value(attachment(name))
    assert "\r" not in value
    kind, options = parse_options_header(value)
    assert kind == "attachment"
    assert f'filename="{plain}"' in value
    assert options["filename"] == (full or plain)
    with pytest.raises(UnsafeOutputError):
        attachment(name, "attachment; x=y")


def test_a_value_is_one_line_of_a_log(caplog: pytest.LogCaptureFixture) -> None:
    text = "a\r\n2026 INFO admin signed in\x1b[2J\u202e\u2028\x9b\\n\ud800"
    with caplog.at_level(logging.INFO):
        logging.getLogger("shop").info("name=%s", log_value(text))
    line = caplog.messages[0]
    assert line.isascii()
    assert line.splitlines() == [line]
    assert line == ("name=a\\r\\n2026 INFO admin signed in\\x1b[2J\\u202e\\u2028\\x9b\\\\n\\ud800")
    assert log_value("Größe 5") == "Größe 5"
    assert log_value("x" * 2000) == "x" * 1000 + "…"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "java\tscript\r:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "blob:https://a/b",
        "//evil.example/x",
        "\\\\evil.example",
        "/\\evil.example",
        "/\t/evil.example",
    ],
)
def test_an_address_that_runs_or_leaves_is_not_written(url: str) -> None:
    assert safe_url(url) == INVALID_URL


@pytest.mark.parametrize("url", ["/orders?a=b:c", "https://a.example/", "mailto:a@b.de", "#x", ""])
def test_an_address_stays(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\x00=1"],  # noqa: RUF001
)
def test_a_cell_is_no_formula(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([csv_cell(text)])
    read = next(csv.reader(io.StringIO(out.getvalue(), newline="")))[0]
    assert read.startswith("'")


@pytest.mark.parametrize("value", ["-12.5", "+49", "1e-3", "plain", "a=b", "", 7, -7, None, 1.5])
def test_a_cell_that_is_harmless_stays(value: object) -> None:
    assert csv_cell(value) == value
