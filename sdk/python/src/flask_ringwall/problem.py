"""What a client learns: a fixed text, a code and the request id (RFC 9457)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from flask import Response

PAGE = "https://ringwall.dev/e/"


@dataclass(frozen=True)
class Problem:
    """One refusal, as clients see it."""

    code: str
    status: int
    title: str


NOT_ALLOWED = Problem("RW3001", 403, "Not allowed")
NOT_AUTHENTICATED = Problem("RW3003", 401, "Not authenticated")
OWNER_NOT_STATED = Problem("RW3010", 500, "Owner not stated")
CANNOT_DECIDE = Problem("RW3015", 503, "Cannot decide")


def response(
    problem: Problem,
    request_id: str | None,
    reason: str | None = None,
    challenge: str | None = None,
) -> Response:
    """Builds the answer. ``reason`` is for development only: the caller decides."""
    body: dict[str, object] = {
        "type": PAGE + problem.code,
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
    }
    if request_id is not None:
        body["request_id"] = request_id
    if reason is not None:
        body["reason"] = reason
    answer = Response(
        json.dumps(body) + "\n", status=problem.status, mimetype="application/problem+json"
    )
    answer.headers["Cache-Control"] = "no-store"
    if challenge is not None:
        answer.headers["WWW-Authenticate"] = challenge
    return answer
