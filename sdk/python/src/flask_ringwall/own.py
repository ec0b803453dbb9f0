"""States who owns what a view answers with, so that ``:own`` in the manifest can hold.

INVARIANT (owner stated): a 2xx answer to a request that was permitted as ``:own`` leaves the
app only after each owner was stated and is the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort

from flask_ringwall import state
from flask_ringwall.state import Ownership, State

if TYPE_CHECKING:
    from collections.abc import Iterable

Owner = str | int


def owns(owner: Owner | None) -> None:
    """States the owner of the object in hand.

    Permitted only for the caller's own objects: a stranger gets the same 404 as for an object
    that does not exist, so that nobody learns which ids are taken. Permitted for all: nothing
    happens.
    """
    owns_all([owner])


def owns_all(owners: Iterable[Owner | None]) -> None:
    """States the owners of all objects in a list; an empty list is nobody's secret."""
    current = state.current()
    if current is None:
        raise RuntimeError("owns() outside a request that Ringwall verified")
    is_caller = all(_is(owner, current) for owner in owners)
    current.state_owner(is_caller=is_caller)
    if current.caller.own and not is_caller:
        abort(404)


def refuses(current: State, status_code: int) -> bool:
    """Whether an answer must not leave (see the invariant above)."""
    return (
        current.caller.own
        and 200 <= status_code < 300
        and current.ownership is not Ownership.CALLER
    )


def is_checked(current: State) -> bool:
    """Whether the gateway may be told that the owner was checked."""
    return current.caller.own and current.ownership is Ownership.CALLER


def _is(owner: Owner | None, current: State) -> bool:
    # `True` is an `int`: an owner that is a boolean is a mistake in the view, so a stranger.
    if owner is None or isinstance(owner, bool) or not current.caller.is_person:
        return False
    return str(owner) == current.caller.subject
