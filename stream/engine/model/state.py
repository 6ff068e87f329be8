# SPDX-License-Identifier: Apache-2.0
"""What the engine keeps: accounts made of the facts of origins, and the origins themselves.

An account's points are a function of its facts, which it keeps by origin
(``stream.engine.points.balance``). Facts form sets which merge by union, and a touch is a register
whose higher rank holds, so no order, repetition or partitioning of the input can change the result
(promise P3).

The structs are mutable: the engine changes the state it is given and hands it back.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from stream.engine.model.birthday import Birthday
from stream.engine.model.classes import Classes
from stream.engine.model.person_fields import PersonKey
from stream.engine.model.touches import Touches


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


class Answer(IntEnum):
    """What a consumer said about consent. Of several at one instant the highest holds."""

    GRANTED = 0
    PAUSED = 1  # unfollowed: what follows waits for the next answer, and nothing is lost
    WITHDRAWN = 2


class Consent(msgspec.Struct, array_like=True, frozen=True, order=True):
    """The consumer's answer to the consent question, valid from ``time`` to the next answer."""

    time: int  # ms
    answer: Answer
    again: bool = False  # a copy: the record is counted where it reached another person


class StatedBirthday(msgspec.Struct, array_like=True, frozen=True, order=True):
    """Since ``time`` this has been said to be the birthday; what was said last holds."""

    time: int  # ms
    birthday: Birthday


class ArchivedTotals(msgspec.Struct, array_like=True):
    """Totals of touches that are out of reach. Keys of ``granted`` are ``measure@version``."""

    granted: dict[str, int] = {}
    lots: dict[str, dict[int, int]] = {}  # by the day on which they expire, 0: never
    touches: dict[int, int] = {}  # touchpoint -> how many counted
    outcomes: dict[str, int] = {}
    latest: int = 0  # ms; time of the latest touch
    fen: int = 0  # paid and not refunded, by all of them
    cells: dict[str, dict[int, int]] = {}  # what rules with a memory count: measure -> cell -> sum
    #: Of ``granted`` that of the week in which the first open day is, by week.
    in_week: dict[str, dict[int, int]] = {}
    bought: dict[int, list[int]] = {}  # for classes: day -> how many purchases, and their fen


class OriginFacts(msgspec.Struct, array_like=True):
    """The part of an account that came by one origin, kept apart so that it can leave exactly."""

    touches: Touches = msgspec.field(default_factory=Touches)
    enrolments: dict[bytes, Enrolment] = {}
    consents: dict[bytes, Consent] = {}
    attached: list[int] = []  # generations whose TransferIn is in
    archived: ArchivedTotals | None = None
    birthdays: dict[bytes, StatedBirthday] = {}

    @property
    def stated(
        self,
    ) -> tuple[dict[bytes, Enrolment], dict[bytes, Consent], dict[bytes, StatedBirthday]]:
        """What was said and is kept for good, by kind."""
        return self.enrolments, self.consents, self.birthdays


class Newest(msgspec.Struct, array_like=True):
    """The latest cell (``stream.engine.points.balance``) in which a measure granted something."""

    at: int  # ms
    points: int  # before caps
    granted: int  # of them
    in_day: int  # granted earlier on its day
    in_week: int  # and in its week
    in_month: int  # and in its month
    state: tuple[int, ...] = ()  # of the rule's kind (``stream.engine.points.kinds``), before it


class Sums(msgspec.Struct, array_like=True):
    """What the facts come to, to which one more is added (``stream.engine.points.incremental``)."""

    book: int  # last version of the rules by which they were judged
    version: int  # version in force when they were; ``silent``, ``waiting`` are by it. 0: none
    stale_at: int  # ms; from then on they are something else; 0: not by time alone
    seen: int  # ms; time of the latest fact of any kind
    touches: dict[int, int]  # touchpoint -> how many count
    latest: dict[int, int]  # touchpoint -> time of the last of them, ms
    newest: dict[str, Newest]  # by measure
    pending: dict[int, int]  # day from whose midnight on they are paid -> points
    standing: Standing | None = None  # None: the rules know no classes
    #: What nudges wait for: touchpoint -> times, ms (``stream.engine.points.recent``).
    recent: dict[int, list[int]] = {}
    waiting: dict[int, int] = {}  # touchpoint -> time of the last without an answer, ms
    silent: dict[int, int] = {}  # days -> when the consumer was silent for so many, ms


