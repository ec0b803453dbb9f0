"""Two requests on one TLS connection, the second when told to (SIGUSR1)."""

import http.client
import signal
import ssl
import sys

origin, roots = sys.argv[1:]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
context = ssl.create_default_context(cafile=roots)
connection = http.client.HTTPSConnection(origin.removeprefix("https://"), context=context)
connection.connect()
socket = connection.sock
for which in ("first", "second"):
    connection.request("GET", "/books")
    reply = connection.getresponse()
    reply.read()
    assert connection.sock is socket, "another connection"
    print(which, reply.status, flush=True)
    if which == "first":
        signal.sigwait([signal.SIGUSR1])
