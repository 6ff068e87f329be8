from __future__ import annotations

from stream.engine.account import EXPORT_REQUESTED
from stream.engine.facts import Fact
from stream.engine.messages import Arrived, Paid, Refunded
from stream.engine.payment import Payment
from stream.engine.touchpoints import Touchpoint
from stream.replay.intake import share_of
from stream.replay.share import Share
from stream.replay.spool import Post
from tests.support.books import BOOK, DAY, START

ORIGIN, UNION, TX = "origin.wxmp.oMei", "union.brand.uMei", "tx.t1"


def visit(number: int) -> Arrived:
    key = f"visit {number}"
    return Arrived(Fact(key, "attendee.checked_in.v1", key, START, Touchpoint.CHECK_IN), ORIGIN)


def spent(fen: int) -> Fact:
    fields: dict[str, str | int | bool] = {"total_fen": fen, "payer_total_fen": fen}
    return Fact("payment:t1", "payment.succeeded.v1", "e", START, Touchpoint.PURCHASE, fields)


def test_facts_wait_to_be_posted() -> None:
    share = Share(BOOK, 0, 1)
    share.apply([Post(START, UNION, visit(n)) for n in (1, 1, 2)])

    report, lines = share.report(START)

    assert report.books.rules == {"visit@1": {"granted": 20}}
    assert {k: n for k, n in report.outcomes.items() if n} == {"applied": 2, "duplicate": 1}
    assert lines == [b'{"consumer_id":"union.brand.uMei","balance":20,"offer":null}\n']


def test_a_refund_is_seen_as_what_it_takes_back() -> None:
    share = Share(BOOK, 0, 1)
    paid, refunded = spent(2000), Refunded("r1", "e2", START, 1000, 1000)
    posts = [Post(START, ORIGIN, Arrived(paid, ORIGIN)), Post(START, TX, Paid(ORIGIN, paid))]
    share.apply([*posts, Post(START + 1, TX, refunded)])

    books = share.report(START + 1)[0].books

    assert books.rules == {
        "spend@1": {"granted": 30, "clawed_back": 15},
        "big@1": {"granted": 7, "clawed_back": 7},
    }


def test_what_is_for_others_is_handed_out_in_order() -> None:
    shares = next(n for n in range(2, 20) if share_of(ORIGIN, n) != share_of(TX, n))
    share = Share(BOOK, share_of(TX, shares), shares)
    enrolled = Fact("member.enrolled.v1:m", "member.enrolled.v1", "e3", START, member_id="m")
    waiting = [Post(START, TX, Refunded("r1", "e2", START, 1, 1))]
    waiting += [Post(START, TX, Arrived(enrolled))]

    assert share.apply(waiting) == {}
    outbox = share.apply([Post(START + 5, TX, Paid(ORIGIN, spent(2000)))])

    assert list(outbox) == [share_of(ORIGIN, shares)]
    (posts,) = outbox.values()
    assert [(post.at, post.to) for post in posts] == [(START + 5, ORIGIN)] * 2
    assert share.apply(()) == {}


def test_requests_change_nothing() -> None:
    share = Share(BOOK, 0, 1)
    share.apply([Post(START, UNION, Arrived(Fact("x", EXPORT_REQUESTED, "e", START)))])
    assert share.entities == {}
    assert share.report(START)[0].outcomes["applied"] == 1


def test_payments_end_when_time_has_passed() -> None:
    share = Share(BOOK, 0, 1)
    share.apply([Post(START, TX, Paid(ORIGIN, spent(2000)))])
    share.end(START, START + 396 * DAY)
    assert isinstance(share.entities[TX], Payment)
    share.end(START, START + 397 * DAY)
    assert share.entities == {}
