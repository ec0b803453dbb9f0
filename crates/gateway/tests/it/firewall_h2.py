"""A client of HTTP/2 by `h2` that sends requests of a file, one a line, and says their statuses."""

import json
import socket
import sys

try:
    import h2.config
    import h2.connection
    import h2.events
except ImportError:
    print("missing", flush=True)
    sys.exit()

stream = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30)
# What is sent is written here as it is, also what no client should send.
config = h2.config.H2Configuration(
    header_encoding=None,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
    split_outbound_cookies=False,
)
connection = h2.connection.H2Connection(config)
connection.initiate_connection()
stream.sendall(connection.data_to_send())


def answer(number):
    status, body = "none", b""
    while True:
        data = stream.recv(65536)
        if not data:
            return "closed", body
        for event in connection.receive_data(data):
            if getattr(event, "stream_id", None) != number:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                status = dict(event.headers)[b":status"].decode()
            if isinstance(event, h2.events.DataReceived):
                body += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, number)
                if b"first" in body:
                    return status, body
            if isinstance(event, h2.events.StreamEnded):
                return status, body
            if isinstance(event, h2.events.StreamReset):
                return "reset", body
        stream.sendall(connection.data_to_send())


for asked in json.loads(sys.argv[2]):
    number = connection.get_next_available_stream_id()
    fields = [(":method", asked.get("method", "GET")), (":scheme", "https")]
    if asked.get("authority", True):
        fields.append((":authority", "shop.localhost:8443"))
    fields.append((":path", asked["path"]))
    fields += [tuple(field) for field in asked.get("fields", [])]
    parts = asked.get("body", [])
    trailers = asked.get("trailers")
    connection.send_headers(number, fields, end_stream=not parts)
    for at, part in enumerate(parts):
        is_last = at + 1 == len(parts) and not trailers
        connection.send_data(number, part.encode(), end_stream=is_last)
    if trailers:
        connection.send_headers(number, [tuple(one) for one in trailers], end_stream=True)
    stream.sendall(connection.data_to_send())
    status, body = answer(number)
    print(status, body.decode(errors="replace").split("\n")[0][:40], flush=True)
