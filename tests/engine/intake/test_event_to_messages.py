# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from schemas import CONTRACTS, Event, Reason, decode
from schemas.registry import SOURCE_OF
from schemas.source import Role
from stream.engine.intake.event_to_messages import origin_of, route
from stream.engine.model.decision import Send
from stream.engine.model.directory import Directory
from stream.engine.model.fields import FIELDS
from stream.engine.model.ids import marker
from stream.engine.model.limits import SKEW_MS
from stream.engine.model.messages import (
    Alias,
    FactReceived,
    PaymentReported,
    RefundReported,
    Refuse,
    Unbind,
)
from stream.engine.model.state import Evidence, Origin
from stream.engine.model.time_checks import Rejected
from stream.engine.model.touchpoints import Touchpoint
from tests.schemas.samples import example, plain, topic_of
from tests.support import events
from tests.support.books import BOOK, DAY, DIRECTORY, START
from tests.support.events import event

INBOUND = sorted(name for name, contract in CONTRACTS.items() if contract.direction == "in")
ORIGIN, MEI, LI = "origin.wxmp.oMei-1", "union.brand.uMei", "union.brand.uLi"
MEI_AT_MP = {"appid": "wxmp", "openid": "oMei-1"}

Routed = tuple[Send, ...] | Rejected


def routed(
    one: Event,
    known: Origin | None = None,
    *,
    recorded: int | None = None,
    now: int | None = None,
    directory: Directory = DIRECTORY,
) -> Routed:
    recorded = one.time_ms if recorded is None else recorded
    now = recorded if now is None else now
    return route(one, lambda key: known, directory, BOOK.horizons, recorded, now)


def sent(result: Routed) -> tuple[Send, ...]:
    assert not isinstance(result, Rejected)
    return result


def rejected(result: Routed) -> Rejected:
    assert isinstance(result, Rejected)
    return result


def arrived(result: Routed) -> FactReceived:
    message = sent(result)[0].message
    assert isinstance(message, FactReceived)
    return message


# every type ---------------------------------------------------------------------------------------


def of_example(type_: str, document: dict[str, Any] | None = None) -> Event:
    value, headers = plain(document or example(type_))
    return decode(value, headers, topic_of(type_))


def everything(one: Event) -> Directory:
    """A directory which knows the apps of an event."""
    data: Any = one.data
    account = getattr(data, "open_account", None) or "brand-main"
    origin = getattr(data, "origin", None)
    former = getattr(data, "former_appid", "wxany")
    scope = (getattr(data, "consumer_id", None) or "..").split(".")[1] or "wxany"
    return Directory({origin[0] if origin else "wxany": account, former: account, scope: account})


@pytest.mark.parametrize("type_", INBOUND)
def test_every_inbound_event_goes_somewhere(type_: str) -> None:
    one = of_example(type_)
    result = routed(one, directory=everything(one))
    pays = SOURCE_OF[type_].role is Role.PAYMENT
    more = pays or type_ in ("coupon.received.v1", "openid.changed.v1")
    assert len(sent(result)) == (2 if more else 1)


@pytest.mark.parametrize("type_", INBOUND)
def test_the_fields_of_a_fact_are_those_which_rules_may_test(type_: str) -> None:
    one = of_example(type_)
    message = sent(routed(one, directory=everything(one)))[0].message
    if isinstance(message, FactReceived) and message.fact.touchpoint:
        allowed = FIELDS[Touchpoint(message.fact.touchpoint)]
        types = {name: type(value) for name, value in message.fact.fields.items()}
        assert types.items() <= allowed.items()
    else:
        others = ("member.", "birthday.", "consent.", "unbind.", "erase.", "export.")
        assert SOURCE_OF[type_].role is Role.REFUND or type_.startswith(others)


def test_every_touchpoint_has_an_event() -> None:
    found = set()
    for type_ in INBOUND:
        one = of_example(type_)
        message = sent(routed(one, directory=everything(one)))[0].message
        if isinstance(message, FactReceived):
            found.add(message.fact.touchpoint)
    by_itself = {0: Touchpoint.BIRTHDAY}
    assert {by_itself.get(number, number) for number in found} == {*Touchpoint}


