# SPDX-License-Identifier: Apache-2.0
"""What the core's own tests are made of: facts and accounts, by hand and by Hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from stream.engine.model.decision import Cause
from stream.engine.model.facts import Fact
from stream.engine.model.state import (
    Account,
    Answer,
    ArchivedTotals,
    Consent,
    Enrolment,
    Evidence,
    Invitation,
    LastOffer,
    Origin,
    OriginFacts,
    Posted,
    TransferState,
)
from stream.engine.model.touches import Touch, Touches
from stream.engine.model.touchpoints import Touchpoint
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
#: None is a person's key, which Hypothesis may find among the constants of the code.
texts = st.text().filter(lambda text: not text.startswith(("union.", "origin.")))
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
    fen=st.sampled_from([0, 1, 1200]),
)
by_name = st.dictionaries(names, small)
outcomes = st.dictionaries(st.sampled_from(["applied", "member"]), small)
archived = st.builds(
    ArchivedTotals,
    granted=by_name,
    lots=st.dictionaries(names, st.dictionaries(small, small)),
    touches=st.dictionaries(st.sampled_from([1, 17]), small),
    outcomes=outcomes,
    fen=small,
    cells=st.dictionaries(
        st.sampled_from(["row", "all#1"]), st.dictionaries(small, small, min_size=1)
    ),
    bought=st.dictionaries(small, st.tuples(small, small).map(list)),
)
consents = st.builds(Consent, times, st.sampled_from(Answer))
facts_by_origin = st.builds(
    OriginFacts,
    touches=st.dictionaries(markers, touches, max_size=3).map(Touches.of),
    enrolments=st.dictionaries(markers, st.builds(Enrolment, times, texts), max_size=2),
    consents=st.dictionaries(markers, consents, max_size=2),
    attached=st.lists(small, max_size=2),
    archived=st.none() | archived,
)
paid = st.dictionaries(st.text(max_size=3), st.integers(-50, 50))
posted = st.builds(Posted, by_name, by_name, paid, outcomes)
benefits = st.lists(texts)
last_offers = st.builds(LastOffer, texts, small, small, benefits, times, times, st.booleans())
invitations = st.builds(Invitation, texts, times, times, st.booleans(), st.booleans())
transfers = st.builds(TransferState, small, st.sampled_from(["", LI]), st.lists(small, max_size=2))
accounts = st.builds(
    Account,
    facts_by_origin=st.dictionaries(st.sampled_from(["", ORIGIN]), facts_by_origin),
    posted=posted,
    last_offer=st.none() | last_offers,
    transfers=st.dictionaries(st.just(ORIGIN), transfers),
    entries=small,
    offers=small,
    archived_before=small,
    invitation=st.none() | invitations,
)
evidence = st.builds(Evidence, times, texts, texts)
origins = st.builds(
    Origin,
    evidence=st.dictionaries(st.sampled_from([MEI, LI]), evidence),
    bound=st.sampled_from(["", MEI]),
    generation=small,
    account=st.none() | accounts,
    vetoed=st.lists(st.sampled_from([MEI, LI]), unique=True),
    numbered=st.tuples(small, small, small),
    transfer=transfers,
    denied=st.lists(st.sampled_from([MEI, LI]), unique=True),
    aliases=st.dictionaries(st.just("origin.wxoa.oWei"), small),
    shared=st.dictionaries(st.sampled_from([MEI, "union.wxmp.oMei"]), evidence),
)
