"""Who may call what, as the manifest says: the decisions of a gateway, for tests in process.

Reads ``ringwall.toml`` itself (Python 3.11 or later) or the JSON of
``ringwall show matrix --format json``. It decides lists only; Cedar conditions are tested with
``ringwall test``, against the real engine.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANYONE = "anyone"


@dataclass(frozen=True)
class Case:
    """One pair of the matrix: whether ``who`` may call an operation."""

    #: ``person`` or ``service``.
    kind: str
    #: A role, ``anyone``, or the name of a service.
    who: str
    service: str
    operation: str
    is_allowed: bool
    #: Allowed for the caller's own objects only.
    own: bool = False
    #: Allowed for a service that passes a person along.
    on_behalf: bool = False

    def __str__(self) -> str:
        verdict = "allowed" if self.is_allowed else "forbidden"
        if self.own:
            verdict = "own"
        elif self.on_behalf:
            verdict = "on-behalf"
        return f"{self.who}-{self.service}.{self.operation}-{verdict}"


@dataclass(frozen=True)
class _Grant:
    kind: str
    who: str
    service: str
    #: An operation name, or ``*``.
    operation: str
    #: ``own``, ``on-behalf`` or empty for all.
    scope: str


class Matrix:
    """The grants of one manifest."""

    def __init__(self, grants: Iterable[_Grant], includes: dict[str, frozenset[str]]) -> None:
        self._grants = list(grants)
        # Role to itself and all roles that it includes, transitively.
        self._includes = includes

    @classmethod
    def read(cls, path: str | Path) -> Matrix:
        """Reads a manifest (``.toml``) or an exported matrix (``.json``)."""
        path = Path(path)
        if path.suffix == ".json":
            return cls._from_export(json.loads(path.read_text(encoding="utf-8")))
        try:
            toml = importlib.import_module("tomllib")
        except ImportError as error:
            raise RuntimeError(
                "reading ringwall.toml needs Python 3.11; give the file that "
                "`ringwall show matrix --format json` writes"
            ) from error
        return cls._from_manifest(toml.loads(path.read_text(encoding="utf-8")), path.parent)

    @classmethod
    def _from_manifest(cls, manifest: dict[str, Any], folder: Path) -> Matrix:
        services = dict(manifest.get("services", {}))
        toml = importlib.import_module("tomllib")
        for pattern in manifest.get("include", []):
            for file in sorted(folder.glob(pattern)):
                included = toml.loads(file.read_text(encoding="utf-8"))
                services.update(included.get("services", {}))
        grants = [
            _grant(kind, who, service, text)
            for service, entry in services.items()
            for kind, table in (("person", "people"), ("service", "callers"))
            for who, texts in entry.get(table, {}).items()
            for text in texts
        ]
        direct = {
            role: [str(one) for one in entry.get("includes", [])]
            for role, entry in manifest.get("roles", {}).items()
        }
        return cls(grants, {role: _closure(role, direct) for role in direct})

    @classmethod
    def _from_export(cls, export: dict[str, Any]) -> Matrix:
        rows = export["operations"]
        # A name is one thing only: a role, a service or a partner.
        services = {row["service"] for row in rows}
        # A row lists what a role gets by inclusion already, so each role stands for itself.
        roles = [name for name in export["callers"] if name not in services and name != ANYONE]
        grants = [
            _Grant(
                "service" if who in services else "person",
                who,
                row["service"],
                row["operation"],
                "" if entry["access"] == "allowed" else entry["access"],
            )
            for row in rows
            for who, entry in row["callers"].items()
            if entry["access"] != "denied"
        ]
        return cls(grants, {role: frozenset({role}) for role in roles})

    def decide(self, kind: str, who: Iterable[str], service: str, operation: str) -> Case:
        """The decision for a service, or a person with some roles. The widest grant wins."""
        names = list(who)
        holds = set(names)
        if kind == "person":
            holds.add(ANYONE)
            for role in names:
                holds |= self._includes.get(role, frozenset({role}))
        found = [
            grant
            for grant in self._grants
            if grant.kind == kind
            and grant.who in holds
            and grant.service == service
            and grant.operation in (operation, "*")
        ]
        scopes = {grant.scope for grant in found}
        return Case(
            kind,
            who="+".join(names) or ANYONE,
            service=service,
            operation=operation,
            is_allowed=bool(found),
            own=scopes == {"own"},
            on_behalf=scopes == {"on-behalf"},
        )

    def cases(self, service: str, operations: Iterable[str]) -> Iterator[Case]:
        """One case for each role, ``anyone`` and each calling service, for each operation."""
        people = [ANYONE, *sorted(self._includes)]
        callers = sorted({grant.who for grant in self._grants if grant.kind == "service"})
        for operation in operations:
            for role in people:
                held = [] if role == ANYONE else [role]
                yield self.decide("person", held, service, operation)
            for caller in callers:
                if caller != service:
                    yield self.decide("service", [caller], service, operation)

    def operations(self, service: str) -> list[str]:
        """The operations of a service that some grant names."""
        found = {grant.operation for grant in self._grants if grant.service == service}
        return sorted(found - {"*"})


def _grant(kind: str, who: str, service: str, text: str) -> _Grant:
    operation, _, scope = text.partition(":")
    return _Grant(kind, who, service, operation, scope)


def _closure(role: str, direct: dict[str, list[str]]) -> frozenset[str]:
    found, waiting = set(), [role]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(direct.get(one, []))
    return frozenset(found)
