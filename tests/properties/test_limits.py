# SPDX-License-Identifier: Apache-2.0
"""However often outsiders repeat themselves, nothing holds more than its limits say."""

from __future__ import annotations

from contextlib import ExitStack
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Event
from stream.engine.model.payment import Payment
from stream.engine.model.state import Account, Origin
from stream.engine.storage.codec import load_entity
from tests.support import events
from tests.support.books import BOOK, DAY, DIRECTORY, START
from tests.support.events import DAYS
from tests.support.world import World

pytestmark = pytest.mark.fuzz

END = START + (DAYS + 1) * DAY
MOST = 2
REPORTS = 2 * MOST  # else no payment would come to have too many payers
LIMITS = {
    "stream.engine.points.account_messages": [
        "BIRTHDAYS_PER_ORIGIN_MAX",
        "CONSENTS_PER_ORIGIN_MAX",
        "ENROLMENTS_PER_ORIGIN_MAX",
    ],
    "stream.engine.identity.payment": ["REFUNDS_PER_PAYMENT_MAX", "WAITING_PER_PAYMENT_MAX"],
    "stream.engine.model.payment": ["PAYERS_PER_PAYMENT_MAX"],
    "stream.engine.identity.origin_binding": ["CLAIMS_PER_ORIGIN_MAX", "UNBINDS_PER_ORIGIN_MAX"],
    "stream.engine.identity.aliases": [
        "ALIASES_PER_ORIGIN_MAX",
        "CLAIMS_PER_ORIGIN_MAX",
        "UNBINDS_PER_ORIGIN_MAX",
    ],
}
MEI = {"appid": "wxmp", "openid": "oMei-1"}
BY_ORDER = {"transaction_id": "t3"}

instants = st.integers(START, START + 3 * DAY - 1)
words = st.sampled_from(["granted", "granted", "withdrawn", "paused"])
few = st.integers(0, 9).map(str)
facts = st.one_of(
    st.builds(events.enrolled, instants, few, st.just(MEI)),
    st.builds(events.consent, instants, words, st.just(MEI)),
    st.builds(events.birthday, instants, st.just(3), st.integers(1, 9), st.just(MEI)),
    st.builds(events.page_view, instants, st.just("oMei-1")),
    st.builds(events.check_in, instants, few, st.just(MEI)),
)


waiting = st.builds(events.enrolled, instants, few, st.just(BY_ORDER))


def orders(payers: int) -> st.SearchStrategy[Event]:
    """About one payment, by one of so many payers."""
    payer = st.integers(1, payers).map("oPayer-{}".format)
    source, fen = few.map("urn:test:till-{}".format), st.integers(1, 9)
    return st.one_of(
        st.builds(events.refund, instants, st.just("t3"), few, fen),
        waiting,
        st.builds(events.payment, instants, st.just("t3"), payer, fen, source=source),
    )


claims = st.one_of(
    st.builds(events.login, instants, st.just("oMei-1"), few.map("u{}".format)),
    st.builds(events.unbind, instants, st.just("oMei-1"), few.map("u{}".format)),
    st.builds(events.changed, instants, few.map("oFormer-{}".format), st.just("oMei-1")),
)


def sizes_of(entity: object) -> dict[str, tuple[int, int]]:
    """What an entity holds of each kind, and how much of it there may be."""
    found: dict[str, tuple[int, int]] = {}
    account = entity.account if isinstance(entity, Origin) else entity
    if isinstance(entity, Origin):
        found["claims"] = len(entity.evidence), MOST
        found["unbinds"] = len(entity.vetoed), MOST
        found["aliases"] = len(entity.aliases), MOST
    if isinstance(entity, Payment):
        found["refunds"] = len(entity.refunds), MOST
        found["reports"] = len(entity.others), REPORTS
        found["payers"] = 0 if entity.disputed else len(entity.payers()), MOST
        found["waiting"] = len(entity.waiting), MOST
    if isinstance(account, Account):
        for origin, held in account.facts_by_origin.items():
            found[f"enrolments of {origin}"] = len(held.enrolments), MOST
            found[f"answers of {origin}"] = len(held.consents), 2 * MOST
            found[f"birthdays of {origin}"] = len(held.birthdays), MOST
    return found


@settings(max_examples=500)
@given(
    # Apart: what a moving origin holds comes together from two places.
    happened=st.one_of(
        st.lists(facts, min_size=8, max_size=30),
        st.lists(orders(2), min_size=8, max_size=30),
        st.lists(orders(9), min_size=8, max_size=30),
        st.lists(waiting, min_size=8, max_size=30),  # for a payment that nobody reports
        st.lists(claims, min_size=8, max_size=30),
    ),
    seed=st.integers(0, 2**32),
)
def test_nothing_outgrows_its_limits(happened: list[Event], seed: int) -> None:
    world = World(BOOK, DIRECTORY, Random(seed), stale=False)

    def check(key: str) -> None:
        value = world.entities.get(key)
        sizes = sizes_of(load_entity(key, value)) if value is not None else {}
        assert {name: size for name, size in sizes.items() if size[0] > size[1]} == {}

    world.on_commit = check
    with ExitStack() as stack:
        for module, names in LIMITS.items():
            for name in names:
                stack.enter_context(patch(f"{module}.{name}", MOST))
        stack.enter_context(patch("stream.engine.model.payment.REPORTS_PER_PAYMENT_MAX", REPORTS))
        world.run([(event, START + 4 * DAY) for event in happened], until=END)
    assert world.dead == []
