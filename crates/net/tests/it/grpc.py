"""gRPC as others wrote it: `server` answers on a free port, `client` calls through a gateway."""

import sys
import threading
import time
from concurrent import futures

try:
    import grpc
except ImportError:
    print("missing", flush=True)
    sys.exit(0)

cancelled = threading.Event()


def unary(request, context):
    if request == b"fail":
        context.set_trailing_metadata((("why", "because"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not like this")
    if request == b"was cancelled":
        return b"yes" if cancelled.wait(10) else b"no"
    if request == b"deadline":
        return b"some" if context.time_remaining() and context.time_remaining() < 60 else b"none"
    if request == b"metadata":
        named = dict(context.invocation_metadata())
        return named["x-word"].encode() + b" " + named["x-bytes-bin"]
    context.set_trailing_metadata((("seen", str(len(request))),))
    return request[::-1]


def server_streaming(request, context):
    for index in range(int(request)):
        yield b"%d" % index
    if request == b"1":
        context.add_callback(cancelled.set)
        while context.is_active():
            time.sleep(0.02)


def client_streaming(requests, context):
    return b"%d" % sum(len(each) for each in requests)


def bidirectional(requests, context):
    context.send_initial_metadata((("first", "head"),))
    for each in requests:
        yield each.upper()


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Server": grpc.unary_stream_rpc_method_handler(server_streaming),
        "Client": grpc.stream_unary_rpc_method_handler(client_streaming),
        "Both": grpc.stream_stream_rpc_method_handler(bidirectional),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.Echo", handlers),))
    at = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:0"
    print("port", server.add_insecure_port(at), flush=True)
    server.start()
    server.wait_for_termination()


def connect(port, root, authority):
    if root == "plain":
        return grpc.insecure_channel(authority)
    name = authority.rsplit(":", 1)[0]
    with open(root, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    options = [("grpc.ssl_target_name_override", name), ("grpc.default_authority", authority)]
    return grpc.secure_channel(f"127.0.0.1:{port}", credentials, options)


def is_up(unary):
    try:
        return unary(b"up", timeout=5) == b"pu"
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return False


def call(port, root, authority, metadata):
    channel = connect(port, root, authority)
    unary = channel.unary_unary("/t.Echo/Unary")
    own = dict(metadata=metadata, timeout=30)
    # In a fleet both begin at the same time.
    while root == "plain" and not is_up(unary):
        time.sleep(0.05)

    answer, called = unary.with_call(b"abc", **own)
    assert answer == b"cba", answer
    assert dict(called.trailing_metadata())["seen"] == "3", called.trailing_metadata()
    large = bytes(range(256)) * 8000
    assert unary(large, **own) == large[::-1]
    words = [("x-word", "hello"), ("x-bytes-bin", b"\x00\xff")]
    assert unary(b"metadata", metadata=metadata + words, timeout=30) == b"hello \x00\xff"
    assert unary(b"deadline", **own) == b"some"

    try:
        unary(b"fail", **own)
        raise SystemExit("it must fail")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
        assert error.details() == "not like this", error
        assert dict(error.trailing_metadata())["why"] == "because", error

    received = list(channel.unary_stream("/t.Echo/Server")(b"2000", **own))
    assert received == [b"%d" % index for index in range(2000)], len(received)
    pieces = (b"x" * 1000 for _ in range(500))
    assert channel.stream_unary("/t.Echo/Client")(pieces, **own) == b"500000"

    # Each message is sent only after the one before was answered: both directions are open at once.
    answered = threading.Semaphore(1)

    def questions():
        for word in (b"one", b"two", b"three"):
            answered.acquire()
            yield word

    both = channel.stream_stream("/t.Echo/Both")(questions(), **own)
    assert dict(both.initial_metadata())["first"] == "head"
    for want in (b"ONE", b"TWO", b"THREE"):
        assert next(both) == want
        answered.release()
    assert list(both) == [] and both.code() == grpc.StatusCode.OK

    # A client that goes away is noticed by the service.
    endless = channel.unary_stream("/t.Echo/Server")(b"1", **own)
    assert next(endless) == b"0"
    endless.cancel()
    assert unary(b"was cancelled", **own) == b"yes"

    started = time.monotonic()
    try:
        # The gateway or the client itself, whoever is first.
        list(channel.unary_stream("/t.Echo/Server")(b"1", metadata=metadata, timeout=0.5))
        raise SystemExit("it must not end well")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    assert time.monotonic() - started < 10

    # Many calls share a connection.
    calls = [unary.future(b"%d" % index, **own) for index in range(300)]
    assert [each.result() for each in calls] == [(b"%d" % index)[::-1] for index in range(300)]
    channel.close()
    print("done", flush=True)


if sys.argv[1] == "server":
    serve()
else:
    pairs = [tuple(each.split("=", 1)) for each in sys.argv[5:]]
    call(int(sys.argv[2]), sys.argv[3], sys.argv[4], pairs)
