"""What an app writes: JSON in pages, fields of heads, lines of logs, addresses, cells of tables.

Jinja escapes for the text of a page and for quoted attributes. Each function here is for a place
where that is not enough.
"""

from __future__ import annotations

import json
import re
import unicodedata
from urllib.parse import quote

from markupsafe import Markup

#: What an address becomes that would run a script; browsers go nowhere with it.
INVALID_URL = "about:invalid"
# Longer values say no more and fill disks.
LOG_CHARACTERS_MAX = 1000

# In a script element, `</script>` ends it and `<!--` begins a state of its own; U+2028 and U+2029
# end lines in JavaScript older than ES2019.
_IN_SCRIPT = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&'\u2028\u2029"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# What browsers drop from an address before they read it (WHATWG URL, "basic URL parser").
_DROPPED = re.compile(r"[\t\n\r]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?%?", re.ASCII)
_FIELD = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class UnsafeOutputError(ValueError):
    """A value that cannot stand where it was to be written."""


def json_script(value: object) -> Markup:
    """The value as JSON that can stand in a ``<script>`` element."""
    return Markup(_json(value))  # noqa: S704 -- nothing of HTML is left in it


def json_attribute(value: object) -> Markup:
    """The value as JSON for a quoted attribute: ``<div data-cart="{{ json_attribute(x) }}">``."""
    return Markup.escape(_json(value))


def header_value(value: str) -> str:
    """The value of a field, or an error: a line break would begin a field of the sender's own."""
    if _FIELD.fullmatch(value) is None:
        raise UnsafeOutputError("a field of the head holds one line of Latin-1")
    return value.strip(" \t")


def attachment(filename: str, disposition: str = "attachment") -> str:
    """``Content-Disposition`` for a download of any name (RFC 6266, RFC 8187)."""
    if disposition not in ("attachment", "inline"):
        raise UnsafeOutputError("`attachment` or `inline`")
    # Only a name: what is before a separator would be a folder to some clients.
    name = re.split(r"[\\/]", filename)[-1]
    name = "".join(letter for letter in name if _is_shown(letter)).strip(" .") or "download"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    # `%` too: some browsers decode it in the quoted form.
    plain = re.sub(r'["\\%;]', "_", plain).strip(" .") or "download"
    if plain == name:
        return f'{disposition}; filename="{plain}"'
    encoded = quote(name, safe="!#$&+.^_`|~-")
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def log_value(value: object, limit: int = LOG_CHARACTERS_MAX) -> str:
    """The value as one line of a log: no further line, no colours, no text that runs backwards."""
    text = str(value)
    shown = "".join(
        letter if _is_shown(letter) and letter != "\\" else _escaped(letter)
        for letter in text[:limit]
    )
    return f"{shown}…" if len(text) > limit else shown


def safe_url(url: str, schemes: tuple[str, ...] = ("http", "https", "mailto", "tel")) -> str:
    """The address, if following it runs no script; else :data:`INVALID_URL`."""
    # As a browser reads it: no control characters or blanks around, none of three within.
    read = _DROPPED.sub("", url.strip("".join(map(chr, range(0x21)))))
    scheme = _SCHEME.match(read)
    if scheme is not None:
        is_safe = scheme[1].lower() in schemes
    else:
        # What stands before a colon and is no scheme is a path; `//` is another host.
        is_safe = not re.match(r"[\\/]{2}", read)
    return read if is_safe else INVALID_URL


def csv_cell(value: object) -> object:
    """The cell of a table that spreadsheets take for a text, whatever it begins with."""
    if not isinstance(value, str):
        return value
    text = value.replace("\x00", "")
    begins = text.lstrip(" \t\r\n\ufeff\u00a0")[:1]
    is_formula = begins != "" and begins in "=+-@\uff1d\uff0b\uff0d\uff20|%"
    is_blank_first = text[:1] in ("\t", "\r", "\n")
    if (is_formula or is_blank_first) and _NUMBER.fullmatch(text) is None:
        return f"'{text}"
    return text


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).translate(_IN_SCRIPT)


def _is_shown(letter: str) -> bool:
    # Controls, formats (right-to-left marks), surrogates, line and paragraph separators.
    return unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(letter: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}.get(letter)
    if named is not None:
        return named
    code = ord(letter)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
