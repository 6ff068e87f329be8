# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import (
    CONTRACTS,
    Event,
    binary_headers,
    decode,
    encode_data,
    known_id,
    parse_time,
    time_ms,
)
from stream.brand.clients import TYPES, ClientKind, Right
from stream.engine.intake.event_to_messages import route
from stream.engine.model.directory import Directory, Move
from stream.engine.model.time_checks import Rejected
from stream.gateway.endpoints.batch_parser import (
    EVENTS_MAX,
    SDK_AGE_MAX_MS,
    Sender,
    check_events,
    read_batch,
)
from stream.gateway.endpoints.event_results import EventResult, Reason, Status
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from tests.gateway.endpoints.build import (
    APP,
    BACKEND,
    DIRECTORY,
    HORIZONS,
    MCHID,
    MEI,
    NOW_MS,
    OTHER_APP,
    SDK,
    TILL,
    at,
    client,
    event,
    page,
    payment,
    track,
)
from tests.schemas.samples import EXAMPLES

BY_TILL = Sender(TILL, DIRECTORY, NOW_MS, HORIZONS)
BY_BACKEND = Sender(BACKEND, DIRECTORY, NOW_MS, HORIZONS)
BY_MEI = Sender(SDK, DIRECTORY, NOW_MS, HORIZONS, MEI)
CHECK_IN = {"event_id": "tasting", "list_id": "entrance", "ticket_id": "t-1"}


def one(item: object, sender: Sender) -> EventResult:
    [judged] = check_events([item], sender)
    return judged


def data_of(judged: EventResult) -> dict[str, Any]:
    assert judged.event is not None, judged.message
    return dict(orjson.loads(encode_data(judged.event.data)))


# --- the body -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"[]", b"7", b'{"events": {}}', b'{"events": []}'),
        *(b'{"events": [{}], "more": 1}', b'{"events": [{}], "token": 7}'),
        orjson.dumps({"events": [{}] * (EVENTS_MAX + 1)}),
        b'{"events": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"events": [{}]' + b" " * 10 + b"trailing",
    ],
)
def test_what_is_no_batch_is_rejected(body: bytes) -> None:
    with pytest.raises(DeliveryRejected) as caught:
        read_batch(body)

    assert caught.value.reason is RejectReason.MALFORMED


def test_a_batch_has_up_to_a_hundred_events() -> None:
    assert len(read_batch(orjson.dumps({"events": [{}] * EVENTS_MAX})).events) == EVENTS_MAX


@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_malformed(body: bytes) -> None:
    try:
        read_batch(body)
    except DeliveryRejected as rejection:
        assert rejection.reason is RejectReason.MALFORMED  # noqa: PT017


# --- till and backend -----------------------------------------------------------------------------


def test_a_till_reports_a_payment_by_code() -> None:
    judged = one(event("payment.succeeded.v1", payment(), "till-7:1".replace(":", "-")), BY_TILL)

    assert judged.status is Status.ACCEPTED
    assert judged.event is not None
    assert (judged.event.topic, judged.event.id) == ("wechat.pay", "till-1:till-7-1")
    assert data_of(judged)["payer"] == {"openid": MEI[1]}


def test_the_same_report_has_the_same_id() -> None:
    report = event("payment.succeeded.v1", payment(), "7")

    assert one(report, BY_TILL) == one(report, replace(BY_TILL, now_ms=NOW_MS + 60_000))


def test_what_is_accepted_is_an_event_the_engine_reads() -> None:
    judged = one(
        event("attendee.checked_in.v1", CHECK_IN | {"appid": MEI[0], "openid": MEI[1]}), BY_TILL
    )

    assert judged.event is not None
    said = judged.event
    headers = binary_headers(said.type, said.id, "urn:example", said.time)
    assert decode(encode_data(said.data), headers, said.topic).data == said.data


def test_a_till_reports_what_a_till_may() -> None:
    order = {"appid": APP, "openid": MEI[1], "order_id": "1", "total_fen": 100}
    assert one(event("order.placed.v1", order), BY_TILL).reason is Reason.NOT_ALLOWED
    assert one(event("order.placed.v1", order), BY_BACKEND).status is Status.ACCEPTED

    few = Sender(client(ClientKind.TILL, types=frozenset()), DIRECTORY, NOW_MS, HORIZONS)
    assert one(event("payment.succeeded.v1", payment()), few).reason is Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    "type_", ["offer.issued.v1", "record.erased.v1", "order.placed", "x" * 128]
)
def test_a_type_is_one_that_is_read(type_: Any) -> None:
    judged = one(event("", {}) | {"type": type_}, BY_BACKEND)

    assert (judged.reason, judged.message) == (
        Reason.UNKNOWN_TYPE,
        "$.events[0].type is not an event type that is read here.",
    )


