"""Sends files and queries as real programs make them: prints a name, what is wanted and what came, a line each."""

import gzip
import io
import json
import sys
import tarfile
import zipfile

try:
    import graphql
    import requests
    from PIL import Image
except ImportError as missing:
    print(f"NOT RUN: {missing.name} is not installed", file=sys.stderr)
    sys.exit(0)

BASE = f"http://127.0.0.1:{sys.argv[1]}"
HOST = {"host": "shop.localhost:8443"}


def case(name, want, method, path, **how):
    how["headers"] = {**HOST, **how.get("headers", {})}
    answer = requests.request(method, BASE + path, timeout=30, **how)
    code = ""
    if answer.headers.get("content-type") == "application/problem+json":
        code = answer.json()["code"]
    print("\t".join([name, want, f"{answer.status_code} {code}".strip()]))


def image(kind):
    out = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(out, kind)
    return out.getvalue()


def zipped(*entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def photo(*files):
    return {"files": [("photo", file) for file in files]}


def put(name, want, *files):
    case(name, want, "PUT", "/photo", **photo(*files))


def document(name, want, data, media_type="application/zip", file_name="a.zip"):
    case(name, want, "POST", "/document", files={"file": (file_name, data, media_type)})


FINE = "200"
FORM, SIZE, TYPE = "400 RW3020", "413 RW3020", "415 RW3020"
PNG, JPEG, GIF = image("PNG"), image("JPEG"), image("GIF")
BOMB = b"\0" * 9_000_000


def lines():
    """Where the manifest has a line."""
    put("a photo", FINE, ("a.png", PNG, "image/png"))
    put("two photos", FINE, ("a.png", PNG, "image/png"), ("ü b.jpg", JPEG, "image/jpeg"))
    put("three photos", SIZE, *[("a.png", PNG, "image/png")] * 3)
    put("another kind", TYPE, ("a.gif", GIF, "image/gif"))
    put("another kind than its type", TYPE, ("a.png", GIF, "image/png"))
    put("another kind than its name", TYPE, ("a.jpg", PNG, "image/png"))
    put("too large", SIZE, ("a.png", PNG[:-12] + b"\0\x01\x86\xa0teXt" + b"a" * 100_004 + PNG[-12:], "image/png"))
    put("a program behind a photo", FORM, ("a.png", PNG + b"<?php system($_GET['a']); ?>", "image/png"))
    put("a name that servers run", TYPE, ("a.php", PNG, "image/png"))
    put("a name that climbs", FORM, ("..%2fa.png", PNG, "image/png"))
    case("the photo is the body", FINE, "PUT", "/photo", data=PNG, headers={"content-type": "image/png"})
    case("the page is the body", TYPE, "PUT", "/photo", data=b"<html><p>", headers={"content-type": "image/png"})
    case("a body without a type", TYPE, "PUT", "/photo", data=b"<html><p>")
    case("a message is no photo", TYPE, "PUT", "/photo", json={"a": 1})
    case("a packed photo", FINE, "PUT", "/photo", data=gzip.compress(PNG), headers={"content-type": "image/png", "content-encoding": "gzip"})
    case("a packed page", TYPE, "PUT", "/photo", data=gzip.compress(b"<html>"), headers={"content-type": "image/png", "content-encoding": "gzip"})
    case("in pieces", FINE, "PUT", "/photo", data=iter([PNG[:100], PNG[100:]]), headers={"content-type": "image/png"})
    case("a page in pieces", TYPE, "PUT", "/photo", data=iter([b"<ht", b"ml>"]), headers={"content-type": "image/png"})
    document("an archive", FINE, zipped(("a.txt", "text"), ("b/c.txt", "more")))
    document("a tar archive", FINE, tarred(("a.txt", b"text")), "application/gzip", "a.tar.gz")
    document("six entries", SIZE, zipped(*[(f"{number}.txt", "a") for number in range(6)]))
    document("an archive in an archive", FORM, zipped(("a.zip", zipped(("b", "c")))))
    document("a bomb", SIZE, zipped(("a", BOMB)))
    document("a bomb in a tar archive", SIZE, tarred(("a", BOMB)), "application/gzip", "a.tgz")
    document("a climbing entry", FORM, zipped(("../../etc/cron.d/a", "text")))
    document("macros", FORM, zipped(("word/vbaProject.bin", "text")))
    document("a document that starts a script", FORM, b"%PDF-1.7\n<< /S /JavaScript /JS (a) >>", "application/pdf", "a.pdf")
    case("a drawing with a script", FINE, "POST", "/drawing", files={"file": ("a.svg", b"<svg><script>1</script></svg>", "image/svg+xml")})
    case("a drawing with entities", FORM, "POST", "/drawing", files={"file": ("a.svg", b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>", "image/svg+xml")})
    case("a message where a line is for all", FINE, "POST", "/other", json={"a": 1})
    case("a form where a line is for all", FINE, "POST", "/other", data={"a": "1"})
    case("a file where a line is for all", FINE, "POST", "/other", files={"file": ("a.txt", b"text", "text/plain")})
    case("a page where a line is for all", TYPE, "POST", "/other", files={"file": ("a.html", b"<html>", "text/html")})
    case("nothing", FINE, "POST", "/other")


def ask(name, want, query, **more):
    text = graphql.print_ast(graphql.parse(query))
    case(name, want, "POST", "/graphql", json={"query": text, **more})


def queries():
    ask("a query", FINE, "query A($id: ID!) { user(id: $id) { name posts(first: 10) { title } } }", operationName="A", variables={"id": 1})
    ask("a change", FINE, "mutation { rename(id: 1, name: \"x\") { id } }")
    ask("too deep", FORM, "{ a { b { c { d { e { f } } } } } }")
    ask("too many objects", FORM, "{ users(first: 100) { posts(first: 100) { title } } }")
    ask("too many objects by a variable", FORM, "query($n: Int) { users(first: $n) { name } }", variables={"n": 5000})
    ask("too many objects by a count of its own", FORM, "{ users(howMany: 5000) { name } }")
    ask("too many aliases", FORM, "{ " + " ".join(f"a{n}: login(code: {n})" for n in range(8)) + " }")
    ask("a question for the schema", FORM, graphql.get_introspection_query())
    ask("a fragment that contains itself", FORM, "{ ...f } fragment f on T { a ...f }")
    ask("a member that GraphQL has not", FORM, "{ a }", id="sha256:1")
    two = [{"query": "{ a }"}, {"query": "{ b }"}]
    case("a list of two", FINE, "POST", "/graphql", json=two)
    case("a list of three", FORM, "POST", "/graphql", json=[*two, {"query": "{ c }"}])
    case("no query", FORM, "POST", "/graphql", json={})
    case("no body", FORM, "POST", "/graphql")
    case("no JSON", FORM, "POST", "/graphql", data=b"{", headers={"content-type": "application/json"})
    twice = b'{"query": "{ a }", "query": "{ __schema { types { name } } }"}'
    case("a member twice", FORM, "POST", "/graphql", data=twice, headers={"content-type": "application/json"})
    case("the text alone", FINE, "POST", "/graphql", data=b"{ a }", headers={"content-type": "application/graphql"})
    case("a text of another type", FORM, "POST", "/graphql", data=b"{ a }", headers={"content-type": "text/plain"})
    case("a query in the address and in the body", FORM, "POST", "/graphql?query={b}", json={"query": "{ a }"})
    case("by GET", FINE, "GET", "/graphql", params={"query": "{ a }", "variables": json.dumps({"a": 1})})
    case("a change by GET", FORM, "GET", "/graphql", params={"query": "mutation { a }"})
    case("too deep by GET", FORM, "GET", "/graphql", params={"query": "{ a { b { c { d { e { f } } } } } }"})
    case("a query that only the server knows", FORM, "GET", "/graphql", params={"extensions": json.dumps({"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}})})
    case("an upgrade", FORM, "GET", "/graphql", headers={"connection": "upgrade", "upgrade": "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13"})


def watched():
    """Where the manifest has no line and the firewall looks."""
    def free(name, want, data, media_type):
        case(name, want, "POST", "/free", data=data, headers={"content-type": media_type})

    free("a photo", FINE, PNG, "image/png")
    free("another kind than its type", FINE, GIF, "image/png")
    free("an archive", FINE, zipped(("a.txt", "text")), "application/zip")
    free("a bomb", SIZE, zipped(("a", BOMB)), "application/zip")
    free("a bomb that is a file", SIZE, gzip.compress(BOMB), "application/octet-stream")
    free("a page that says it is a photo", TYPE, b"<html><script>1</script>", "image/png")
    free("a program behind a photo", FORM, PNG + b"<?php system($_GET['a']); ?>", "image/png")
    free("an XML bomb", FORM, b"<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'>]><a>&c;</a>", "application/xml")
    free("a JSON bomb", FORM, b"[" * 1_000 + b"]" * 1_000, "application/json")
    free("JSON", FINE, b'{"a": [[[1]]]}', "application/json")
    free("a page", FINE, b"<html>", "text/html")
    case("a form with a bomb", SIZE, "POST", "/free", files={"f": ("a.zip", zipped(("a", BOMB)), "application/zip")})
    case("a form with a drawing", FINE, "POST", "/free", files={"f": ("a.svg", b"<svg><script>1</script></svg>", "image/svg+xml")})


{"lines": lines, "queries": queries, "watched": watched}[sys.argv[2]]()
