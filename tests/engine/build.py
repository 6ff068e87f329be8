"""What the core's own tests are made of: facts, strands and accounts, by hand and by Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from stream.engine.facts import Fact
from stream.engine.ledger import Cause
from stream.engine.state import (
    Account,
    Closed,
    Consent,
    Enrolment,
    Evidence,
    Origin,
    Passage,
    Posted,
    Strand,
    Told,
)
from stream.engine.touches import Touch, Touches
from stream.engine.touchpoints import Touchpoint
from tests.support.books import DAY, START

ORIGIN = "origin.wxmp.oMei"
MEI = "union.brand.uMei"
LI = "union.brand.uLi"


def purchase(key: str = "t1", fen: int = 1000, time: int = START, id_: str = "e1") -> Fact:
    fields = {"total_fen": fen, "payer_total_fen": fen}
    type_ = "payment.succeeded.v1"
    return Fact(f"payment:{key}", type_, id_, time, Touchpoint.PURCHASE, dict(fields))


def login(time: int = START, id_: str = "l1") -> Fact:
    return Fact(f"login:{id_}", "session.logged_in.v1", id_, time, Touchpoint.LOGIN)


def enrolment(member: str = "M1", time: int = START, id_: str = "m1") -> Fact:
    return Fact(f"enrolled:{member}", "member.enrolled.v1", id_, time, member_id=member)


def cause(as_of: int = START, key: str = MEI, id_: str = "c1") -> Cause:
    return Cause(key, id_, as_of)


# strategies ---------------------------------------------------------------------------------------

times = st.integers(START, START + 100 * DAY)
names = st.sampled_from(["spend@1", "spend@2", "visit@1"])
small = st.integers(0, 50)
markers = st.binary(min_size=6, max_size=6)
#: Few values on purpose: what can tie must tie.
touches = st.builds(
    Touch,
    time=st.integers(START, START + 2),
    touchpoint=st.sampled_from([1, 17]),
    points=st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 2)), max_size=2),
    rank=st.integers(0, 1),
    seen=st.integers(0, 3),
    void=st.booleans(),
)
closed = st.builds(
    Closed,
    granted=st.dictionaries(names, small),
    lots=st.dictionaries(names, st.dictionaries(small, small)),
    touches=st.dictionaries(st.sampled_from([1, 17]), small),
    outcomes=st.dictionaries(st.sampled_from(["applied", "member"]), small),
)
strands = st.builds(
    Strand,
    touches=st.dictionaries(markers, touches, max_size=3).map(Touches.of),
    enrolments=st.dictionaries(markers, st.builds(Enrolment, times, st.text()), max_size=2),
    consents=st.dictionaries(markers, st.builds(Consent, times, st.booleans()), max_size=2),
    attached=st.lists(small, max_size=2),
    closed=st.none() | closed,
)
posted = st.builds(
    Posted,
    granted=st.dictionaries(names, small),
    expired=st.dictionaries(names, small),
    paid=st.dictionaries(st.text(max_size=3), st.integers(-50, 50)),
    outcomes=st.dictionaries(st.sampled_from(["applied", "member"]), small),
)
told = st.builds(
    Told,
    offer_id=st.text(),
    revision=small,
    points=small,
    benefits=st.lists(st.text()),
    valid_until=times,
    told_at=times,
    live=st.booleans(),
)
passages = st.builds(
    Passage, left=small, heir=st.sampled_from(["", LI]), joined=st.lists(small, max_size=2)
)
accounts = st.builds(
    Account,
    strands=st.dictionaries(st.sampled_from(["", ORIGIN]), strands),
    posted=posted,
    told=st.none() | told,
    passages=st.dictionaries(st.just(ORIGIN), passages),
    entries=small,
    offers=small,
    closed_before=st.tuples(small, small),
)
origins = st.builds(
    Origin,
    evidence=st.dictionaries(
        st.sampled_from([MEI, LI]), st.builds(Evidence, times, st.text(), st.text())
    ),
    bound=st.sampled_from(["", MEI]),
    generation=small,
    account=st.none() | accounts,
    vetoed=st.lists(st.sampled_from([MEI, LI]), unique=True),
    numbered=st.tuples(small, small),
    passage=passages,
    denied=st.lists(st.sampled_from([MEI, LI]), unique=True),
    kin=st.dictionaries(st.just("origin.wxoa.oWei"), small),
    shared=st.dictionaries(
        st.sampled_from([MEI, "union.wxmp.oMei"]), st.builds(Evidence, times, st.text(), st.text())
    ),
)
