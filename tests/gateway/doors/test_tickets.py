from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import binary_headers, decode, encode_data, time_from_ms, time_ms
from stream.engine.ids import marker
from stream.engine.reading import attendance_key
from stream.engine.state import Account, Strand
from stream.engine.touches import SEEN_EVENT, Touch
from stream.engine.touchpoints import Touchpoint
from stream.gateway.doors.tickets import (
    CHECKED_IN,
    Place,
    Webhook,
    check_in_event,
    read_ticket,
    read_webhook,
    taken_back,
)
from stream.wechat.heard import NotHeard, Refusal
from tests.gateway.doors.build import MEI, NOW_MS

PLACE = Place("tasting", 44, 7)
WHO = {"appid": MEI[0], "openid": MEI[1]}
WEBHOOK = Webhook("abc", CHECKED_IN, "tasting", 7, 44, "entry")


def position(*check_ins: tuple[int, str, int]) -> Any:
    """A ticket with check-ins: list, type, seconds before now."""
    found = read_ticket(
        {
            "checkins": [
                {"list": list_, "type": type_, "datetime": when(ago_s).isoformat()}
                for list_, type_, ago_s in check_ins
            ]
        }
    )
    assert found is not None
    return found


def when(ago_s: int) -> Any:
    return time_from_ms(NOW_MS - ago_s * 1000)


def account(*touches: tuple[Place, int], touchpoint: int = Touchpoint.CHECK_IN) -> Account:
    """An account in which these tickets were checked in so many seconds ago."""
    strand = Strand()
    for place, ago_s in touches:
        at = time_ms(when(ago_s))
        data = type("Data", (), place.ids)
        key = marker(attendance_key(data, "attendee.checked_in.v1", at))
        strand.touches[key] = Touch(at, touchpoint, seen=SEEN_EVENT)
    return Account({"": strand})


def reverts(known: Account, ticket: Any) -> list[int]:
    """How many seconds ago the check-ins were which are taken back."""
    events: list[Any] = list(taken_back(known, PLACE, ticket, WHO, NOW_MS))
    return [(NOW_MS - time_ms(e.data.checked_in_at)) // 1000 for e in events]


def test_the_first_entry_counts_and_the_first_exit() -> None:
    ticket = position((44, "entry", 50), (44, "exit", 90), (44, "entry", 80), (45, "entry", 99))
    exit_ = Webhook("abc", CHECKED_IN, "tasting", 7, 44, "exit")
    entry = check_in_event(WEBHOOK, PLACE, ticket, WHO)
    left = check_in_event(exit_, PLACE, ticket, WHO)

    assert entry is not None
    assert left is not None
    assert (entry.type, entry.time) == ("attendee.checked_in.v1", when(80))
    assert (left.type, left.time) == ("attendee.checked_out.v1", when(90))


def test_a_pretix_which_knows_no_exits_means_entries() -> None:
    ticket = read_ticket({"checkins": [{"list": 44, "datetime": "2026-02-28T23:59:00Z"}]})
    assert ticket is not None
    event = check_in_event(Webhook("abc", CHECKED_IN, "tasting", 7, 44), PLACE, ticket, WHO)

    assert event is not None
    assert event.type == "attendee.checked_in.v1"


def test_an_event_is_one_which_the_engine_reads() -> None:
    event = check_in_event(WEBHOOK, PLACE, position((44, "entry", 5)), WHO)
    assert event is not None
    headers = binary_headers(event.type, event.id, "urn:example", event.time)

    assert decode(encode_data(event.data), headers, event.topic).data == event.data


def test_what_pretix_has_no_longer_is_taken_back() -> None:
    known = account((PLACE, 80), (PLACE, 50))

    assert reverts(known, position()) == [80, 50] or reverts(known, position()) == [50, 80]
    assert reverts(known, position((44, "entry", 50))) == [80]
    assert reverts(known, position((44, "entry", 50), (44, "entry", 80))) == []


def test_a_check_in_on_another_list_or_of_another_ticket_stays() -> None:
    others = account(
        (Place("tasting", 45, 7), 80), (Place("tasting", 44, 8), 80), (Place("yoga", 44, 7), 80)
    )

    assert reverts(others, position()) == []
    assert reverts(account((PLACE, 80), touchpoint=Touchpoint.CHECK_OUT), position()) == []


@given(
    st.lists(st.tuples(st.sampled_from([44, 45]), st.sampled_from([7, 8]), st.integers(1, 9))),
    st.lists(st.tuples(st.sampled_from([44, 45]), st.integers(1, 9))),
)
def test_reverts_are_the_difference(
    known: list[tuple[int, int, int]], listed: list[tuple[int, int]]
) -> None:
    counted = account(*[(Place("tasting", list_, ticket), ago) for list_, ticket, ago in known])
    ticket = position(*[(list_, "entry", ago) for list_, ago in listed])

    mine = {ago for list_, number, ago in known if (list_, number) == (44, 7)}
    assert sorted(reverts(counted, ticket)) == sorted(mine - {a for n, a in listed if n == 44})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
_FIELDS = ["organizer", "action", "event", "orderposition_id", "checkin_list", "type"]


@given(st.dictionaries(st.sampled_from(_FIELDS) | st.text(max_size=5), _JSON) | _JSON)
def test_any_json_is_a_call_or_malformed(tree: object) -> None:
    try:
        webhook = read_webhook(orjson.dumps(tree))
    except NotHeard as refusal:
        assert refusal.reason is Refusal.MALFORMED  # noqa: PT017
    else:
        assert webhook.place is None or "/" not in webhook.place.event


@given(st.binary(max_size=100))
def test_any_bytes_are_malformed(body: bytes) -> None:
    with pytest.raises(NotHeard):
        read_webhook(body)


_TICKETS = st.fixed_dictionaries(
    {},
    optional={
        "checkins": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "list": st.just(44) | _JSON,
                    "datetime": st.just("2026-03-01T00:00:00Z") | _JSON,
                    "type": st.sampled_from(["entry", "exit"]) | _JSON,
                },
            )
        )
        | _JSON,
        "answers": st.lists(
            st.fixed_dictionaries({}, optional={"answer": _JSON, "question_identifier": _JSON})
        )
        | _JSON,
    },
)


@given(_TICKETS)
def test_any_position_is_a_ticket_or_none(tree: dict[str, Any]) -> None:
    ticket = read_ticket(tree)
    if ticket is not None:
        event = check_in_event(WEBHOOK, PLACE, ticket, WHO)
        assert event is None or event.time in ticket.times(44, "entry")