@pytest.mark.parametrize(
    "who",
    [
        {"appid": OTHER_APP, "openid": "oSomebody"},
        {"open_account": "fit-brand", "unionid": "uSomebody"},
        {"appid": APP, "openid": "oMei", "open_account": "fit-brand", "unionid": "uSomebody"},
        {"appid": "wxNobodysApp", "openid": "oSomebody"},
    ],
)
def test_nobody_of_another_app_is_named(who: dict[str, str]) -> None:
    checked_in = one(event("attendee.checked_in.v1", CHECK_IN | who), BY_BACKEND)
    consent = event("consent.granted.v1", who | {"text_version": "1", "channel": "oa"})

    assert checked_in.reason is Reason.NOT_ALLOWED
    assert one(consent, BY_BACKEND).reason is Reason.NOT_ALLOWED
    if "openid" in who and "unionid" not in who:
        paid = payment(appid=who["appid"], payer={"openid": who["openid"]})
        assert one(event("payment.succeeded.v1", paid), BY_TILL).reason is Reason.NOT_ALLOWED


@pytest.mark.parametrize(
    ("consumer_id", "status"),
    [
        ("union.abc-brand.uMei", Status.ACCEPTED),
        (f"origin.{APP}.oMei", Status.ACCEPTED),
        ("union.fit-brand.uMei", Status.REJECTED),
        (f"origin.{OTHER_APP}.oMei", Status.REJECTED),
    ],
)
def test_a_consumer_id_is_of_an_app_of_the_clients(consumer_id: str, status: Status) -> None:
    consent = {"consumer_id": consumer_id, "text_version": "1", "channel": "crm"}

    assert one(event("consent.granted.v1", consent), BY_BACKEND).status is status


def test_union_ids_of_the_account_an_app_was_in_are_its_own() -> None:
    moved = replace(
        BY_BACKEND, directory=replace(DIRECTORY, moves={APP: Move("old-brand", NOW_MS)})
    )
    who = {"open_account": "old-brand", "unionid": "uMei"}
    checked_in = event("attendee.checked_in.v1", CHECK_IN | who)

    assert one(checked_in, moved).status is Status.ACCEPTED
    assert one(checked_in, BY_BACKEND).reason is Reason.NOT_ALLOWED


def test_an_openid_that_changed_was_of_an_app_of_the_clients() -> None:
    change = {"appid": APP, "openid": "oNew", "former_appid": OTHER_APP, "former_openid": "oOld"}
    apps, rights = frozenset({APP, OTHER_APP}), frozenset({Right.CHANGE_OPENID})
    both = Sender(
        client(ClientKind.BACKEND, appids=apps, rights=rights), DIRECTORY, NOW_MS, HORIZONS
    )

    assert one(event("openid.changed.v1", change), both).status is Status.ACCEPTED
    assert one(event("openid.changed.v1", change), BY_BACKEND).reason is Reason.NOT_ALLOWED


def test_who_is_one_person_is_a_right_of_its_own() -> None:
    change = {"appid": APP, "openid": "oNew", "former_appid": APP, "former_openid": "oOld"}
    coupon = {"stock_id": "s1", "coupon_code": "c1", "appid": APP, "unionid": "uMei"}
    paid = coupon | {"transaction_id": "4200000000202603010000000001"}
    rights = frozenset({Right.NAME_PAYER})
    trusted = Sender(client(ClientKind.BACKEND, rights=rights), DIRECTORY, NOW_MS, HORIZONS)

    assert one(event("openid.changed.v1", change), BY_BACKEND).reason is Reason.NOT_ALLOWED
    assert one(event("openid.changed.v1", change), trusted).reason is Reason.NOT_ALLOWED
    assert one(event("coupon.received.v1", coupon), BY_BACKEND).status is Status.ACCEPTED
    rejected = one(event("coupon.received.v1", paid), BY_BACKEND)
    assert (rejected.reason, "name_payer" in rejected.message) == (Reason.NOT_ALLOWED, True)
    assert one(event("coupon.received.v1", paid), trusted).status is Status.ACCEPTED


