# SPDX-License-Identifier: Apache-2.0
"""No key of a person may stand in the bytes of a message or an entity without being declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.erasure.person_references import people_in, people_of
from stream.engine.model.decision import Entity
from stream.engine.model.messages import (
    Alias,
    CampaignEnded,
    Disown,
    Erase,
    ErasureMark,
    FactReceived,
    Message,
    PaymentReported,
    RefundReported,
    Refuse,
    RulesChanged,
    Tick,
    TransferIn,
    TransferOut,
    Unbind,
    encode,
)
from stream.engine.model.payment import Payment, Report
from stream.engine.model.state import Account, Erased, Evidence, Origin, OriginFacts
from stream.engine.storage.codec import dump_entity
from tests.engine.build import (
    LI,
    MEI,
    ORIGIN,
    accounts,
    facts_by_origin,
    markers,
    origins,
    posted,
    purchase,
    small,
)

WEI = "origin.wxoa.oWei"
unions, keys = st.sampled_from([MEI, LI]), st.sampled_from([ORIGIN, WEI])
people = unions | keys
anybody = st.just("") | people
facts = st.builds(purchase)
times = st.integers(0, 2**40)
evidence = st.builds(Evidence, times, st.just("e1"), st.just("t"))
arrived = st.builds(FactReceived, facts, anybody, st.just("") | unions, small, st.booleans())
#: One strategy for each type, so that a new one is not forgotten.
MESSAGES: dict[type, st.SearchStrategy[Message]] = {
    FactReceived: arrived,
    PaymentReported: st.builds(PaymentReported, keys, facts),
    RefundReported: st.builds(RefundReported, st.just("r1"), st.just("e1"), times, small, small),
    TransferIn: st.builds(TransferIn, keys, small, facts_by_origin, posted, people, st.booleans()),
    TransferOut: st.builds(TransferOut, keys, small, people, st.booleans()),
    Alias: st.builds(
        Alias, keys, times, st.dictionaries(unions, evidence), st.lists(unions, max_size=1)
    ),
    Unbind: st.builds(Unbind, unions, st.just("u1"), times),
    Refuse: st.builds(Refuse, st.just("erased")),
    Erase: st.builds(Erase, times, st.booleans(), st.just("") | unions),
    ErasureMark: st.builds(ErasureMark, times, st.booleans()),
    Disown: st.builds(Disown, people, times),
    Tick: st.builds(Tick, small),
    RulesChanged: st.builds(RulesChanged, times, st.just(b"book")),
    CampaignEnded: st.builds(CampaignEnded, st.just("weeks"), times),
}
payments = st.builds(
    Payment,
    st.just("") | keys,
    st.none() | facts,
    waiting=st.dictionaries(markers, arrived, max_size=2),
    others=st.lists(st.builds(Report, keys, facts), max_size=1),
)
ENTITIES: dict[type, st.SearchStrategy[Entity]] = {
    Account: accounts,
    Origin: origins,
    Payment: payments,
    Erased: st.builds(Erased, times, st.booleans(), times),
}
addresses = people | st.sampled_from(["tx.4200", "tick", "erased.1.00ff"])


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from texts(name)
            yield from texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)


def people_within(value: bytes) -> set[str]:
    named = texts(msgspec.msgpack.decode(value, strict=False))
    return {text for text in named if text.startswith(("union.", "origin."))}


@given(addresses, st.one_of(*MESSAGES.values()))
def test_everyone_in_a_message_is_named(to: str, message: Message) -> None:
    assert people_in(to, message) == people_within(encode(to, message))


@given(addresses, st.one_of(*ENTITIES.values()))
def test_everyone_in_an_entity_is_named(key: str, entity: Entity) -> None:
    stored_under = set() if isinstance(entity, Erased) else people_within(encode(key, Tick(1)))
    assert people_of(key, entity) == people_within(dump_entity(entity)) | stored_under


def test_every_message_and_every_entity_is_tried() -> None:
    assert MESSAGES.keys() == set(Message.__args__)
    assert ENTITIES.keys() == set(Entity.__args__)


def test_an_origins_facts_name_nobody_but_by_their_place() -> None:
    assert people_of(MEI, Account(facts_by_origin={"": OriginFacts(), ORIGIN: OriginFacts()})) == {
        MEI,
        ORIGIN,
    }