# whom it concerns ---------------------------------------------------------------------------------


def test_a_payment_goes_to_the_payer_and_to_the_order() -> None:
    to_payer, to_order = sent(routed(events.payment(START, "t1", "oMei-1", 1000, 900)))
    assert to_payer.to == ORIGIN
    assert isinstance(to_payer.message, FactReceived)
    fact = to_payer.message.fact
    assert fact.fields == {
        "appid": "wxmp",
        "mchid": "1900000001",
        "total_fen": 1000,
        "payer_total_fen": 900,
        "trade_type": "JSAPI",
    }
    assert to_order == Send("tx.t1", PaymentReported(ORIGIN, fact, b"\0" + marker("urn:test")[:4]))


def test_a_payment_through_a_provider_belongs_to_the_merchants_own_app_where_known() -> None:
    data = {
        "sp_appid": "wxsp", "sp_mchid": "1", "sub_mchid": "2", "transaction_id": "t1",
        "out_trade_no": "n1", "trade_type": "JSAPI", "trade_state": "SUCCESS",
        "success_time": "2026-03-01T00:00:00+08:00", "amount": {"total": 100, "payer_total": 100},
        "payer": {"sp_openid": "oSp"},
    }  # fmt: skip
    by_provider = arrived(routed(event("payment.succeeded.v1", START, data)))
    assert by_provider.origin == "origin.wxsp.oSp"
    assert by_provider.fact.fields["mchid"] == "2"
    data |= {"sub_appid": "wxmp", "payer": {"sp_openid": "oSp", "sub_openid": "oMei-1"}}
    assert arrived(routed(event("payment.succeeded.v1", START, data))).origin == ORIGIN


def test_a_refund_goes_to_its_order_with_both_amounts() -> None:
    one = events.refund(START, "t1", "r1", 300, 250)
    refund = RefundReported("r1", one.id, START, 300, 250, "1900000001")
    assert routed(one) == (Send("tx.t1", refund),)


@pytest.mark.parametrize(
    ("who", "to", "origin", "claim"),
    [
        (MEI_AT_MP, ORIGIN, ORIGIN, ""),
        ({**MEI_AT_MP, "unionid": "uMei", "open_account": "brand"}, ORIGIN, ORIGIN, MEI),
        ({"unionid": "uMei", "open_account": "brand"}, MEI, "", ""),
        ({"consumer_id": MEI}, MEI, "", ""),
        ({"consumer_id": ORIGIN}, ORIGIN, ORIGIN, ""),
        ({"transaction_id": "t1"}, "tx.t1", "", ""),
        ({"transaction_id": "t1", **MEI_AT_MP}, ORIGIN, ORIGIN, ""),
    ],
)
def test_whoever_is_named_is_reached(who: dict[str, str], to: str, origin: str, claim: str) -> None:
    (send,) = sent(routed(events.enrolled(START, "M1", who)))
    assert isinstance(send.message, FactReceived)
    assert (send.to, send.message.origin, send.message.claim) == (to, origin, claim)


def bound(time: int = START, id_: str = "a") -> Origin:
    return Origin({MEI: Evidence(time, id_, "session.logged_in.v1")}, MEI, 3)


@pytest.mark.parametrize(
    ("union", "time", "to"),
    [
        (None, START, MEI),
        ("uMei", START + 1, MEI),
        ("uMei", START - 1, ORIGIN),  # earlier evidence
        ("uLi", START + 1, ORIGIN),  # a conflict, for the owner to report
    ],
)
def test_a_bound_origin_gets_what_it_could_learn(union: str | None, time: int, to: str) -> None:
    one = events.login(time, "oMei-1", union)
    (send,) = sent(routed(one, bound()))
    assert isinstance(send.message, FactReceived)
    assert send.to == to
    claim = f"union.brand.{union}" if union else ""
    assert (send.message.generation, send.message.claim) == (3 if to == MEI else 0, claim)