HALF_LISTED = Directory({OTHER_APP: "fit-brand"}, appids=frozenset({APP, OTHER_APP}))
LOGIN = {"appid": APP, "openid": "oMei", "unionid": "uMei"}


def test_what_the_engine_could_not_place_is_rejected_with_the_reason() -> None:
    """The app is listed, but with no Open Platform account whose Union ID it could be."""
    sender = replace(BY_BACKEND, directory=HALF_LISTED)
    good, bad = check_events(
        [page() | {"data": {"path": "a", "appid": APP, "openid": "oMei"}},
         event("session.logged_in.v1", LOGIN)],
        sender,
    )  # fmt: skip

    assert (bad.status, bad.reason) == (Status.REJECTED, Reason.UNKNOWN_APP)
    assert bad.message == (
        "$.events[1].data: The appid has no open_account in the apps file; add it there, then "
        "send it again."
    )
    assert one(event("session.logged_in.v1", LOGIN), BY_BACKEND).status is Status.ACCEPTED
    assert good.reason is None


def example(type_: str, happened_ms: int) -> dict[str, Any]:
    """The committed example as a client would send it, of another time."""
    result = orjson.loads((EXAMPLES / f"{type_}.json").read_bytes())
    data = result["data"]
    for name in ("success_time", "checked_in_at", "placed_at", "refund_time", "time_end"):
        if name in data:
            data[name] = at(happened_ms)
    return event(type_, data, time=at(happened_ms))


def names_in(tree: Any, prefix: str) -> set[str]:
    """All values of fields whose names end so."""
    if isinstance(tree, list):
        return set().union(*(names_in(item, prefix) for item in tree))
    if not isinstance(tree, dict):
        return set()
    own = {v for k, v in tree.items() if k.endswith(prefix) and isinstance(v, str)}
    return own.union(*(names_in(value, prefix) for value in tree.values()))


@pytest.mark.parametrize("listed", ["account", "app", "nothing"])
@pytest.mark.parametrize("days", [1, 0, -30, -40, -400])
@pytest.mark.parametrize("type_", sorted(TYPES[ClientKind.BACKEND]))
def test_what_is_accepted_is_what_the_engine_takes(type_: str, days: int, listed: str) -> None:
    """Each type, of the future, of now, of weeks and of a year ago; apps listed whole or not."""
    item = example(type_, NOW_MS + days * 86_400_000)
    apps = frozenset(names_in(item, "appid"))
    account = dict.fromkeys(apps, "abc-brand")
    directory = {
        "account": Directory(account, appids=apps),
        "app": Directory({}, appids=apps),
        "nothing": Directory({}),
    }[listed]
    may = {"appids": apps, "mchids": frozenset(names_in(item, "mchid")), "rights": frozenset(Right)}
    sender = Sender(client(ClientKind.BACKEND, **may), directory, NOW_MS, HORIZONS)

    judged = one(item, sender)

    data = CONTRACTS[type_].validate(item["data"])
    time = parse_time(item["time"])
    sent = Event("e", "", type_, time, time_ms(time), data)
    taken = route(sent, lambda key: None, directory, HORIZONS, NOW_MS, NOW_MS)
    if judged.reason is not Reason.NOT_ALLOWED:  # of an account which is no app's of the client's
        assert judged.reason == (taken.reason.value if isinstance(taken, Rejected) else None)


PARTNER = {
    "sp_appid": APP,
    "sp_mchid": "1900000002",
    "sub_mchid": MCHID,
    "payer": {"sp_openid": "oMei"},
}


def test_a_payment_is_of_a_merchant_of_the_clients() -> None:
    by_provider = payment(**PARTNER)
    del by_provider["appid"], by_provider["mchid"]
    mine = Sender(
        client(ClientKind.TILL, mchids=frozenset({MCHID, "1900000002"})),
        DIRECTORY,
        NOW_MS,
        HORIZONS,
    )

    assert one(event("payment.succeeded.v1", payment()), BY_TILL).status is Status.ACCEPTED
    foreign = one(event("payment.succeeded.v1", payment(mchid="not-a-merchant")), BY_TILL)
    assert (foreign.reason, "merchant" in foreign.message) == (Reason.NOT_ALLOWED, True)
    assert one(event("payment.succeeded.v1", by_provider), BY_TILL).reason is Reason.NOT_ALLOWED
    assert one(event("payment.succeeded.v1", by_provider), mine).status is Status.ACCEPTED


