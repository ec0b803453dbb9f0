"""A WebSocket over HTTP/2 by `h2` and `wsproto`, to an echo of `websockets` behind a gateway."""

import asyncio
import socket
import ssl
import sys

try:
    import h2.config
    import h2.connection
    import h2.events
    import websockets.asyncio.client
    import websockets.exceptions
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


def trusting(root, protocol):
    context = ssl.create_default_context(cafile=root)
    context.set_alpn_protocols([protocol])
    return context


def connect(port, root, authority):
    context = trusting(root, "h2")
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    return context.wrap_socket(plain, server_hostname=authority.rsplit(":", 1)[0])


async def wait(port, root, authority):
    """Over HTTP/1: says when it is open, and how it ended. In one thread: before Python 3.13 two
    that read and write one TLS connection get into each other's way (python/cpython#124984)."""
    context = trusting(root, "http/1.1")
    address = f"wss://{authority}/ws"
    opening = websockets.asyncio.client.connect(
        address,
        host="127.0.0.1",
        port=port,
        ssl=context,
        ping_interval=None,
        open_timeout=20,
    )
    async with opening as connection:
        await connection.send("hello")
        assert await connection.recv() == "hello"
        print("open", flush=True)
        try:
            await connection.recv()
        except websockets.exceptions.ConnectionClosed as ended:
            print("closed", ended.rcvd.code if ended.rcvd else None, flush=True)


def call(port, root, authority, waits):
    stream = connect(port, root, authority)
    h2c = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    h2c.initiate_connection()
    pending, unread = [], bytearray()

    def event(wanted):
        while True:
            while pending:
                found = pending.pop(0)
                if isinstance(found, wanted):
                    return found
            stream.sendall(h2c.data_to_send())
            data = stream.recv(65536)
            assert data, "closed"
            pending.extend(h2c.receive_data(without_goaway(unread, data)))

    while not h2c.remote_settings.enable_connect_protocol:
        event(h2.events.RemoteSettingsChanged)
    number = h2c.get_next_available_stream_id()
    head = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https")]
    head += [
        (":path", "/ws"),
        (":authority", authority),
        ("sec-websocket-version", "13"),
    ]
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
    if waits:
        print("open", flush=True)
        closed = None
        while closed is None:
            data = event(
                (h2.events.DataReceived, h2.events.StreamEnded, h2.events.StreamReset)
            )
            assert isinstance(data, h2.events.DataReceived), data
            socket_.receive_data(data.data)
            closed = next(iter(socket_.events()), None)
        print("closed", closed.code, flush=True)
        send(h2c, number, socket_.send(closed.response()))
        event((h2.events.StreamEnded, h2.events.StreamReset))
        return
    send(h2c, number, socket_.send(ws.CloseConnection(code=1000)))
    event((h2.events.StreamEnded, h2.events.StreamReset))
    print("done", flush=True)


def without_goaway(unread, data):
    """Whole frames. `h2` hangs up at a GOAWAY; RFC 9113 section 6.8 lets open streams go on."""
    unread += data
    whole = bytearray()
    while len(unread) >= 9 and len(unread) >= 9 + int.from_bytes(unread[:3], "big"):
        length = 9 + int.from_bytes(unread[:3], "big")
        if unread[3] != 7:
            whole += unread[:length]
        del unread[:length]
    return bytes(whole)


def send(h2c, number, data):
    for start in range(0, len(data), 16000):
        h2c.send_data(number, data[start : start + 16000], end_stream=False)


role, arguments = sys.argv[1], sys.argv[2:]
if role == "server":
    serve()
elif role == "wait1":
    asyncio.run(wait(int(arguments[0]), *arguments[1:]))
else:
    call(int(arguments[0]), *arguments[1:], role == "wait2")
