"""What the engine keeps: accounts made of strands, origins and payments.

An account's points are a function of the facts in its strands (``stream.engine.tally``). Facts
form sets which merge by union, and a touch is a register whose higher rank holds, so no order,
repetition or partitioning of the input can change the result (promise P3).

The structs are mutable: the engine changes the state it is given and hands it back.
"""

from __future__ import annotations

import msgspec

from stream.engine.touches import Touches


class Erased(msgspec.Struct, array_like=True, frozen=True):
    """Nothing up to ``at`` is known of a person, nor will be; what came later is a new beginning.

    Kept in the entity, and under a name without an id for the time when there is none. If the
    person ``asked`` for it, a consent is needed for anything to count again.
    """

    at: int = 0  # ms
    asked: bool = False
    since: int = 0  # ms; when the engine learnt of it

    def merged(self, other: Erased) -> Erased:
        since = max(self.since, other.since)
        return Erased(max(self.at, other.at), self.asked or other.asked, since)


class Enrolment(msgspec.Struct, array_like=True, frozen=True, order=True):
    """The consumer joined the loyalty programme; the earliest one counts."""

    time: int  # ms
    member_id: str


class Consent(msgspec.Struct, array_like=True, frozen=True, order=True):
    """The consumer's answer to the consent question, valid from ``time`` to the next answer."""

    time: int  # ms
    granted: bool


class Closed(msgspec.Struct, array_like=True):
    """Totals of touches older than the horizon. Keys of ``granted`` are ``rule@version``."""

    granted: dict[str, int] = {}
    lots: dict[str, dict[int, int]] = {}  # by the day on which they expire, 0: never
    touches: dict[int, int] = {}  # touchpoint -> how many counted
    outcomes: dict[str, int] = {}
    latest: int = 0  # ms; time of the latest touch


class Strand(msgspec.Struct, array_like=True):
    """The part of an account that came by one origin, kept apart so that it can leave exactly."""

    touches: Touches = msgspec.field(default_factory=Touches)
    enrolments: dict[bytes, Enrolment] = {}
    consents: dict[bytes, Consent] = {}
    attached: list[int] = []  # generations whose Attach is in
    closed: Closed | None = None


class Newest(msgspec.Struct, array_like=True):
    """The latest day on which a rule granted something."""

    day: int
    points: int  # before caps
    granted: int  # of them
    in_month: int  # granted on earlier days of its month


class Sums(msgspec.Struct, array_like=True):
    """What the facts come to (``stream.engine.sums``), so that one more can be added to it."""

    book: int  # last version of the rules by which they were judged
    version: int  # version in force when they were; ``triggered`` is by its offers. 0: none
    stale_at: int  # ms; from then on they are something else; 0: not by time alone
    seen: int  # ms; time of the latest fact of any kind
    triggered: int  # ms; time of the latest touch which triggers offers, -1: none
    touches: dict[int, int]  # touchpoint -> how many count
    newest: dict[str, Newest]  # by rule


class Posted(msgspec.Struct, array_like=True):
    """What the ledger and the counters have been told so far; the next entry is a difference."""

    granted: dict[str, int] = {}  # rule@version -> points
    expired: dict[str, int] = {}
    paid: dict[str, int] = {}  # member id -> points
    outcomes: dict[str, int] = {}  # outcome -> input records

    @property
    def balance(self) -> int:
        balance = sum(self.granted.values())
        if self.expired:
            balance -= sum(self.expired.values())
        return balance - sum(self.paid.values()) if self.paid else balance


class Told(msgspec.Struct, array_like=True):
    """What the CRM knows of this consumer's offer."""

    offer_id: str
    revision: int
    points: int
    benefits: list[str]
    valid_until: int  # ms
    told_at: int  # ms
    live: bool


class Passage(msgspec.Struct, array_like=True):
    """How an origin's strand came to an account and left it: every message may come again."""

    left: int = 0  # the highest generation with which it left
    heir: str = ""  # whom it left for; "" once it is back
    joined: list[int] = []  # generations whose Attach has ever been in
    came: int = 0  # the highest generation, above the first, by which the origin sent its facts


class Account(msgspec.Struct, array_like=True):
    """A shadow account. The strand ``""`` holds what named only the Union ID."""

    strands: dict[str, Strand] = {}
    posted: Posted = msgspec.field(default_factory=Posted)
    told: Told | None = None
    passages: dict[str, Passage] = {}  # by origin
    entries: int = 0  # ledger entries ever written
    offers: int = 0  # offers ever issued
    closed_before: tuple[int, int] = (0, 0)  # first open day: of purchases, of the rest
    erased: Erased | None = None
    sums: Sums | None = None  # None: to be counted


class Evidence(msgspec.Struct, array_like=True, frozen=True, order=True):
    """An event which says that an origin is a certain union."""

    time: int  # ms
    event_id: str
    type: str
    epoch: int = 0  # ms; since when the app has been in the union's account, 0: ever

    @property
    def precedence(self) -> tuple[int, Evidence]:
        """The least holds: of the latest epoch of the app's account, the earliest evidence."""
        return -self.epoch, self


class Origin(msgspec.Struct, array_like=True):
    """Who an origin is. Unbound, it has an account of its own."""

    evidence: dict[str, Evidence] = {}  # union key -> earliest evidence for it
    bound: str = ""  # union key
    generation: int = 0  # how often the binding changed
    account: Account | None = None
    vetoed: list[str] = []  # union keys which the origin is not, by request
    numbered: tuple[int, int] = (0, 0)  # entries and offers of accounts that left: ids go on
    passage: Passage = msgspec.field(default_factory=Passage)  # of its own account, when left
    erased: Erased | None = None
    kin: dict[str, int] = {}  # origins which are the same person -> since when that is known, ms
    shared: dict[str, Evidence] = {}  # what kin know: union key -> earliest evidence
    denied: list[str] = []  # union keys which kin are not, by request
