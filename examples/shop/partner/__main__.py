"""The provider's server: `python -m partner`. Plain HTTP on loopback, for trying out only.

`POST /v1/charges` and `POST /v1/refunds` answer at once; the signed webhook follows, as with the
real one. The card 4000000000000002 is declined.

From the environment: PARTNER_PORT (5900), PARTNER_KEY (demanded as bearer token, if set),
PARTNER_WEBHOOK_URL and PARTNER_HOOK_SECRET (no webhooks without them), PARTNER_CA (file with the
certificates to trust for the webhook).
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import ssl
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DECLINED = "4000000000000002"
BODY_BYTES_MAX = 64 * 1024

_NUMBERS = itertools.count(1)


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            return self._answer(400, {"error": "length"})
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            return self._answer(400, {"error": "not JSON"})
        key = os.environ.get("PARTNER_KEY")
        given = self.headers.get("Authorization", "")
        if key and not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            return self._answer(401, {"error": "no valid API key"})
        match self.path, body:
            case "/v1/charges", {"amount": int(amount), "order_id": int(order_id), "card": card}:
                if card == DECLINED:
                    return self._answer(402, {"error": "card_declined"})
                charge = {"id": f"ch_{next(_NUMBERS):06}", "amount": amount, "order_id": order_id}
                _later("charge.succeeded", charge)
                return self._answer(200, {**charge, "status": "succeeded"})
            case "/v1/refunds", {"charge": str(charge_id), "order_id": int(order_id)}:
                refund = {"id": f"re_{next(_NUMBERS):06}", "charge": charge_id}
                _later("charge.refunded", {**refund, "order_id": order_id})
                return self._answer(200, {**refund, "status": "succeeded"})
        return self._answer(404, {"error": "no such thing"})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *values: Any) -> None:
        sys.stderr.write(f"partner: {format % values}\n")


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of `Stripe-Signature`: HMAC-SHA256 over `time.body`."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def _later(kind: str, subject: dict[str, Any]) -> None:
    if os.environ.get("PARTNER_WEBHOOK_URL") and os.environ.get("PARTNER_HOOK_SECRET"):
        threading.Thread(target=_send, args=(kind, subject), daemon=True).start()


def _send(kind: str, subject: dict[str, Any]) -> None:
    event = {"id": f"evt_{next(_NUMBERS):06}", "type": kind, "data": {"object": subject}}
    body = json.dumps(event).encode()
    sent = urllib.request.Request(
        os.environ["PARTNER_WEBHOOK_URL"],
        data=body,
        headers={
            "Content-Type": "application/json",
            "Stripe-Signature": signature(
                os.environ["PARTNER_HOOK_SECRET"], body, int(time.time())
            ),
        },
    )
    trust = ssl.create_default_context(cafile=os.environ.get("PARTNER_CA"))
    try:
        with urllib.request.urlopen(sent, timeout=5, context=trust) as answer:
            sys.stderr.write(f"partner: webhook {kind}: {answer.status}\n")
    except OSError as error:
        sys.stderr.write(f"partner: webhook {kind}: {error}\n")


def main() -> None:
    port = int(os.environ.get("PARTNER_PORT", "5900"))
    with ThreadingHTTPServer(("127.0.0.1", port), Provider) as server:
        sys.stderr.write(f"partner: listening on http://127.0.0.1:{server.server_port}\n")
        server.serve_forever()


if __name__ == "__main__":
    main()
