"""What a door of the gateway is, what it is given, and what it gives back.

A door does the work of one path: it judges a delivery, publishes what it means and answers. The
gateway does the rest for all of them: it reads the body within the limits, keeps the time,
turns refusals into statuses, counts and logs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol

from stream.wechat.heard import NotHeard, Outgoing, Refusal

JSON: Final = "application/json"
TEXT: Final = "text/plain"
XML: Final = "text/xml"


class Publish(Protocol):
    """Publishes events on their topics, together with those of other requests."""

    async def __call__(self, events: Sequence[Outgoing]) -> None:
        """Return once Kafka has acknowledged all of them; raise `Unavailable` otherwise.

        What was not acknowledged may be in Kafka all the same; publishing it again is harmless,
        since the same event has the same id and the same business key.
        """


class Unavailable(NotHeard):
    """Kafka has not acknowledged in time: 503, so that the sender tries again."""

    def __init__(self) -> None:
        super().__init__(Refusal.UNAVAILABLE, "Kafka did not acknowledge in time; send it again.")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request, read whole.

    ``place`` are the named parts of the path; the names in ``headers`` are in lower case. Of a
    name given twice the last counts. ``ends_s`` is when the answer must be there, on the clock of
    the event loop.
    """

    method: str
    place: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now_ms: int
    ends_s: float = inf


@dataclass(frozen=True, slots=True)
class Answer:
    """A delivery was accepted. ``kind`` is a word of a closed set, for counting."""

    kind: str
    body: bytes = b""
    content_type: str = JSON
    status: int = 200


@dataclass(frozen=True, slots=True)
class Door:
    """One path. ``handle`` raises `NotHeard` for what it refuses, and nothing else.

    ``name`` is a word for metrics and logs; ``path`` is Starlette's, like ``/wechat/pay/{mchid}``.
    ``challenge`` is the ``WWW-Authenticate`` header of a 401, where the sender can make use of it.
    """

    name: str
    path: str
    handle: Callable[[Delivery], Awaitable[Answer]]
    methods: tuple[str, ...] = ("POST",)
    challenge: str | None = None


def uncounted(client: str, outcome: str) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the gateway lends to doors: the way to Kafka, and the clock (ms since the epoch).

    ``judged`` counts an event of a batch: by the kind of client, and what became of it.
    """

    publish: Publish
    now_ms: Callable[[], int]
    judged: Callable[[str, str], None] = uncounted
