from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import binary_headers, decode, encode_data
from stream.engine.directory import Move
from stream.gateway.doors.batches import EVENTS_MAX, SDK_AGE_MAX_MS, Sender, judge, read_batch
from stream.gateway.doors.clients import ClientKind
from stream.gateway.doors.judging import Judged, Status, Why
from stream.wechat.heard import NotHeard, Refusal
from tests.gateway.doors.build import (
    APP,
    BACKEND,
    DIRECTORY,
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

BY_TILL = Sender(TILL, DIRECTORY, NOW_MS)
BY_BACKEND = Sender(BACKEND, DIRECTORY, NOW_MS)
BY_MEI = Sender(SDK, DIRECTORY, NOW_MS, MEI)
CHECK_IN = {"event_id": "tasting", "list_id": "door", "ticket_id": "t-1"}


def one(item: object, sender: Sender) -> Judged:
    [judged] = judge([item], sender)
    return judged


def data_of(judged: Judged) -> dict[str, Any]:
    assert judged.event is not None, judged.message
    return dict(orjson.loads(encode_data(judged.event.data)))


# --- the body -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b'{"events": {}}',
        b'{"events": []}',
        b'{"events": [{}], "more": 1}',
        b'{"events": [{}], "token": 7}',
        orjson.dumps({"events": [{}] * (EVENTS_MAX + 1)}),
        b'{"events": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"events": [{}]' + b" " * 10 + b"trailing",
    ],
)
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(NotHeard) as caught:
        read_batch(body)

    assert caught.value.reason is Refusal.MALFORMED


def test_a_batch_has_up_to_a_hundred_events() -> None:
    assert len(read_batch(orjson.dumps({"events": [{}] * EVENTS_MAX})).events) == EVENTS_MAX


