"""A WebSocket over HTTP/2 by `h2` and `wsproto`, to an echo of `websockets` behind a gateway."""

import socket
import ssl
import sys

try:
    import h2.config
    import h2.connection
    import h2.events
    import websockets.sync.server
    import wsproto.connection
    import wsproto.events as ws
except ImportError:
    print("missing", flush=True)
    sys.exit(0)


def echo(connection):
    for message in connection:
        connection.send(message)


def serve():
    with websockets.sync.server.serve(echo, "127.0.0.1", 0) as server:
        print("port", server.socket.getsockname()[1], flush=True)
        server.serve_forever()


def call(port, root, authority):
    context = ssl.create_default_context(cafile=root)
    context.set_alpn_protocols(["h2"])
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    stream = context.wrap_socket(plain, server_hostname=authority.rsplit(":", 1)[0])
    h2c = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    h2c.initiate_connection()
    pending = []

    def event(wanted):
        while True:
            while pending:
                found = pending.pop(0)
                if isinstance(found, wanted):
                    return found
            stream.sendall(h2c.data_to_send())
            data = stream.recv(65536)
            assert data, "closed"
            pending.extend(h2c.receive_data(data))

    while not h2c.remote_settings.enable_connect_protocol:
        event(h2.events.RemoteSettingsChanged)
    number = h2c.get_next_available_stream_id()
    head = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https")]
    head += [(":path", "/ws"), (":authority", authority), ("sec-websocket-version", "13")]
    h2c.send_headers(number, head)
    answer = dict(event(h2.events.ResponseReceived).headers)
    assert answer[":status"] == "200", answer
    assert "sec-websocket-accept" not in answer and "upgrade" not in answer, answer
    socket_ = wsproto.connection.Connection(wsproto.connection.ConnectionType.CLIENT)
    for text in ("hello", "x" * 50000, "bye"):
        send(h2c, number, socket_.send(ws.TextMessage(data=text)))
        heard, is_whole = "", False
        while not is_whole:
            data = event(h2.events.DataReceived)
            h2c.acknowledge_received_data(data.flow_controlled_length, number)
            socket_.receive_data(data.data)
            for message in socket_.events():
                heard += message.data
                is_whole = message.message_finished
        assert heard == text, len(heard)
    send(h2c, number, socket_.send(ws.CloseConnection(code=1000)))
    event((h2.events.StreamEnded, h2.events.StreamReset))
    print("done", flush=True)


def send(h2c, number, data):
    for start in range(0, len(data), 16000):
        h2c.send_data(number, data[start : start + 16000], end_stream=False)


if sys.argv[1] == "server":
    serve()
else:
    call(int(sys.argv[2]), sys.argv[3], sys.argv[4])
