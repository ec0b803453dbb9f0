"""Secrets that the manifest declares for this service, as the sidecar injected them."""

from __future__ import annotations

import os

# Pairs `name=VARIABLE`, separated by blanks, written by whoever starts the service.
_MAP = "RINGWALL_SECRETS"


class MissingSecretError(KeyError):
    """The secret is not declared for this service, or has no value."""

    def __str__(self) -> str:
        return str(self.args[0])


class Secret(str):
    """Text that a log line or a traceback of locals does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)"


def secret(name: str) -> Secret:
    """Returns the value of a declared secret, by its name in the manifest or its variable.

    Read at each call, never at import: a restart with a new value is enough after a rotation.
    """
    for variable in _variables(name):
        value = os.environ.get(variable)
        if value:
            return Secret(value)
    raise MissingSecretError(
        f"no value for secret `{name}`: declare it in `secrets` of this service in ringwall.toml "
        f"and start the service with `ringwall dev` or `ringwall run`"
    )


def _variables(name: str) -> list[str]:
    pairs = (pair.partition("=") for pair in os.environ.get(_MAP, "").split())
    mapped = {secret_name: variable for secret_name, _, variable in pairs}
    if name in mapped:
        return [mapped[name]]
    return [name.upper().replace("-", "_"), name]
