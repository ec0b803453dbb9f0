"""Opens TLS connections to a loopback port, asks once on each, and holds them until it is ended.

Usage: idle_connections.py PORT COUNT. Prints `ready` when all are open. Each source address has at most
500 of them: servers limit connections by address.
"""

import resource
import signal
import socket
import ssl
import sys

# Seconds. Servers close what rests for longer.
OPENING_MAX = 70


def main() -> None:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    signal.alarm(OPENING_MAX)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    held = []
    request = f"GET /item HTTP/1.1\r\nHost: bench.localhost:{port}\r\n\r\n".encode()
    for number in range(count):
        source = (f"127.0.1.{number // 500 + 1}", 0)
        plain = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=source)
        stream = context.wrap_socket(plain, server_hostname="bench.localhost")
        stream.sendall(request)
        answer = stream.recv(65536)
        if b" 200 " not in answer[:20]:
            raise SystemExit(f"connection {number}: {answer[:200]!r}")
        held.append(stream)
    signal.alarm(0)
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