def test_an_error_says_where_and_never_what() -> None:
    paid = payment(amount={"total": 18.5, "payer_total": 1850}, user_received_account="ICBC 0403")
    del paid["transaction_id"]
    judged = check_events([page(), event("payment.succeeded.v1", paid)], BY_TILL)[1]

    assert judged.reason is Reason.INVALID_DATA
    assert "$.events[1].data.transaction_id is missing; it is required." in judged.message
    assert "$.events[1].data.amount.total: must be an integer" in judged.message
    assert "bank account: remove it before publishing" in judged.message
    assert "0403" not in judged.message


def test_a_number_beyond_64_bits_is_no_amount() -> None:
    body = orjson.dumps({"events": [event("payment.succeeded.v1", payment())]})
    body = body.replace(b'"total":1850', b'"total":18446744073709551616')
    [judged] = check_events(read_batch(body).events, BY_TILL)

    assert judged.reason is Reason.INVALID_DATA


# --- the envelope ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ""}, "$.events[0].id must be 1 to 1024 printable characters"),
        ({"id": "a\n"}, "$.events[0].id must be 1 to 1024 printable characters"),
        ({"id": "a" * 1025}, "$.events[0].id must be 1 to 1024 printable characters"),
        ({"id": 7}, "$.events[0].id must be 1 to 1024 printable characters"),
        ({"id": None}, "$.events[0].id is missing; it must be 1 to 1024 printable characters"),
        ({"type": None}, "$.events[0].type is missing; it must be an event type"),
        ({"type": 7}, "$.events[0].type must be an event type"),
        ({"type": ["x"]}, "$.events[0].type must be an event type"),
        ({"type": ""}, "$.events[0].type must be an event type"),
        ({"specversion": "0.3"}, "$.events[0].specversion must be the string 1.0"),
        ({"datacontenttype": "text/xml"}, "$.events[0].datacontenttype must be a media type"),
        ({"data": None, "data_base64": "e"}, "$.events[0].data_base64 must be a string in Base64"),
        ({"data_base64": "e30="}, "$.events[0].data_base64 and data are both given"),
        ({"data": []}, "$.events[0].data must be a JSON object."),
        ({"data": None}, "$.events[0].data must be a JSON object."),
        ({"time": None}, "$.events[0].time is missing; it must be an RFC 3339 time"),
        ({"time": NOW_MS}, "$.events[0].time must be an RFC 3339 time"),
        ({"time": "2026-03-01 08:00:00"}, "$.events[0].time must be an RFC 3339 time"),
        ({"time": "1999-03-01T08:00:00Z"}, "$.events[0].time must be an RFC 3339 time"),
        ({"time": "2026-02-30T08:00:00Z"}, "$.events[0].time must be an RFC 3339 time"),
    ],
)
def test_an_envelope_that_is_no_event(changes: dict[str, Any], message: str) -> None:
    judged = one(page() | changes, BY_MEI)

    assert judged.reason is Reason.INVALID_EVENT
    assert judged.message.startswith(message)


def test_a_whole_cloudevent_is_taken_and_its_source_is_not() -> None:
    whole = page() | {"specversion": "1.0", "source": "urn:somebody:else", "subject": "oSomebody"}
    whole |= {"datacontenttype": 'text/json; charset="utf-8"', "sequence": 7, "traceparent": None}
    assert one(whole, BY_MEI) == one(page(), BY_MEI)

    data = b64encode(orjson.dumps(page()["data"])).decode()
    encoded = {k: v for k, v in page().items() if k != "data"} | {"data_base64": data}
    assert one(encoded, BY_MEI) == one(page(), BY_MEI)


@pytest.mark.parametrize("id_", ["a:b", "{8D8AC610}/7 号", "x" * 200, "y" * 1024])
def test_an_id_is_known_as_one_in_kafka_is(id_: str) -> None:
    judged = one(event("payment.succeeded.v1", payment(), id_), BY_TILL)
    assert judged.event is not None
    assert judged.event.id == f"till-1:{known_id(id_)}"


