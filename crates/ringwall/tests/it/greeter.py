"""gRPC by Google: a service with health of its own, and a client.

    python3 greeter.py server                       says its port; USR1: not serving, USR2: serving
    python3 greeter.py client PORT ROOT AUTHORITY COUNT     says who answered
"""

import signal
import sys
from concurrent import futures

try:
    import grpc
    from google.protobuf.wrappers_pb2 import StringValue, UInt32Value
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc
except ImportError:
    print("missing", flush=True)
    sys.exit(0)

NAME = "t.Greeter"


def serve():
    port = 0

    def who(request, context):
        return UInt32Value(value=port)

    def shout(request, context):
        if request.value == "fail":
            context.set_trailing_metadata((("why", "because"),))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not like this")
        context.set_trailing_metadata((("seen", str(len(request.value))),))
        return StringValue(value=request.value.upper())

    def count(request, context):
        for number in range(request.value):
            yield UInt32Value(value=number)

    def handler(kind, work, read, made):
        return kind(work, request_deserializer=read.FromString, response_serializer=made.SerializeToString)

    handlers = {
        "Who": handler(grpc.unary_unary_rpc_method_handler, who, StringValue, UInt32Value),
        "Shout": handler(grpc.unary_unary_rpc_method_handler, shout, StringValue, StringValue),
        "Count": handler(grpc.unary_stream_rpc_method_handler, count, UInt32Value, UInt32Value),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
    state = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    serving = health_pb2.HealthCheckResponse
    state.set(NAME, serving.SERVING)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    told = {signal.SIGUSR1, signal.SIGUSR2}
    signal.pthread_sigmask(signal.SIG_BLOCK, told)
    print("port", port, flush=True)
    while True:
        is_well = signal.sigwait(told) == signal.SIGUSR2
        state.set(NAME, serving.SERVING if is_well else serving.NOT_SERVING)


def ask(port, root, authority, count):
    with open(root, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    name = authority.rsplit(":", 1)[0]
    options = (("grpc.ssl_target_name_override", name), ("grpc.default_authority", authority))
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        who = channel.unary_unary(
            f"/{NAME}/Who", request_serializer=StringValue.SerializeToString, response_deserializer=UInt32Value.FromString
        )
        found = [who(StringValue(), timeout=20).value for _ in range(int(count))]
    print(*sorted(set(found)))


if sys.argv[1] == "server":
    # Threads of the server inherit the mask, so that the signals wait for this one.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGUSR2})
    serve()
else:
    ask(*sys.argv[2:])
