# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.facts import Fact
from stream.engine.model.messages import FactReceived, PaymentReported, RefundReported
from stream.engine.model.payment import Payment
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.account_messages import EXPORT_REQUESTED
from stream.replay.event_reader import shard_of
from stream.replay.shard import Shard
from stream.replay.spill import RoutedMessage
from tests.support.books import BOOK, DAY, START

ORIGIN, UNION, TX = "origin.wxmp.oMei", "union.brand.uMei", "tx.t1"


def visit(number: int) -> FactReceived:
    key = f"visit {number}"
    return FactReceived(
        Fact(key, "attendee.checked_in.v1", key, START, Touchpoint.CHECK_IN), ORIGIN
    )


def spent(fen: int) -> Fact:
    fields: dict[str, str | int | bool] = {"total_fen": fen, "payer_total_fen": fen}
    return Fact("payment:t1", "payment.succeeded.v1", "e", START, Touchpoint.PURCHASE, fields)


def test_facts_wait_to_be_posted() -> None:
    shard = Shard(BOOK, 0, 1)
    shard.apply([RoutedMessage(START, UNION, visit(n)) for n in (1, 1, 2)])

    report, lines = shard.report(START)

    assert report.points.rules == {"visit@1": {"granted": 20}}
    assert {k: n for k, n in report.outcomes.items() if n} == {"applied": 2, "duplicate": 1}
    assert lines == [b'{"consumer_id":"union.brand.uMei","balance":20,"offer":null}\n']


def test_a_refund_is_seen_as_what_it_takes_back() -> None:
    shard = Shard(BOOK, 0, 1)
    paid, refunded = spent(2000), RefundReported("r1", "e2", START, 1000, 1000)
    messages = [
        RoutedMessage(START, ORIGIN, FactReceived(paid, ORIGIN)),
        RoutedMessage(START, TX, PaymentReported(ORIGIN, paid)),
    ]
    shard.apply([*messages, RoutedMessage(START + 1, TX, refunded)])

    points = shard.report(START + 1)[0].points

    assert points.rules == {
        "spend@1": {"granted": 30, "clawed_back": 15},
        "big@1": {"granted": 7, "clawed_back": 7},
    }


def test_what_is_for_others_is_handed_out_in_order() -> None:
    shards = next(n for n in range(2, 20) if shard_of(ORIGIN, n) != shard_of(TX, n))
    shard = Shard(BOOK, shard_of(TX, shards), shards)
    enrolled = Fact("member.enrolled.v1:m", "member.enrolled.v1", "e3", START, member_id="m")
    waiting = [RoutedMessage(START, TX, RefundReported("r1", "e2", START, 1, 1))]
    waiting += [RoutedMessage(START, TX, FactReceived(enrolled))]

    assert shard.apply(waiting) == {}
    outbox = shard.apply([RoutedMessage(START + 5, TX, PaymentReported(ORIGIN, spent(2000)))])

    assert list(outbox) == [shard_of(ORIGIN, shards)]
    (messages,) = outbox.values()
    assert [(message.at, message.to) for message in messages] == [(START + 5, ORIGIN)] * 2
    assert shard.apply(()) == {}


def test_requests_change_nothing() -> None:
    shard = Shard(BOOK, 0, 1)
    shard.apply(
        [RoutedMessage(START, UNION, FactReceived(Fact("x", EXPORT_REQUESTED, "e", START)))]
    )
    assert shard.entities == {}
    assert shard.report(START)[0].outcomes["applied"] == 1


def test_payments_end_when_time_has_passed() -> None:
    shard = Shard(BOOK, 0, 1)
    shard.apply([RoutedMessage(START, TX, PaymentReported(ORIGIN, spent(2000)))])
    shard.end(START, START + 396 * DAY)
    assert isinstance(shard.entities[TX], Payment)
    shard.end(START, START + 397 * DAY)
    assert shard.entities == {}
