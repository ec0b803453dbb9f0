"""A client of a WebSocket by `websockets` that says how it ended."""

import socket
import sys

import websockets.exceptions
import websockets.sync.client

stream = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
stream.settimeout(None)
fields = [field.split(": ", 1) for field in sys.argv[2:]]
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
