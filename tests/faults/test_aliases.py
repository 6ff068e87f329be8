# SPDX-License-Identifier: Apache-2.0
"""Whom nobody may make one: forged payments, one id for everything, chains, claims without end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest

from schemas import Event
from stream.engine.model.decision import Send
from stream.engine.model.limits import CLAIMS_PER_ORIGIN_MAX, UNBINDS_PER_ORIGIN_MAX
from stream.engine.model.messages import encode
from tests.support import events
from tests.support.books import BOOK, DAY, DIRECTORY, START
from tests.support.world import World

MALL, SHOP = "urn:test:mall", "urn:test"
VICTIM, THIEF = "origin.wxmp.oVictim", "origin.wxmp.oThief"


@dataclass
class Weighed(World):
    """A world which counts what it writes to the log."""

    messages: Counter[str] = field(default_factory=Counter)
    written: int = 0  # bytes
    largest: int = 0  # bytes

    def _enqueue(self, send: Send) -> None:
        size = len(encode(send.to, send.message))
        self.messages[type(send.message).__name__] += 1
        self.written += size
        self.largest = max(self.largest, size)
        super()._enqueue(send)

    @property
    def stored(self) -> int:
        return sum(map(len, self.entities.values()))


def world(*happened: Event) -> Weighed:
    found = Weighed(BOOK, DIRECTORY, partitions=1)
    found.run([(event, event.time_ms) for event in happened], START + 8 * DAY)
    assert found.violations() == []
    return found


def real(number: int) -> str:
    return f"42000022312026030{number:011}"


def bought(number: int, source: str = "") -> Event:
    return events.payment(START + number * DAY, real(number), "oVictim", 3000, source=source)


@pytest.mark.parametrize("source", [SHOP, events.TILL, "urn:test:another-shop"])
@pytest.mark.parametrize("fen", [3000, 1])
def test_one_forged_payment_takes_nobodys_points(source: str, fen: int) -> None:
    honest = [bought(number) for number in range(3)]
    forged = events.payment(START + DAY, real(1), "oThief", fen, source=source, id_="forged")
    binds = events.enrolled(START + 5 * DAY, "THIEF", {"appid": "wxmp", "openid": "oThief"})
    alone, robbed = world(*honest), world(*honest, forged, binds)
    assert (alone.binds(), robbed.binds()) == ({}, {})
    if source == events.TILL:  # WeChat's own report holds
        assert robbed.balances() == alone.balances()
        assert robbed.payouts() == {}


def test_a_thief_with_a_union_id_gets_no_more() -> None:
    forged = events.payment(START + DAY, real(1), "oThief", 3000, source=events.TILL)
    robbed = world(bought(0), bought(1), forged, events.login(START + DAY, "oThief", "uThief"))
    assert robbed.binds() == {THIEF: "union.brand.uThief"}
    assert robbed.balances()[VICTIM] == world(bought(0), bought(1)).balances()[VICTIM]


def test_a_till_names_the_payer_of_a_payment_which_nobody_else_reports() -> None:
    assert world(bought(0, events.TILL)).balances() == world(bought(0)).balances()


def test_what_shop_and_mall_both_say_is_still_one_person() -> None:
    mall = events.mall_payment(START, real(0), "oVictim", 3000, "wxoa")
    shared = "union.wxmp.oVictim"
    assert world(bought(0), mall).binds() == {VICTIM: shared, "origin.wxoa.oVictim": shared}


@pytest.mark.parametrize("id_", ["0", "1" * 28, real(1)])
def test_one_transaction_id_for_everybody_costs_a_message_each(id_: str) -> None:
    def morning(people: int) -> Weighed:
        paid = [
            events.payment(START + n, id_, f"oGuest{n}", 1000, source=source)
            for n in range(people)
            for source in [events.TILL if n % 2 else SHOP]
        ]
        return world(*paid)

    few, many = morning(50), morning(200)
    assert (many.binds(), many.messages["Alias"]) == ({}, 0)
    assert sum(many.messages.values()) <= 4 * sum(few.messages.values())
    assert many.written <= 4.1 * few.written
    assert many.stored <= 4.1 * few.stored
    assert (many.counts["refused"], many.counts["applied"]) == (200, 0)
    assert many.balances() == {}
    (dispute,) = [one for one in many.published if one.type == "payment.disputed.v1"]
    assert dispute.data["transaction_id"] == id_


def chain(times: range) -> Weighed:
    """Each link is known to all before the next one is heard of."""
    found = Weighed(BOOK, DIRECTORY, partitions=1)
    for time in times:
        found.publish(events.changed(time, f"o{time}", f"o{time + 1}", "wxmp"), START + DAY)
        found.settle()
    assert found.violations() == []
    assert len(set(found.binds().values())) == 1
    return found


def test_a_chain_of_changed_openids_costs_the_same_for_each_link() -> None:
    few, many = chain(range(START, START + 16)), chain(range(START, START + 128))
    assert many.messages["Alias"] <= 8.5 * few.messages["Alias"]
    assert sum(many.messages.values()) <= 8.5 * sum(few.messages.values())
    assert many.written <= 8.5 * few.written
    assert many.stored <= 8.5 * few.stored
    assert many.largest <= 1.1 * few.largest


def test_a_chain_reported_from_its_end_costs_a_small_message_for_each_of_them() -> None:
    few, many = chain(range(START + 16, START, -1)), chain(range(START + 64, START, -1))
    assert many.messages["Alias"] <= 17 * few.messages["Alias"]
    assert many.stored <= 17 * few.stored
    assert many.largest <= few.largest + 64  # an origin's facts know their moves, a byte each


@pytest.mark.parametrize("order", ["rising", "falling", "at once", "mixed"])
@pytest.mark.parametrize("partitions", [1, 3])
def test_a_chain_reported_all_at_once_costs_at_most_its_square(order: str, partitions: int) -> None:
    few, many = (reported_at_once(links, order, partitions) for links in (12, 48))
    for kind in ("Alias", "TransferIn", "TransferOut"):
        assert many.messages[kind] <= 20 * few.messages[kind]
    assert sum(many.messages.values()) <= 3 * 48**2
    assert many.written <= 20 * few.written


def reported_at_once(links: int, order: str, partitions: int) -> Weighed:
    """Nothing is known of any link when all of them are published."""
    found = Weighed(BOOK, DIRECTORY, Random(links), partitions=partitions)
    times = {
        "rising": range(links),
        "falling": range(links, 0, -1),
        "at once": [0] * links,
        "mixed": Random(links).sample(range(links), links),
    }[order]
    for number, time in enumerate(times):
        changed = events.changed(START + time, f"o{number:02}", f"o{number + 1:02}", "wxmp")
        found.publish(changed, START + DAY)
    found.settle()
    assert found.violations() == []
    assert len(found.binds()) == links + 1
    assert len(set(found.binds().values())) == 1
    return found


def test_a_star_of_changed_openids_ends_with_the_aliases_one_may_have() -> None:
    star = world(*(events.changed(START + n, "oHub", f"o{n}", "wxmp") for n in range(100)))
    assert star.messages["Alias"] <= 400
    assert star.largest < 1000


def test_claims_without_end_are_refused_and_not_kept() -> None:
    def claimed(times: int) -> Weighed:
        logins = [events.login(START + DAY - n, "oVictim", f"u{n}") for n in range(times)]
        return world(events.page_view(START, "oVictim"), *logins)

    enough, many = claimed(CLAIMS_PER_ORIGIN_MAX), claimed(500)
    assert many.counts["refused"] == 500 - CLAIMS_PER_ORIGIN_MAX
    assert many.binds() == enough.binds()
    assert (many.balances(), many.stored) == (enough.balances(), enough.stored)


def test_binding_and_unbinding_without_end_ends() -> None:
    def torn(times: int) -> Weighed:
        happened = []
        for n in range(times):
            happened.append(events.login(START + n, "oVictim", f"u{n}"))
            happened.append(events.unbind(START + n, "oVictim", f"u{n}"))
        return world(*happened)

    enough, many = torn(UNBINDS_PER_ORIGIN_MAX), torn(200)
    assert many.counts["refused"] > 0
    assert many.stored <= 1.5 * enough.stored
    assert many.largest <= 1.5 * enough.largest


def test_thousands_who_wait_for_one_payment_are_refused() -> None:
    who = {"transaction_id": real(1)}
    waiting = [events.enrolled(START, f"M{n}", who) for n in range(1000)]
    assert Counter(world(*waiting).counts) == {"parked": 100, "refused": 900}