@pytest.mark.parametrize("item", [None, 7, "x", [], [[]]])
def test_an_event_is_an_object(item: object) -> None:
    assert one(item, BY_MEI).message == "$.events[0] must be a JSON object."


def test_an_event_may_be_ahead_by_a_little() -> None:
    assert one(page(time=at(NOW_MS + 300_000)), BY_MEI).status is Status.ACCEPTED
    assert one(page(time=at(NOW_MS + 300_001)), BY_MEI).reason is Reason.IN_FUTURE


DAY_MS = 86_400_000


def paid(ago_ms: int, said_ago_ms: int | None = None) -> dict[str, Any]:
    moment = at(NOW_MS - (ago_ms if said_ago_ms is None else said_ago_ms))
    return event("payment.succeeded.v1", payment(success_time=at(NOW_MS - ago_ms)), time=moment)


def came_in(ago_ms: int) -> dict[str, Any]:
    ticket = {"event_id": "tasting", "list_id": "entrance", "ticket_id": "7"}
    who = {"appid": MEI[0], "openid": MEI[1]}
    return event("attendee.checked_in.v1", ticket | who, time=at(NOW_MS - ago_ms))


def test_an_sdk_may_be_three_days_late() -> None:
    assert one(page(time=at(NOW_MS - SDK_AGE_MAX_MS)), BY_MEI).status is Status.ACCEPTED
    assert one(page(time=at(NOW_MS - SDK_AGE_MAX_MS - 1)), BY_MEI).reason is Reason.TOO_LATE


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        (paid(366 * DAY_MS), None),
        (paid(366 * DAY_MS + 1), Reason.TOO_LATE),
        (came_in(35 * DAY_MS), None),
        (came_in(35 * DAY_MS + 1), Reason.TOO_LATE),
        (came_in(5_534 * DAY_MS), Reason.TOO_LATE),  # the year 2011
        (paid(-300_000), None),
        (paid(-300_001), Reason.IN_FUTURE),
        (paid(-26_900 * DAY_MS, 0), Reason.IN_FUTURE),  # success_time in 2099, time now
        (paid(2 * DAY_MS, 0), None),
        (paid(2 * DAY_MS + 1, 0), Reason.TIMES_DIFFER),
        (paid(0, 2 * DAY_MS + 1), Reason.TIMES_DIFFER),
        (paid(300 * DAY_MS, 0), Reason.TIMES_DIFFER),  # into the campaign of last winter
    ],
)
def test_a_till_learns_what_the_engine_would_refuse(
    late: dict[str, Any], reason: Reason | None
) -> None:
    judged = one(late, BY_TILL)
    assert judged.reason is reason
    assert judged.message.startswith("$.events[0]: " if reason else "")


def test_an_answer_about_consent_may_be_of_any_age() -> None:
    who = {"appid": MEI[0], "openid": MEI[1]}
    answer = {**who, "channel": "till", "text_version": "v1"}
    granted = event("consent.granted.v1", answer, time=at(NOW_MS - 400 * DAY_MS))
    assert one(granted, BY_BACKEND).status is Status.ACCEPTED


DEEP: Any = "p"
for _ in range(900):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"product_id": "p", "product_price": "1e9999999"}, None),
        ({"product_id": "p", "product_price": "1e-9999999"}, None),
        ({"product_id": "p", "product_price": DEEP}, None),
        ({"product_id": DEEP}, Reason.INVALID_DATA),
        ({"product_id": {"a": DEEP}}, Reason.INVALID_DATA),
        ({"product_id": []}, Reason.INVALID_DATA),
    ],
)
def test_a_bad_track_harms_no_other(properties: dict[str, Any], reason: Reason | None) -> None:
    judged = check_events(
        [track("ViewProduct", properties), page(), track("$MPViewScreen", {})], BY_MEI
    )
    assert (judged[0].reason, judged[0].event is None) == (reason, reason is not None)
    assert judged[1].status is Status.ACCEPTED


def test_what_a_payer_paid_is_at_most_the_price() -> None:
    more = payment(amount={"total": 1, "payer_total": 10**12})
    judged = one(event("payment.succeeded.v1", more), BY_TILL)
    assert judged.reason is Reason.INVALID_DATA
    assert "payer_total must not be above total" in judged.message


