"""A service without a sidecar, behind its own verifier: … ORIGIN ROOTS CLIENT_ID CLIENT_SECRET.

Fetches the issuer's keys, follows what is revoked, and says how often it asked about that, and which
of the questions had another answer than the one before.
"""

import os
import sys

try:
    from flask import Flask
    from flask_ringwall import Ringwall, current_identity, feed, owns
except ModuleNotFoundError as error:
    sys.exit(print(f"missing {error.name}"))
from wsgiref.simple_server import WSGIRequestHandler, make_server

origin, roots, client_id, client_secret = sys.argv[1:]
# What Python's TLS trusts, when it is asked for the first time.
os.environ["SSL_CERT_FILE"] = roots
app = Flask("orders")
app.config.update(
    RINGWALL_SERVICE="orders",
    RINGWALL_ISSUER=origin,
    RINGWALL_AUDIENCE=origin,
    RINGWALL_REVOCATIONS=f"{origin}/oauth/revocations",
    RINGWALL_CLIENT_ID=client_id,
    RINGWALL_CLIENT_SECRET=client_secret,
)
Ringwall(app)
asked, changes = 0, []
look = feed.Follower.look


def counted(self):
    global asked
    before = self._known and self._known[0].tag
    look(self)
    asked += 1
    if (self._known and self._known[0].tag) != before:
        changes.append(asked)


feed.Follower.look = counted


@app.get("/")
def home():
    owns(current_identity.subject)
    return "in"


def count(environ, start):
    """Beside the app: nobody has to be let in to learn how often it asked."""
    if environ["PATH_INFO"] != "/-/asked":
        return app(environ, start)
    start("200 OK", [("Content-Type", "text/plain")])
    return [" ".join(map(str, [asked, *changes])).encode()]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


assert feed.ASK_SECS + feed.TIMEOUT_SECS < 5, "a pause and a slow answer are no five seconds"
with make_server("127.0.0.1", 0, count, handler_class=Quiet) as server:
    print(f"port {server.server_port}", flush=True)
    server.serve_forever()
