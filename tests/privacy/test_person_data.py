# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

from stream.addressing.topics import TopicNames
from stream.brand.directory import load_apps
from stream.privacy.id_search import DeadLetterSearch
from stream.privacy.person_data import Found, PersonData, one_person
from stream.rules.loader import load_rules
from tests.support.erasable import ErasableEngine
from tests.support.erasing import (
    BY_ORIGIN,
    MEI,
    NAMES,
    PAYMENTS,
    UNION,
    dead,
    erase,
    her_day,
    others,
    transaction,
)
from tests.worker.events import MINI_PROGRAM, openid, unionid

NOW = 1_780_000_000_000
ORIGIN = f"origin.{MINI_PROGRAM}.{openid(MEI)}"
OTHER_ORIGIN = f"origin.wx1a2b3c4d5e6f7a01.{openid(MEI)}b"


def engine() -> ErasableEngine:
    made = ErasableEngine(load_rules(None), load_apps(None), partitions=4)
    for topic, value in [*her_day(NOW), *others(NOW), *dead(NOW)]:
        made.publish(topic, None, value, (), NOW)
    made.settle()
    return made


async def found(on: ErasableEngine, key: str) -> Found:
    people = await one_person(on.tables, on.partitions, key)
    survey = PersonData(people, TopicNames(), DeadLetterSearch(load_apps(None)))
    await survey.read_tables(on.tables, on.partitions)
    await survey.read_topics(on)
    return survey.found


def test_a_person_is_the_same_by_every_name() -> None:
    on = engine()
    for key in (UNION, ORIGIN, OTHER_ORIGIN):
        people = asyncio.run(one_person(on.tables, on.partitions, key))
        assert people == {UNION, ORIGIN, OTHER_ORIGIN}
    stranger = f"union.abc-brand.{unionid(99)}"
    assert asyncio.run(one_person(on.tables, on.partitions, stranger)) == {stranger}


def test_it_counts_what_names_them_and_their_payments() -> None:
    on = engine()
    hers = asyncio.run(found(on, ORIGIN))
    assert hers.payments == {f"tx.{transaction(MEI, number)}" for number in range(20)}
    assert hers.entities == 20 + 3
    places = [place for place in on.mentions(*NAMES, PAYMENTS) if "@" in place]
    for topic, number in hers.records.items():
        assert number == sum(place.startswith(f"{topic}-") for place in places), topic


def test_what_is_erased_is_not_there_any_more() -> None:
    on = engine()
    topic, value = erase(BY_ORIGIN, NOW)
    on.publish(topic, None, value, (), NOW)
    on.settle()
    asyncio.run(on.sweep())
    rest = asyncio.run(found(on, ORIGIN))
    assert (rest.entities, rest.records.total()) == (0, 0)