def test_a_claim_which_the_origin_has_never_heard_of_reaches_its_owner() -> None:
    unbound = Origin(evidence={})
    (send,) = sent(routed(events.login(START, "oMei-1", "uMei"), unbound))
    assert send.to == ORIGIN


def test_a_snapshot_user_is_refused_and_claims_nothing() -> None:
    one = events.login(START, "oMei-1", "uMei", snapshot=True)
    assert routed(one) == (Send(ORIGIN, Refuse("snapshot_user")),)


@pytest.mark.parametrize(
    ("one", "key"),
    [
        (events.login(START, "oMei-1"), ORIGIN),
        (events.payment(START, "t1", "oMei-1", 1), ORIGIN),
        (events.refund(START, "t1", "r1", 1), None),
        (events.enrolled(START, "M1", {"consumer_id": ORIGIN}), None),
    ],
    ids=["login", "payment", "refund", "enrolment"],
)
def test_which_origin_is_looked_up(one: Event, key: str | None) -> None:
    assert origin_of(one) == key


def test_a_request_to_unbind_goes_to_the_origin_however_old_it_is() -> None:
    one = events.unbind(START, "oMei-1", "uMei")
    expected = (Send(ORIGIN, Unbind(MEI, one.id, START)),)
    assert routed(one, bound()) == expected
    assert routed(one, bound(), recorded=START + 500 * DAY) == expected


# who is who ---------------------------------------------------------------------------------------

CLAIMS = [
    events.resolved(START, "oMei-1", "uMei"),
    events.coupon_received(START, "c1", {**MEI_AT_MP, "unionid": "uMei"}),
    event("card.accepted.v1", START, {**MEI_AT_MP, "unionid": "uMei", "card_id": "p1"}),
]


@pytest.mark.parametrize("one", CLAIMS, ids=lambda one: one.type)
def test_whatever_has_a_union_id_is_evidence_like_a_login(one: Event) -> None:
    (send,) = sent(routed(one))
    assert isinstance(send.message, FactReceived)
    assert (send.to, send.message.claim) == (ORIGIN, MEI)


def test_a_coupon_may_name_its_holder_in_any_way() -> None:
    without_openid = events.coupon_received(START, "c1", {"appid": "wxmp", "unionid": "uMei"})
    assert [send.to for send in sent(routed(without_openid))] == [MEI]
    by_payment = events.coupon_received(START, "c1", {}, "t1")
    assert [send.to for send in sent(routed(by_payment))] == ["tx.t1"]
    assert [send.to for send in sent(routed(events.coupon_used(START, "c1", "t1")))] == ["tx.t1"]


def test_a_coupon_for_a_payment_says_who_paid() -> None:
    one = events.coupon_received(START, "c1", {**MEI_AT_MP, "unionid": "uMei"}, "t1")
    _, to_payment = sent(routed(one))
    claim = to_payment.message
    assert to_payment.to == "tx.t1"
    assert isinstance(claim, FactReceived)
    assert (claim.claim, claim.counted, claim.origin) == (MEI, False, "")
    assert claim.among == ["wxmp", "wxoa"]  # wxmv comes to this account later
    nobody = events.coupon_received(START, "c1", MEI_AT_MP, "t1")
    assert len(sent(routed(nobody))) == 1


def test_a_changed_openid_introduces_the_former_one() -> None:
    one = events.changed(START, "oMei-2", "oMei-1")
    _, to_origin = sent(routed(one))
    evidence = Evidence(START, one.id, one.type)
    assert to_origin == Send(
        ORIGIN, Alias("origin.wxoa.oMei-2", START, {"union.wxmp.oMei-1": evidence}, introduced=True)
    )
    elsewhere = rejected(routed(events.changed(START, "oMei-2", "oMei-1", "wxno")))
    assert elsewhere.reason is Reason.UNKNOWN_APP


def test_the_profile_of_aliases_is_reached_by_the_origin_which_it_is_named_after() -> None:
    (send,) = sent(routed(events.enrolled(START, "M1", {"consumer_id": "union.wxmp.oMei-1"})))
    assert send.to == ORIGIN


MOVE = START + 10 * DAY


