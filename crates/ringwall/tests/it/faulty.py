"""A quick service that fails as it is told.

    python3 faulty.py ADDRESS:PORT SEEN

The first line on standard output names the port. The `x-id` of each request that was read whole becomes
one line in the file SEEN, so it is known also of a service that was killed. `PUT /mood/NAME` changes what
it does with the requests that come after. Whoever begins with HTTP/2 in the clear gets that; then each
request becomes a line with the number of its stream.
"""

import asyncio
import os
import socket
import struct
import sys

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
HALF = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"half\":"
SORRY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
ACK = END_STREAM = 1
END_HEADERS = 4
GARBAGE = b"\x01\x02 this is no HTTP\r\n\r\n"

mood = "answers"
# When each of the slots of a service with a fixed capacity is free again.
slots = []


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Frames:
    """One connection of HTTP/2."""

    def __init__(self, transport):
        self.transport, self.buffer = transport, b""
        transport.write(frame(SETTINGS, 0, 0))

    def take(self, data):
        self.buffer += data
        while len(self.buffer) >= (end := 9 + int.from_bytes(self.buffer[:3], "big")):
            kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
            payload, self.buffer = self.buffer[9:end], self.buffer[end:]
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.transport.write(frame(kind, ACK, 0, payload if kind == PING else b""))
            elif kind == HEADERS:
                os.write(SEEN, b"%d\n" % stream)
                getattr(self, mood)(stream)

    def answers(self, stream):
        self.head(stream, b"2")
        self.transport.write(frame(DATA, END_STREAM, stream, b"{}"))

    def breaks(self, stream):
        """No block of fields can be read like that."""
        self.transport.write(frame(HEADERS, END_HEADERS, stream, b"\xff" * 8))

    def halves(self, stream):
        """Half an answer, then a piece of none."""
        self.head(stream, b"9")
        self.transport.write(frame(DATA, 0, stream, b"{"))
        # What was written is on its way first.
        asyncio.get_running_loop().call_later(0.005, self.transport.write, frame(DATA, 0, 0, b"}"))

    def head(self, stream, length):
        """Status 200, and a length of one digit."""
        self.transport.write(frame(HEADERS, END_HEADERS, stream, b"\x88\x0f\x0d\x01" + length))


class Service(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.buffer, self.frames = transport, b"", None

    def data_received(self, data):
        if self.frames:
            return self.frames.take(data)
        self.buffer += data
        if self.buffer.startswith(PREFACE):
            self.frames = Frames(self.transport)
            return self.frames.take(self.buffer[len(PREFACE) :])
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1")
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
            end += 4 + int(fields.get("content-length", 0))
            if len(self.buffer) < end:
                return
            self.buffer = self.buffer[end:]
            self.take(head.split(" ", 2), fields)

    def take(self, line, fields):
        global mood
        if line[1].startswith("/mood/"):
            mood = line[1][6:]
            slots[:] = [0.0] * int(mood.split("-")[1]) if mood.startswith("slots-") else []
            return self.transport.write(OK)
        if "x-id" in fields:
            os.write(SEEN, fields["x-id"].encode() + b"\n")
        self.path = line[1]
        name, *numbers = mood.split("-")
        getattr(self, name)(*map(int, numbers))

    def answers(self):
        self.transport.write(OK)

    def fails(self):
        self.transport.write(SORRY)

    def sick(self):
        """It does its work, and says that it cannot."""
        self.fails() if self.path == "/healthz" else self.answers()

    def garbles(self):
        self.transport.write(GARBAGE)
        self.transport.close()

    def hangs(self):
        pass

    def drops(self):
        self.transport.close()

    def resets(self):
        """Half an answer, then a reset."""
        self.transport.write(HALF)
        linger = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # What was written is on its way first.
        asyncio.get_running_loop().call_later(0.005, self.transport.abort)

    def slow(self, millis):
        asyncio.get_running_loop().call_later(millis / 1000, self.transport.write, OK)

    def slots(self, count, millis):
        """So many at a time, so long each, in the order in which they came. The times are added up and
        not measured, so a busy machine does not lower what can be done."""
        loop = asyncio.get_running_loop()
        free = min(range(count), key=slots.__getitem__)
        slots[free] = max(slots[free], loop.time()) + millis / 1000
        loop.call_at(slots[free], self.transport.write, OK)


async def main():
    host, _, port = sys.argv[1].rpartition(":")
    server = await asyncio.get_running_loop().create_server(Service, host, int(port), backlog=1024)
    print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


SEEN = os.open(sys.argv[2], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
asyncio.run(main())
