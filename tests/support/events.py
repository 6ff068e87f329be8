# SPDX-License-Identifier: Apache-2.0
"""Events of a very small world, as Hypothesis strategies and as plain functions."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st

from schemas import CONTRACTS, Event, format_time, time_from_ms
from tests.support import payloads
from tests.support.books import DAY, START
from tests.support.model import ANSWERS

OPENIDS = ("oMei-1", "oMei-2", "oLi_-1")
UNIONS = ("uMei", "uLi")
#: Two as WeChat has them, and one as a till might have it for all its payments.
TRANSACTIONS = ("4200002231202603010000000001", "4200002231202603010000000002", "t3")
TILL = "urn:shadowpoints:shadowpoints:client:till-7"
DAYS = 20


def event(type_: str, time: int, data: dict[str, Any], id_: str = "", source: str = "") -> Event:
    """An event as ``schemas.decode`` would give it; ``time`` in ms. A mall is its own source."""
    of_mall = "time_end" in data or "refund_time" in data
    moment: datetime = time_from_ms(time)
    model = CONTRACTS[type_].validate(data)
    id_ = id_ or sha256(f"{type_}{time}{data}{source}".encode()).hexdigest()[:16]
    source = source or ("urn:test:mall" if of_mall else "urn:test")
    return Event(id_, source, type_, moment, time, model)


def payment(
    time: int,
    transaction: str,
    openid: str,
    fen: int,
    payer_fen: int | None = None,
    id_: str = "",
    *,
    source: str = "",
) -> Event:
    data = payloads.payment(time, transaction, openid, fen, payer_fen)
    return event("payment.succeeded.v1", time, data, id_, source)


def refund(
    time: int, transaction: str, refund_id: str, fen: int, payer_fen: int | None = None
) -> Event:
    data = payloads.refund(time, transaction, refund_id, fen, payer_fen)
    return event("refund.succeeded.v1", time, data)


def mall_payment(
    time: int, transaction: str, openid: str, fen: int, app: str = "wxmp", id_: str = ""
) -> Event:
    data = payloads.mall_payment(time, transaction, openid, fen, app)
    return event("payment.succeeded.v1", time, data, id_)


def mall_refund(time: int, transaction: str, refund_id: str, fen: int, openid: str) -> Event:
    data = {
        "appid": "wxmp", "openid": openid, "mchid": payloads.MALL, "transaction_id": transaction,
        "refund_id": refund_id, "pay_amount": 10_000, "refund_amount": fen,
        "refund_time": format_time(time_from_ms(time)),
    }  # fmt: skip
    return event("refund.succeeded.v1", time, data)


def coupon_received(time: int, code: str, who: dict[str, str], transaction: str = "") -> Event:
    data = {"stock_id": "s1", "coupon_code": code, **who}
    if transaction:
        data["transaction_id"] = transaction
    return event("coupon.received.v1", time, data)


def coupon_used(time: int, code: str, transaction: str) -> Event:
    data = {"stock_id": "s1", "coupon_code": code, "transaction_id": transaction}
    return event("coupon.used.v1", time, data)


def resolved(time: int, openid: str, union: str, app: str = "wxmp") -> Event:
    data = {"appid": app, "openid": openid, "unionid": union, "method": "user_info"}
    return event("unionid.resolved.v1", time, data)


def changed(time: int, former: str, openid: str, former_app: str = "wxoa") -> Event:
    new = {"appid": "wxmp", "openid": openid}
    data = {"former_appid": former_app, "former_openid": former, **new}
    return event("openid.changed.v1", time, data)


def login(
    time: int, openid: str, union: str | None = None, *, snapshot: bool = False, app: str = "wxmp"
) -> Event:
    data: dict[str, Any] = {"appid": app, "openid": openid, "is_snapshot_user": snapshot}
    if union:
        data["unionid"] = union
    return event("session.logged_in.v1", time, data)


def follow(time: int, openid: str) -> Event:
    return event("account.followed.v1", time, {"appid": "wxoa", "openid": openid})


def page_view(time: int, openid: str) -> Event:
    return event("page.viewed.v1", time, {"appid": "wxmp", "openid": openid, "path": "/menu"})


def check_in(time: int, ticket: str, who: dict[str, str]) -> Event:
    data = {"event_id": "tasting", "list_id": "door", "ticket_id": ticket, **who}
    return event("attendee.checked_in.v1", time, data)


def revert(time: int, ticket: str, who: dict[str, str], at: int) -> Event:
    back = {"checked_in_at": format_time(time_from_ms(at))}
    data = {"event_id": "tasting", "list_id": "door", "ticket_id": ticket, **who, **back}
    return event("check_in.reverted.v1", time, data)


def order(time: int, number: str, openid: str, lines: list[dict[str, Any]]) -> Event:
    data = {"appid": "wxmp", "openid": openid, "order_id": number, "lines": lines}
    return event("order.placed.v1", time, data)


def enrolled(time: int, member: str, who: dict[str, str]) -> Event:
    return event("member.enrolled.v1", time, {"member_id": member, **who})


def birthday(time: int, month: int, day: int, who: dict[str, str]) -> Event:
    return event("birthday.reported.v1", time, {"month": month, "day": day, **who})


def unbind(time: int, openid: str, union: str, account: str = "brand") -> Event:
    data = {"appid": "wxmp", "openid": openid, "consumer_id": f"union.{account}.{union}"}
    return event("unbind.requested.v1", time, data)


def consent(time: int, word: str, who: dict[str, str]) -> Event:
    """``word``: granted, paused or withdrawn."""
    version = {} if word == "paused" else {"text_version": "v1"}
    data = {"channel": "oa", **version, **who}
    return event(f"consent.{word}.v1", time, data)


# strategies -----------------------------------------------------------------------------------

openids = st.sampled_from(OPENIDS)
unions = st.sampled_from(UNIONS)
#: Coarse on purpose: days, caps and boundaries must collide, and so must instants.
times = st.builds(
    lambda day, part: START + day * DAY + part,
    st.integers(0, DAYS - 1),
    st.sampled_from([0, 1, 5 * 3_600_000, DAY - 1, 12 * 3_600_000]),
)
fens = st.sampled_from([0, 1, 33, 1050, 1999, 2000, 5000])
transactions = st.sampled_from(TRANSACTIONS)
apps = st.sampled_from(["wxmp", "wxoa", "wxmv"])
origins = openids.map(lambda openid: {"appid": "wxmp", "openid": openid})
followers = openids.map(lambda openid: {"appid": "wxoa", "openid": openid})
people = unions.map(lambda union: {"unionid": union, "open_account": "brand"})
anyone = st.one_of(origins, people, st.builds(lambda o, p: {**o, **p}, origins, people))
customers = st.one_of(
    anyone,
    transactions.map(lambda t: {"transaction_id": t}),
    unions.map(lambda u: {"consumer_id": f"union.brand.{u}"}),
    openids.map(lambda o: {"consumer_id": f"origin.wxmp.{o}"}),
    openids.map(lambda o: {"consumer_id": f"union.wxmp.{o}"}),  # of the origin's aliases
)
lines = st.lists(
    st.builds(
        lambda **said: {name: value for name, value in said.items() if value is not None},
        category=st.sampled_from(["coffee", "tea"]),
        sku_id=st.sampled_from([None, "small", "large"]),
        quantity=st.sampled_from([None, 1, 2]),
    ),
    max_size=3,
)
coupon_holders = st.one_of(
    origins, st.builds(lambda o, u: {**o, "unionid": u}, origins, unions), st.just({})
)


def _changed_within(time: int, openid: str, further: int) -> Event:
    """From one openid of an app to another: chains and circles come about."""
    other = OPENIDS[(OPENIDS.index(openid) + further) % len(OPENIDS)]
    return changed(time, openid, other, "wxmp")


_more = st.one_of(
    st.builds(login, times, openids, unions),
    st.builds(login, times, openids),
    st.builds(login, times, openids, unions, snapshot=st.just(True)),
    st.builds(follow, times, openids),
    st.builds(page_view, times, openids),
    st.builds(refund, times, transactions, st.sampled_from(["r1", "r2", "r3"]), fens),
    st.builds(enrolled, times, st.sampled_from(["m1", "m2"]), customers),
    st.builds(consent, times, st.sampled_from(ANSWERS), customers),
    st.builds(birthday, times, st.sampled_from([2, 3]), st.integers(1, DAYS + 1), customers),
    st.builds(unbind, times, openids, unions),
    st.builds(unbind, times, openids, openids, st.just("wxmp")),
    st.builds(resolved, times, openids, unions, apps),
    st.builds(login, times, openids, unions, app=st.just("wxmv")),
    st.builds(changed, times, openids, openids),
    st.builds(_changed_within, times, openids, st.integers(1, 2)),
    st.builds(mall_refund, times, transactions, st.sampled_from(["r1", "r2"]), fens, openids),
)


def _heard_of(paid: Event) -> st.SearchStrategy[int]:
    """What somebody else says was paid; mostly the same."""
    data: Any = paid.data
    return st.sampled_from([data.amount.total, data.amount.total, 33])


@st.composite
def histories(draw: st.DrawFn, *, max_size: int = 14) -> list[Event]:
    """A set of business events, each known once, in no particular order."""
    paid: dict[str, Event] = {
        t: payment(draw(times), t, draw(openids), draw(fens.filter(bool)), None)
        for t in draw(st.lists(transactions, unique=True))
    }
    twice = [
        mall_payment(one.time_ms, t, draw(openids), draw(_heard_of(one)), draw(apps))
        for t, one in paid.items()
        if draw(st.booleans())
    ]
    twice += [
        payment(one.time_ms, t, draw(openids), draw(_heard_of(one)), source=TILL)
        for t, one in paid.items()
        for _ in range(draw(st.sampled_from([0, 0, 1, 1, 4])))
    ]
    coupons = [
        one
        for n in range(draw(st.integers(0, 2)))
        for one in (
            coupon_received(draw(times), f"c{n}", draw(coupon_holders), draw(transactions)),
            coupon_used(draw(times), f"c{n}", draw(transactions)),
        )
        if draw(st.booleans())
    ]
    checked: list[Event] = []
    for n in range(draw(st.integers(0, 3))):
        at, who = draw(times), draw(anyone)
        checked.append(check_in(at, f"k{n}", who))
        if draw(st.booleans()):
            checked.append(revert(at + draw(st.sampled_from([1, DAY])), f"k{n}", who, at))
    ordered = [
        order(draw(times), f"o{n}", draw(openids), draw(lines))
        for n in range(draw(st.integers(0, 2)))
    ]
    more = draw(st.lists(_more, max_size=max_size))
    return [*paid.values(), *twice, *coupons, *checked, *ordered, *_contradiction_free(more)]


def _contradiction_free(events: list[Event]) -> list[Event]:
    """Two refunds with one id are one refund: keep the first one's content."""
    refunds: set[str] = set()
    kept = []
    for one in events:
        key = getattr(one.data, "refund_id", None)
        if key is None or key not in refunds:
            kept.append(one)
        if key is not None:
            refunds.add(key)
    return kept
