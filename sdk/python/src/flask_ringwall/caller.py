"""Who is calling. To hold a :class:`Caller` is to have the proof."""

from __future__ import annotations

from dataclasses import InitVar, dataclass

SERVICE_PREFIX = "service:"
ANONYMOUS = "anonymous"


class Proof:
    """Held by ``verify`` alone: nothing else can make a :class:`Caller`."""

    __slots__ = ()


PROOF = Proof()


@dataclass(frozen=True)
class Caller:
    """A verified caller: a person, a service, or a service on behalf of a person."""

    proof: InitVar[Proof]
    #: The person's id, ``service:<name>`` for a service alone, or ``anonymous``.
    subject: str
    #: Login name of the person, where there is one.
    name: str | None
    #: The organisation of the person or program: ``default`` where there are no others.
    organisation: str
    #: Roles of the person, with the roles that they include.
    roles: frozenset[str]
    #: The service that called, by its mutual TLS identity; ``None`` at the public door.
    service: str | None
    #: The operation that was permitted; ``None`` where nobody decided.
    operation: str | None
    #: Permitted only for the caller's own objects: the view has to state the owner.
    own: bool
    #: Identifies the request in every log.
    request_id: str
    #: Seconds since 1970.
    expires_at: int

    def __post_init__(self, proof: Proof) -> None:
        if proof is not PROOF:
            raise TypeError("a Caller is made by the verifier only")

    @property
    def is_anonymous(self) -> bool:
        """Nobody signed in, and no service calls."""
        return self.subject == ANONYMOUS

    @property
    def is_service(self) -> bool:
        """A service calls for itself."""
        return self.subject.startswith(SERVICE_PREFIX)

    @property
    def is_person(self) -> bool:
        """A person is behind this request, directly or through a service."""
        return not self.is_anonymous and not self.is_service

    def has_role(self, role: str) -> bool:
        """Whether the person has the role. For display; grants live in the manifest."""
        return role in self.roles
