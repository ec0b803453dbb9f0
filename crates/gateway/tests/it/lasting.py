"""A WebSocket by `websockets`: an echo behind the gateway, and a client that says how it ended."""

import socket
import sys

try:
    import websockets.exceptions
    import websockets.sync.client
    import websockets.sync.server
except ImportError:
    print("missing", flush=True)
    sys.exit(0)


def echo(connection):
    for message in connection:
        connection.send(message)


if sys.argv[1] == "server":
    with websockets.sync.server.serve(echo, "127.0.0.1", 0) as server:
        print("port", server.socket.getsockname()[1], flush=True)
        server.serve_forever()

stream = socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=20)
stream.settimeout(None)
fields = [field.split(": ", 1) for field in sys.argv[3:]]
with websockets.sync.client.connect(
    "ws://shop.localhost:8443/chat",
    sock=stream,
    additional_headers=fields,
    origin="https://shop.localhost:8443",
    ping_interval=None,
) as connection:
    for text in ("hello", "x" * 100_000):
        connection.send(text)
        assert connection.recv(timeout=20) == text
    print("open", flush=True)
    try:
        connection.recv(timeout=20)
    except websockets.exceptions.ConnectionClosed as ended:
        print("closed", ended.rcvd.code if ended.rcvd else None, flush=True)