def test_one_id_stands_for_one_event() -> None:
    first, same, other = page("a"), page("a"), page("b")
    judged = check_events([first, same, other], BY_MEI)

    assert [j.status for j in judged] == [Status.ACCEPTED, Status.ACCEPTED, Status.REJECTED]
    assert judged[0].event == judged[1].event
    assert judged[2].message == "$.events[2].id is also that of $.events[0], which differs."


def test_bad_events_do_not_harm_good_ones() -> None:
    judged = check_events([None, page(id_="1"), {}, page(id_="2")], BY_MEI)

    assert [j.status == Status.ACCEPTED for j in judged] == [False, True, False, True]
    assert judged[1].as_json() == {"status": "accepted", "id": judged[1].event.id}  # type: ignore[union-attr]
    assert judged[0].as_json()["reason"] == "invalid_event"


# --- an SDK ---------------------------------------------------------------------------------------


def test_an_sdks_event_is_of_whom_the_token_names() -> None:
    judged = one(page(), BY_MEI)

    assert data_of(judged) == {
        "appid": MEI[0], "openid": MEI[1], "path": "pages/menu", "scene": 1011,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["appid", "openid", "unionid", "open_account", "consumer_id"])
def test_an_sdk_names_nobody(name: str) -> None:
    said = event("page.viewed.v1", {"path": "p", name: MEI[1]})
    judged = one(said, BY_MEI)

    assert judged.reason is Reason.NOT_ALLOWED
    assert MEI[1] not in judged.message


def test_an_sdk_reports_no_payment() -> None:
    assert one(event("payment.succeeded.v1", payment()), BY_MEI).reason is Reason.NOT_ALLOWED


def test_one_id_of_two_people_is_two_events() -> None:
    other = replace(BY_MEI, origin=(APP, "oLin"))
    mine, theirs = one(page(), BY_MEI).event, one(page(), other).event

    assert mine is not None
    assert theirs is not None
    assert mine.id != theirs.id
    assert MEI[1] not in mine.id


def test_tracks_are_events_whoever_they_say_it_is() -> None:
    judged = one(track("$MPViewScreen", {"$url_path": "pages/menu", "$scene": "wx-1047"}), BY_MEI)

    assert data_of(judged) == {
        "appid": MEI[0], "openid": MEI[1], "path": "pages/menu", "scene": 1047,
    }  # fmt: skip


def test_a_track_that_is_resent_is_the_same_event() -> None:
    first = track("$MPViewScreen", {"$url_path": "pages/menu"})
    again = first | {"_flush_time": NOW_MS + 90_000}
    later = first | {"_track_id": 5}

    assert one(first, BY_MEI) == one(again, BY_MEI)
    assert one(first, BY_MEI) != one(later, BY_MEI)


def test_a_track_without_what_it_must_say_is_rejected() -> None:
    judged = one(track("$MPViewScreen"), BY_MEI)

    assert (judged.reason, judged.message) == (
        Reason.INVALID_DATA,
        "$.events[0].data.path is missing; it is required.",
    )


def test_what_is_no_touchpoint_is_ignored() -> None:
    assert one(track("$MPLaunch"), BY_MEI).as_json() == {"status": "ignored"}


def test_tracks_are_for_sdks() -> None:
    assert (
        one(track("$MPViewScreen", {"$url_path": "p"}), BY_BACKEND).reason is Reason.INVALID_EVENT
    )


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["appid", "openid", "path", "amount", "x"]), inner)
    ),
    max_leaves=8,
)
_ITEM = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["1", "2"]) | _JSON,
        "type": st.sampled_from(sorted(BACKEND.types)) | _JSON,
        "time": st.just(at()) | _JSON,
        "data": _JSON,
        "event": st.sampled_from(["ViewProduct", "$MPShare"]) | _JSON,
        "properties": _JSON,
    },
)


@given(
    st.lists(_ITEM | _JSON, min_size=1, max_size=6), st.sampled_from([BY_TILL, BY_BACKEND, BY_MEI])
)
def test_any_events_are_judged_one_by_one(items: list[object], sender: Sender) -> None:
    judged = check_events(items, sender)

    assert len(judged) == len(items)
    for number, found in enumerate(judged):
        assert (found.event is not None) == (found.status is Status.ACCEPTED)
        if found.status is Status.REJECTED:
            assert found.message.startswith(f"$.events[{number}]")
        if sender is BY_MEI and found.event is not None:
            assert data_of(found)["openid"] == MEI[1]