class Standing(msgspec.Struct, array_like=True):
    """The classes of a consumer (``stream.engine.model.classes``), to which a purchase is added.

    What is in a window of the rules is exact before ``leaves``, and from then on too much.
    """

    tier: str = ""
    lifecycle: str = ""
    rfm: str = ""
    tags: list[str] = []
    since: list[int] = []  # ms; of each of these
    begins: int = 0  # ms; from then on events are judged by them
    cell: int = 0  # ms; not before then begins the cell of an event which they judge
    ever: int = 0  # purchases; 2 are some
    spent: int = 0  # fen in the window of tiers
    number: int = 0  # purchases in the window of RFM scores
    fen: int = 0  # and their fen
    leaves: int = 0  # ms; when something leaves a window

    @property
    def classes(self) -> Classes:
        return {
            "tier": self.tier,
            "lifecycle": self.lifecycle,
            "rfm": self.rfm,
            "tags": tuple(self.tags),
        }


class Posted(msgspec.Struct, array_like=True):
    """What the ledger and the counters have so far; the next entry is a difference."""

    granted: dict[str, int] = {}  # measure@version -> points
    expired: dict[str, int] = {}
    paid: dict[str, int] = {}  # member id -> points
    outcomes: dict[str, int] = {}  # outcome -> input records

    @property
    def balance(self) -> int:
        balance = sum(self.granted.values())
        if self.expired:
            balance -= sum(self.expired.values())
        return balance - sum(self.paid.values()) if self.paid else balance


class LastOffer(msgspec.Struct, array_like=True):
    """What the CRM knows of this consumer's offer."""

    offer_id: str
    revision: int
    points: int
    benefits: list[str]
    valid_until: int  # ms
    announced_at: int  # ms
    live: bool
    pending: int = 0  # of the points: paid later
    block: str = ""
    accepted: bool = False


class Invitation(msgspec.Struct, array_like=True):
    """What the CRM knows of the invitation to answer the consent question."""

    invitation_id: str
    at: int  # ms; when it was made
    valid_until: int  # ms
    open: bool = True  # nobody has answered
    granted: bool = False  # that was the answer


class Told(msgspec.Struct, array_like=True):
    """What the CRM knows of a consumer's classes."""

    tier: str = ""
    lifecycle: str = ""
    rfm: str = ""
    tags: list[str] = []
    segment_at: int = 0  # ms; when stage or scores were told last
    tags_at: int = 0


class ToldNudge(msgspec.Struct, array_like=True):
    """A nudge that the CRM was told of."""

    nudge_id: str
    anchor: int  # ms; after which it came
    ends: int  # ms


class Nudged(msgspec.Struct, array_like=True):
    """What the CRM knows of a consumer's nudges, and when it was told."""

    live: dict[str, ToldNudge] = {}  # by nudge; some may be over
    last: dict[str, int] = {}  # nudge -> when it was told last, ms
    times: list[int] = []  # ms; of the last ones, as many as may be told in some days


class TransferState(msgspec.Struct, array_like=True):
    """How an origin's facts came to an account and left it: every message may come again."""

    left: int = 0  # the highest generation with which it left
    successor: PersonKey = ""  # the account they left for; "" once they are back
    joined: list[int] = []  # generations whose TransferIn has ever been in
    came: int = 0  # the highest generation, above the first, by which the origin sent its facts


class Account(msgspec.Struct, array_like=True):
    """A shadow account. Under the origin ``""`` stands what named only the Union ID."""

    facts_by_origin: dict[PersonKey, OriginFacts] = {}
    posted: Posted = msgspec.field(default_factory=Posted)
    last_offer: LastOffer | None = None
    transfers: dict[PersonKey, TransferState] = {}  # by origin
    entries: int = 0  # ledger entries ever written, and payouts of nothing
    offers: int = 0  # offers ever issued
    archived_before: int = 0  # the first open day
    erased: Erased | None = None
    sums: Sums | None = None  # None: to be counted
    told: Told | None = None
    traits: int = 0  # messages about traits ever
    nudged: Nudged | None = None
    invitation: Invitation | None = None  # the last


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

    evidence: dict[PersonKey, Evidence] = {}  # union key -> earliest evidence for it
    bound: PersonKey = ""  # union key
    generation: int = 0  # how often the binding changed
    account: Account | None = None
    vetoed: list[PersonKey] = []  # union keys which the origin is not, by request
    #: Entries, offers and messages about traits of accounts that left: ids go on.
    numbered: tuple[int, int, int] = (0, 0, 0)
    transfer: TransferState = msgspec.field(
        default_factory=TransferState
    )  # of its own account, when left
    erased: Erased | None = None
    aliases: dict[PersonKey, int] = {}  # the same person -> since when that is known, ms
    shared: dict[PersonKey, Evidence] = {}  # what aliases know: union key -> earliest evidence
    denied: list[PersonKey] = []  # union keys which aliases are not, by request
