"""What is known about the request in hand. Lives on Flask's ``g``, set again for each request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, cast

from flask import g, has_request_context

if TYPE_CHECKING:
    from flask_ringwall.caller import Caller

_NAME = "_ringwall"


class Ownership(Enum):
    """What the view said about the owner of what it answers with."""

    NOT_STATED = "not stated"
    CALLER = "caller"
    STRANGER = "stranger"


@dataclass
class State:
    """The verified caller, the token to pass along, and what the view stated so far."""

    caller: Caller
    token: str | None
    traceparent: str | None
    ownership: Ownership = Ownership.NOT_STATED

    def state_owner(self, *, is_caller: bool) -> None:
        """Takes one statement. A stranger once is a stranger for good."""
        if not is_caller:
            self.ownership = Ownership.STRANGER
        elif self.ownership is Ownership.NOT_STATED:
            self.ownership = Ownership.CALLER


def begin(state: State) -> None:
    """Starts a request."""
    setattr(g, _NAME, state)


def clear() -> None:
    """Forgets the request. An outer app context may make ``g`` outlive it."""
    g.pop(_NAME, None)


def current() -> State | None:
    """The state of the request in hand, if its caller was verified."""
    if not has_request_context():
        return None
    return cast("State | None", g.get(_NAME))
