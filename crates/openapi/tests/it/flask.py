"""Reads requests as a Flask app does and says what it read, one JSON line for each."""

import base64
import io
import json
import sys

from flask import Request


def read(case):
    body = base64.b64decode(case["body"])
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "QUERY_STRING": case["query"],
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }
    if case["type"]:
        environ["CONTENT_TYPE"] = case["type"]
    if case["cookie"]:
        environ["HTTP_COOKIE"] = case["cookie"]
    request = Request(environ)
    values = [("args", pair) for pair in request.args.items(multi=True)]
    values += [("form", pair) for pair in request.form.items(multi=True)]
    values += [("cookie", pair) for pair in request.cookies.items(multi=True)]
    values += [("file", (name, "")) for name in request.files]
    values += [("json", pair) for pair in leaves("", request.get_json(silent=True))]
    return [[place, text(name), text(value)] for place, (name, value) in values]


def text(value):
    """A lone surrogate is no text elsewhere."""
    return (value or "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def leaves(name, value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(name, inner)
    elif value is not None:
        yield name, value if isinstance(value, str) else json.dumps(value)


for line in sys.stdin:
    print(json.dumps(read(json.loads(line))), flush=True)
