"""A small service for tests: it says what it saw, writes it down, and misbehaves when asked to.

    python3 upstream.py ADDRESS:PORT SEEN

Port 0 is a free one; the first line on standard output names it. Each request becomes one JSON line
in the file SEEN.
"""

import http.server
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            body = self.chunked()
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "length": len(body),
            "body": body[:4096].decode("utf-8", "replace"),
        }
        with LOCK, open(sys.argv[2], "a", encoding="utf-8") as file:
            file.write(json.dumps(seen) + "\n")
        last = path.rsplit("/", 1)[-1]
        act = getattr(self, "do_" + last.replace("-", "_"), None) if last.islower() else None
        if act:
            act(query, seen)
        elif path.startswith("/books"):
            self.books(path, seen)
        else:
            self.say(200, seen)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def chunked(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def say(self, status, value, **fields):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in fields.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(data)

    def books(self, path, seen):
        book = {"id": 7, "title": "Tides", "cost": 12, "supplier": {"phone": "555"}}
        if self.command == "POST":
            self.say(201, book)
        else:
            self.say(200, [book] if path == "/books" else book)

    # ── misbehaviour ──

    def do_slow(self, query, seen):
        time.sleep(int(query.get("ms", "100")) / 1000)
        self.say(200, {"slow": True})

    def do_die_silent(self, query, seen):
        self.cut()

    def do_die_length(self, query, seen):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf")
        self.cut()

    def do_die_chunked(self, query, seen):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        self.cut()

    def do_die_head(self, query, seen):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
        self.cut()

    def do_die_killed(self, query, seen):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nhalf")
        self.wfile.flush()
        os._exit(9)

    def do_two_lengths(self, query, seen):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello")
        self.cut()

    def cut(self):
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def do_large(self, query, seen):
        size = int(query.get("size", "1"))
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        block = b"x" * 65536
        while size > 0:
            self.wfile.write(block[:size])
            size -= len(block)

    def do_drip(self, query, seen):
        """A stream that has said one thing, and waits until the other side goes away."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.wfile.write(b"8\r\ndata: 1\n\r\n")
        self.wfile.flush()
        self.rfile.read()
        self.close_connection = True

    # ── a page with a script in it, and one beside it ──

    def do_inline(self, query, seen):
        page = '<!doctype html><title>t</title><link rel=icon href=data:,><p>t'
        page += '<script>window.inline = true</script><script src="script"></script>'
        self.text("text/html", page, ["cart=1; Path=/", "csrf=2; Path=/"])

    def do_script(self, query, seen):
        self.text("text/javascript", "window.file = true", [])

    def text(self, kind, text, cookies):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(text.encode())

    # ── what a service can reach from where it runs ──

    def do_call(self, query, seen):
        request = urllib.request.Request(query["url"])
        identity = self.headers.get("Ringwall-Identity")
        if identity and query.get("person") != "no":
            request.add_header("Ringwall-Identity", identity)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                self.say(200, {"status": reply.status, "body": reply.read().decode()})
        except urllib.error.HTTPError as error:
            self.say(200, {"status": error.code, "body": error.read().decode()})
        except OSError as error:
            self.say(200, {"status": 0, "body": str(error)})

    def do_connect(self, query, seen):
        host, _, port = query["to"].rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=3).close()
            self.say(200, {"result": "connected"})
        except OSError as error:
            self.say(200, {"result": type(error).__name__ + ": " + str(error)})

    def do_speak(self, query, seen):
        """What is heard first of those who are spoken to in HTTP/2 at once."""
        host, _, port = query["to"].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as stream:
            stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4" + bytes(5))
            self.say(200, {"heard": stream.recv(4096).decode("latin-1")})

    def do_environment(self, query, seen):
        self.say(200, dict(os.environ))

    def do_open(self, query, seen):
        try:
            if os.path.isdir(query["path"]):
                self.say(200, {"result": "listed", "names": os.listdir(query["path"])})
            else:
                with open(query["path"], "rb") as file:
                    self.say(200, {"result": "read", "length": len(file.read())})
        except OSError as error:
            self.say(200, {"result": type(error).__name__})

    def do_processes(self, query, seen):
        """Which secrets of services are found in the environments of processes."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    text = file.read()
                found += [name for name in ("alpha-secret", "beta-secret") if name.encode() in text]
            except OSError:
                pass
        self.say(200, {"found": found})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    server = Server((host, int(port)), Handler)
    print(f"listening {server.server_address[1]}", flush=True)
    server.serve_forever()
