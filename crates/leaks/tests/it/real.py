"""Prints what real programs print when they fail: name, detector, base64 of the text, one a line."""

import base64
import html
import http.server
import io
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import traceback
import urllib.request


def say(name, detector, text):
    """Prints one line.

    Args:
        name: what made the text.
        detector: who has to find something in it; empty: nobody may.
        text: the text itself, as `str` or `bytes`.
    """
    data = text if isinstance(text, bytes) else text.encode()
    print(name, detector, base64.b64encode(data).decode(), sep="\t")


def fail():
    """Fails, two calls deep."""
    return (lambda: {}["missing"])()


def python():
    """Tracebacks of Python as text, in HTML and in JSON."""
    try:
        fail()
    except KeyError:
        text = traceback.format_exc()
    say("python", "stack-trace", text)
    say("python in JSON", "stack-trace", json.dumps({"error": text}))
    say("python in HTML", "stack-trace", f"<pre>{html.escape(text)}</pre>")
    say("the first line alone", "", "Traceback (most recent call last) is what Python prints first.")


def sqlite():
    """Errors of SQLite, bare and as a driver's traceback names them."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE people (name TEXT UNIQUE)")
    base.execute("INSERT INTO people VALUES ('ada')")
    for sql in (
        "SELECT * FROM nobody",
        "SELECT nothing FROM people",
        "SELEC 1",
        "INSERT INTO people VALUES ('ada')",
        "SELECT 'it",
        "SELECT * FROM people WHERE name = 'a'b'",
    ):
        try:
            base.execute(sql)
        except sqlite3.Error as error:
            say(f"sqlite: {sql}", "sql-error", str(error))
            say(f"sqlite in JSON: {sql}", "sql-error", json.dumps({"error": str(error)}))
            last = traceback.format_exc().strip().splitlines()[-1]
            say(f"sqlite, named: {sql}", "sql-error", last)


def listing():
    """What `python -m http.server` says of a folder."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "backup.sql").write_text("x")

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=folder)

            def log_message(self, *args):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/") as answer:
            say("http.server", "listing", answer.read())
        server.shutdown()


def werkzeug():
    """The page of Werkzeug's debugger, with its console and without."""
    try:
        from werkzeug.debug import DebuggedApplication
        from werkzeug.test import Client
    except ImportError:
        print("NOT RUN: Werkzeug is not installed", file=sys.stderr)
        return

    def app(_environ, _start):
        return fail()

    for evalex in (True, False):
        errors = io.StringIO()
        client = Client(DebuggedApplication(app, evalex=evalex))
        answer = client.get("/", errors_stream=errors)
        say(f"werkzeug, console {evalex}", "stack-trace", answer.get_data())


def other(name, program, arguments, wanted="stack-trace"):
    """What another language prints.

    Args:
        name: of the language.
        program: its command.
        arguments: what makes it fail.
        wanted: who has to find something.
    """
    if shutil.which(program) is None:
        print(f"NOT RUN: {program} is not installed", file=sys.stderr)
        return
    done = subprocess.run([program, *arguments], capture_output=True, check=False)
    text = done.stderr.decode()
    say(name, wanted, text)
    say(f"{name} in JSON", wanted, json.dumps({"stack": text}))


def others():
    """Node, Rust and Java, as far as they are here."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        script = path / "app.js"
        script.write_text("function f() { null.x }\nf()\n")
        other("node", "node", [str(script)])
        rust = path / "app.rs"
        rust.write_text('fn main() { let v: Vec<u8> = vec![]; println!("{}", v[std::env::args().count()]); }')
        if shutil.which("rustc") is not None:
            subprocess.run(
                ["rustc", "-o", str(path / "app"), str(rust)], check=True, capture_output=True
            )
            other("rust", str(path / "app"), [])
        java = path / "App.java"
        java.write_text("public class App { public static void main(String[] a) { Object o = null; o.hashCode(); } }")
        made = shutil.which("javac") and subprocess.run(["javac", str(java)], check=False).returncode
        if made == 0:
            other("java", "java", ["-cp", folder, "App"])
        else:
            print("NOT RUN: javac is not installed", file=sys.stderr)


for one in (python, sqlite, listing, werkzeug, others):
    one()
