"""gRPC by Google with descriptors: a service, and clients good and bad.

    python3 messages.py server                       says its port
    python3 messages.py descriptors FILE             writes what `protoc` would
    python3 messages.py client PORT ROOT AUTHORITY   one line for each call: its name, what came of it

Without `grpcio` each says `missing`.
"""

import gzip
import ssl
import struct
import sys
import threading
from concurrent import futures

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.message import DecodeError
except ImportError:
    print("missing", flush=True)
    sys.exit(0)

Field = descriptor_pb2.FieldDescriptorProto


def descriptors():
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
    order = file.message_type.add(name="Order")
    for number, (name, kind) in enumerate([("note", Field.TYPE_STRING), ("count", Field.TYPE_INT32)], 1):
        order.field.add(name=name, number=number, type=kind, label=Field.LABEL_OPTIONAL)
    order.field.add(
        name="items", number=3, type=Field.TYPE_MESSAGE, type_name=".shop.Order", label=Field.LABEL_REPEATED
    )
    service = file.service.add(name="Orders")
    kinds = {"Place": (False, False), "Fill": (True, False), "Talk": (True, True), "Seen": (False, False)}
    for name, (up, down) in kinds.items():
        service.method.add(
            name=name, input_type=".shop.Order", output_type=".shop.Order", client_streaming=up, server_streaming=down
        )
    return descriptor_pb2.FileDescriptorSet(file=[file])


def order_class():
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptors().file[0])
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def serve():
    seen = []

    def place(request, context):
        seen.append(request)
        context.set_trailing_metadata((("kept", "yes"),))
        return request

    def fill(requests, context):
        count = 0
        for request in requests:
            seen.append(request)
            count += 1
        return b"\x10" + bytes([count])

    def talk(requests, context):
        for request in requests:
            seen.append(request)
            yield request

    def told(request, context):
        count, is_bad = len(seen), any(b"\x22\x01x" in one for one in seen)
        seen.clear()
        return b"\x10" + bytes([count]) + (b"\x0a\x03bad" if is_bad else b"")

    raw = dict(request_deserializer=None, response_serializer=None)
    handlers = {
        "Place": grpc.unary_unary_rpc_method_handler(place, **raw),
        "Fill": grpc.stream_unary_rpc_method_handler(fill, **raw),
        "Talk": grpc.stream_stream_rpc_method_handler(talk, **raw),
        "Seen": grpc.unary_unary_rpc_method_handler(told, **raw),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Orders", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print("port", port, flush=True)
    threading.Event().wait()


def outcome(call):
    try:
        return f"OK {call()}".strip()
    except DecodeError:
        return "garbled"
    except grpc.RpcError as error:
        code = dict(error.trailing_metadata() or ()).get("ringwall-code", "")
        return f"{error.code().name} {code}".strip()


def web(port, root, authority, media_type, body):
    """What a browser's client sends, over HTTP/1.1; gives status, code and what stands in the body."""
    import http.client
    import socket

    context = ssl.create_default_context(cafile=root)
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    host = authority.rsplit(":", 1)[0]
    connection = http.client.HTTPConnection(host)
    connection.sock = context.wrap_socket(plain, server_hostname=host)
    connection.putrequest("POST", "/shop.Orders/Place", skip_host=True)
    for name, value in {"host": authority, "content-type": media_type, "content-length": len(body)}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    answer.read()
    return f"{answer.status} {answer.headers.get('grpc-status')} {answer.headers.get('ringwall-code')}"


def frame(message, flag=0):
    return struct.pack(">BI", flag, len(message)) + message


def client(port, root, authority):
    import base64

    with open(root, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    name = authority.rsplit(":", 1)[0]
    options = (("grpc.ssl_target_name_override", name), ("grpc.default_authority", authority))
    channel = grpc.secure_channel(f"127.0.0.1:{port}", credentials, options)
    Order = order_class()
    place = channel.unary_unary("/shop.Orders/Place")
    fill = channel.stream_unary("/shop.Orders/Fill")
    talk = channel.stream_stream("/shop.Orders/Talk")
    seen = channel.unary_unary("/shop.Orders/Seen")

    def arrived():
        found = Order.FromString(seen(b"", timeout=20))
        return found.count, found.note

    def say(name, text):
        print(f"{name}: {text}", flush=True)

    def unary(name, message, **more):
        say(name, outcome(lambda: str(Order.FromString(place(message, timeout=20, **more)).note)[:20]))

    good = Order(note="two lamps", count=-2, items=[Order(note="a"), Order()]).SerializeToString()
    unary("good", good)
    _, call = place.with_call(good, timeout=20)
    say("trailers", dict(call.trailing_metadata())["kept"])
    unary("packed", good, compression=grpc.Compression.Gzip)
    unary("packed large", Order(note="x" * 3000).SerializeToString(), compression=grpc.Compression.Gzip)
    unary("unknown", good + b"\x22\x01x")
    unary("nested unknown", Order(items=[Order.FromString(b"\x22\x01x")]).SerializeToString())
    unary("twice", good + b"\x0a\x01x")
    unary("not utf8", b"\x0a\x01\xff")
    unary("broken", b"\x0a\x05x")
    unary("empty", b"")
    unary("large", Order(note="x" * 2100).SerializeToString())
    unary("attack", Order(items=[Order(note="1' OR '1'='1' UNION SELECT password FROM users--")]).SerializeToString())
    say("seen", arrived())

    def count(*messages):
        return outcome(lambda: str(Order.FromString(fill(iter(messages), timeout=20)).count))

    small = Order(note="s").SerializeToString()
    say("stream", count(*[small] * 5))
    say("stream of many", count(*[small] * 6))
    arrived()
    say("stream with a bad one", count(small, small, small + b"\x22\x01x", small))

    answered = threading.Semaphore(1)

    def questions(*messages):
        for message in messages:
            answered.acquire()
            yield message

    found, both = [], talk(questions(small, small, b"\x22\x01x", small), timeout=20)
    try:
        for each in both:
            found.append(each)
            answered.release()
        say("talk", f"OK {len(found)}")
    except grpc.RpcError as error:
        say("talk", f"{len(found)} {error.code().name} {dict(error.trailing_metadata())['ringwall-code']}")
    say("still there", outcome(lambda: str(Order.FromString(place(small, timeout=20)).note)))
    number, note = arrived()
    say("what came of streams", ("at most 5" if number <= 5 else number, note))
    channel.close()

    at = (int(port), root, authority)
    bad = good + b"\x22\x01x"
    say("web", web(*at, "application/grpc-web+proto", frame(bad)))
    say("web text", web(*at, "application/grpc-web-text", base64.b64encode(frame(bad))))
    say("web text good", web(*at, "application/grpc-web-text", base64.b64encode(frame(small))))
    say("web two", web(*at, "application/grpc-web+proto", frame(small) * 2))
    say("web bomb", web(*at, "application/grpc-web+proto", frame(gzip.compress(b"\x0a" * 500000), 1)))
    say("JSON", web(*at, "application/json", b'{"note": "x"}'))


if sys.argv[1] == "server":
    serve()
elif sys.argv[1] == "descriptors":
    with open(sys.argv[2], "wb") as out:
        out.write(descriptors().SerializeToString())
else:
    client(*sys.argv[2:])