@given(st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_malformed(body: bytes) -> None:
    try:
        read_batch(body)
    except NotHeard as refusal:
        assert refusal.reason is Refusal.MALFORMED  # noqa: PT017


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
    assert one(event("order.placed.v1", order), BY_TILL).why is Why.NOT_ALLOWED
    assert one(event("order.placed.v1", order), BY_BACKEND).status is Status.ACCEPTED

    few = Sender(client(ClientKind.TILL, types=frozenset()), DIRECTORY, NOW_MS)
    assert one(event("payment.succeeded.v1", payment()), few).why is Why.NOT_ALLOWED


@pytest.mark.parametrize("type_", ["offer.issued.v1", "order.placed", "", None, 7, [], "x" * 999])
def test_a_type_is_one_which_is_read(type_: Any) -> None:
    judged = one(event("", {}) | {"type": type_}, BY_BACKEND)

    assert (judged.why, judged.message) == (
        Why.UNKNOWN_TYPE,
        "$.events[0].type is no event type which is read here.",
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

    assert checked_in.why is Why.NOT_ALLOWED
    assert one(consent, BY_BACKEND).why is Why.NOT_ALLOWED
    if "openid" in who and "unionid" not in who:
        paid = payment(appid=who["appid"], payer={"openid": who["openid"]})
        assert one(event("payment.succeeded.v1", paid), BY_TILL).why is Why.NOT_ALLOWED


@pytest.mark.parametrize(
    ("consumer_id", "status"),
    [
        ("union.abc-brand.uMei", Status.ACCEPTED),
        (f"origin.{APP}.oMei", Status.ACCEPTED),
        ("union.fit-brand.uMei", Status.REFUSED),
        (f"origin.{OTHER_APP}.oMei", Status.REFUSED),
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
    assert one(checked_in, BY_BACKEND).why is Why.NOT_ALLOWED


def test_an_openid_which_changed_was_of_an_app_of_the_clients() -> None:
    change = {"appid": APP, "openid": "oNew", "former_appid": OTHER_APP, "former_openid": "oOld"}
    both = Sender(client(ClientKind.BACKEND, appids=frozenset({APP, OTHER_APP})), DIRECTORY, NOW_MS)

    assert one(event("openid.changed.v1", change), both).status is Status.ACCEPTED
    assert one(event("openid.changed.v1", change), BY_BACKEND).why is Why.NOT_ALLOWED


def test_an_error_says_where_and_never_what() -> None:
    paid = payment(amount={"total": 18.5, "payer_total": 1850}, user_received_account="ICBC 0403")
    del paid["out_trade_no"]
    judged = judge([page(), event("payment.succeeded.v1", paid)], BY_TILL)[1]

    assert judged.why is Why.INVALID_DATA
    assert "$.events[1].data.out_trade_no is missing; it is required." in judged.message
    assert "$.events[1].data.amount.total: must be an integer" in judged.message
    assert "bank account: remove it before publishing" in judged.message
    assert "0403" not in judged.message


def test_a_number_beyond_64_bits_is_no_amount() -> None:
    body = orjson.dumps({"events": [event("payment.succeeded.v1", payment())]})
    body = body.replace(b'"total":1850', b'"total":18446744073709551616')
    [judged] = judge(read_batch(body).events, BY_TILL)

    assert judged.why is Why.INVALID_DATA


# --- the envelope ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ""}, "$.events[0].id must be 1 to 128 characters"),
        ({"id": "a:b"}, "$.events[0].id must be 1 to 128 characters"),
        ({"id": "a" * 129}, "$.events[0].id must be 1 to 128 characters"),
        ({"id": 7}, "$.events[0].id must be 1 to 128 characters"),
        ({"data": []}, "$.events[0].data must be a JSON object."),
        ({"data": None}, "$.events[0].data must be a JSON object."),
        ({"time": None}, "$.events[0].time must be an RFC 3339 time"),
        ({"time": NOW_MS}, "$.events[0].time must be an RFC 3339 time"),
        ({"time": "2026-03-01 08:00:00"}, "$.events[0].time must be an RFC 3339 time"),
        ({"time": "1999-03-01T08:00:00Z"}, "$.events[0].time must be an RFC 3339 time"),
        ({"time": "2026-02-30T08:00:00Z"}, "$.events[0].time must be an RFC 3339 time"),
        ({"source": "me"}, "$.events[0] has a field besides"),
    ],
)
def test_the_envelope_is_exact(changes: dict[str, Any], message: str) -> None:
    judged = one(page() | changes, BY_MEI)

    assert judged.why is Why.INVALID_EVENT
    assert judged.message.startswith(message)


@pytest.mark.parametrize("item", [None, 7, "x", [], [[]]])
def test_an_event_is_an_object(item: object) -> None:
    assert one(item, BY_MEI).message == "$.events[0] must be a JSON object."


def test_an_event_may_be_ahead_by_a_little() -> None:
    assert one(page(time=at(NOW_MS + 300_000)), BY_MEI).status is Status.ACCEPTED
    assert one(page(time=at(NOW_MS + 300_001)), BY_MEI).why is Why.IN_FUTURE


def test_an_sdk_may_be_three_days_late_and_a_till_any_time() -> None:
    assert one(page(time=at(NOW_MS - SDK_AGE_MAX_MS)), BY_MEI).status is Status.ACCEPTED
    assert one(page(time=at(NOW_MS - SDK_AGE_MAX_MS - 1)), BY_MEI).why is Why.TOO_LATE
    late = event("payment.succeeded.v1", payment(), time=at(NOW_MS - 30 * 86_400_000))
    assert one(late, BY_TILL).status is Status.ACCEPTED


def test_one_id_stands_for_one_event() -> None:
    first, same, other = page("a"), page("a"), page("b")
    judged = judge([first, same, other], BY_MEI)

    assert [j.status for j in judged] == [Status.ACCEPTED, Status.ACCEPTED, Status.REFUSED]
    assert judged[0].event == judged[1].event
    assert judged[2].message == "$.events[2].id is that of $.events[0], which differs."


def test_bad_events_do_not_harm_good_ones() -> None:
    judged = judge([None, page(id_="1"), {}, page(id_="2")], BY_MEI)

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

    assert judged.why is Why.NOT_ALLOWED
    assert MEI[1] not in judged.message


def test_an_sdk_reports_no_payment() -> None:
    assert one(event("payment.succeeded.v1", payment()), BY_MEI).why is Why.NOT_ALLOWED


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


def test_a_track_which_is_resent_is_the_same_event() -> None:
    first = track("$MPViewScreen", {"$url_path": "pages/menu"})
    again = first | {"_flush_time": NOW_MS + 90_000}
    later = first | {"_track_id": 5}

    assert one(first, BY_MEI) == one(again, BY_MEI)
    assert one(first, BY_MEI) != one(later, BY_MEI)


def test_a_track_without_what_it_must_say_is_refused() -> None:
    judged = one(track("$MPViewScreen"), BY_MEI)

    assert (judged.why, judged.message) == (
        Why.INVALID_DATA,
        "$.events[0].data.path is missing; it is required.",
    )


def test_what_is_no_touchpoint_is_ignored() -> None:
    assert one(track("$MPLaunch"), BY_MEI).as_json() == {"status": "ignored"}


def test_tracks_are_for_sdks() -> None:
    assert one(track("$MPViewScreen", {"$url_path": "p"}), BY_BACKEND).why is Why.INVALID_EVENT


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
    judged = judge(items, sender)

    assert len(judged) == len(items)
    for number, found in enumerate(judged):
        assert (found.event is not None) == (found.status is Status.ACCEPTED)
        if found.status is Status.REFUSED:
            assert found.message.startswith(f"$.events[{number}]")
        if sender is BY_MEI and found.event is not None:
            assert data_of(found)["openid"] == MEI[1]