@pytest.mark.parametrize(
    ("time", "claim", "epoch"),
    [(MOVE - 1, "union.former.uMei", 0), (MOVE, "union.brand.uMei", MOVE)],
)
def test_a_union_id_is_of_the_account_the_app_was_in(time: int, claim: str, epoch: int) -> None:
    message = arrived(routed(events.login(time, "oMei-1", "uMei", app="wxmv")))
    assert (message.claim, message.epoch) == (claim, epoch)


@pytest.mark.parametrize(("account", "epoch"), [("former", 0), ("brand", MOVE)])
def test_whoever_names_the_account_is_believed(account: str, epoch: int) -> None:
    who = {"appid": "wxmv", "openid": "oMei-1", "unionid": "uMei", "open_account": account}
    message = arrived(routed(events.check_in(MOVE, "k1", who)))
    assert (message.claim, message.epoch) == (f"union.{account}.uMei", epoch)
    (send,) = sent(routed(events.check_in(MOVE, "k1", {"unionid": "u1", "open_account": account})))
    assert send.to == f"union.{account}.u1"


# what can never be applied ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        {"appid": "wxno", "openid": "o1"},
        {"unionid": "u1", "open_account": "elsewhere"},
        {"appid": "wxsp", "openid": "o1", "unionid": "u1", "open_account": "brand"},
    ],
)
def test_apps_which_nobody_listed(data: dict[str, str]) -> None:
    result = rejected(routed(events.check_in(START, "k1", data)))
    assert result.reason is Reason.UNKNOWN_APP
    assert "apps file" in result.message
    assert not any(value in result.message for value in data.values() if len(value) > 1)


def test_nobody_is_unbound_in_an_app_which_nobody_listed() -> None:
    data = {"appid": "wxno", "openid": "o1", "consumer_id": MEI}
    assert rejected(routed(event("unbind.requested.v1", START, data))).reason is Reason.UNKNOWN_APP


def test_a_login_with_a_union_id_needs_an_open_platform_account() -> None:
    data = {"appid": "wxsp", "openid": "o1", "is_snapshot_user": False}
    assert arrived(routed(event("session.logged_in.v1", START, data))).claim == ""
    assert (
        rejected(routed(event("session.logged_in.v1", START, {**data, "unionid": "u1"}))).reason
        is Reason.UNKNOWN_APP
    )


LOGIN = events.login(START, "oMei-1")
PAYMENT = events.payment(START, "t1", "oMei-1", 1000)
REFUND = events.refund(START, "t1", "r1", 1000)


@pytest.mark.parametrize(("ahead_ms", "accepted"), [(SKEW_MS, True), (SKEW_MS + 1, False)])
def test_a_clock_may_be_ahead_a_little(ahead_ms: int, accepted: bool) -> None:
    result = routed(LOGIN, recorded=START, now=START - ahead_ms)
    assert isinstance(result, tuple) is accepted
    assert accepted or (isinstance(result, Rejected) and result.reason is Reason.IN_FUTURE)


@pytest.mark.parametrize(
    ("one", "days"), [(LOGIN, 35), (PAYMENT, 366), (REFUND, 366)], ids=["login", "pay", "refund"]
)
def test_the_horizon_is_measured_from_publication_not_from_now(one: Event, days: int) -> None:
    far = START + 5000 * DAY
    assert isinstance(routed(one, recorded=START + days * DAY, now=far), tuple)
    result = rejected(routed(one, recorded=START + days * DAY + 1, now=far))
    assert result.reason is Reason.TOO_LATE
    assert f"{days} days" in result.message


@pytest.mark.parametrize(
    "one",
    [
        events.login(START, "oMei-1", "oMei-1"),
        events.resolved(START, "oMei-1", "oMei-1"),
        events.check_in(START, "k1", {**MEI_AT_MP, "unionid": "oMei-1", "open_account": "brand"}),
    ],
)
def test_a_union_id_which_is_the_openid_binds_nobody(one: Event) -> None:
    message = arrived(routed(one))
    assert (message.origin, message.claim) == (ORIGIN, "")
