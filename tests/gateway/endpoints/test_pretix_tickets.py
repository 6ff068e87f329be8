# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import binary_headers, decode, encode_data, time_from_ms, time_ms
from schemas.check_in import AttendeeCheckedIn, attendance_key
from stream.engine.model.ids import marker
from stream.engine.model.state import Account, OriginFacts
from stream.engine.model.touches import SEEN_EVENT, Touch
from stream.engine.model.touchpoints import Touchpoint
from stream.gateway.endpoints.pretix_tickets import (
    CHECKED_IN,
    TicketRef,
    Webhook,
    check_in_event,
    known_attempts,
    next_attempt,
    read_ticket,
    read_webhook,
    reverted_check_ins,
)
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from tests.gateway.endpoints.build import MEI, NOW_MS

PLACE = TicketRef("tasting", 44, 7)
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


def account(*touches: tuple[TicketRef, int], void: bool = False, attempt: int = 1) -> Account:
    """An account in which these tickets were checked in so many seconds ago."""
    origin_facts = OriginFacts()
    for ref, ago_s in touches:
        data = AttendeeCheckedIn.model_validate(WHO | ref.ids | {"attempt": attempt})
        key = marker(attendance_key(data, "attendee.checked_in.v1"))
        at = time_ms(when(ago_s))
        origin_facts.touches[key] = Touch(at, Touchpoint.CHECK_IN, seen=SEEN_EVENT, void=void)
    return Account({"": origin_facts})


def reverts(known: Account, ticket: Any) -> list[int]:
    """How many seconds ago the check-ins were which are taken back."""
    attempts = known_attempts(known, PLACE, WHO)
    events: list[Any] = list(reverted_check_ins(attempts, PLACE, ticket, WHO, NOW_MS))
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


def test_a_pretix_that_knows_no_exits_means_entries() -> None:
    ticket = read_ticket({"checkins": [{"list": 44, "datetime": "2026-02-28T23:59:00Z"}]})
    assert ticket is not None
    event = check_in_event(Webhook("abc", CHECKED_IN, "tasting", 7, 44), PLACE, ticket, WHO)

    assert event is not None
    assert event.type == "attendee.checked_in.v1"


def test_an_event_is_one_that_the_engine_reads() -> None:
    event = check_in_event(WEBHOOK, PLACE, position((44, "entry", 5)), WHO)
    assert event is not None
    headers = binary_headers(event.type, event.id, "urn:example", event.time)

    assert decode(encode_data(event.data), headers, event.topic).data == event.data


def test_what_pretix_has_no_longer_is_taken_back() -> None:
    known = account((PLACE, 80))

    assert reverts(known, position()) == [80]
    assert reverts(known, position((44, "entry", 50))) == [80]
    assert reverts(known, position((44, "entry", 50), (44, "entry", 80))) == []


def test_a_check_in_on_another_list_or_of_another_ticket_stays() -> None:
    others = account(
        (TicketRef("tasting", 45, 7), 80),
        (TicketRef("tasting", 44, 8), 80),
        (TicketRef("yoga", 44, 7), 80),
    )

    assert reverts(others, position()) == []


@pytest.mark.parametrize(
    ("known", "listed", "attempt"),
    [
        (Account({}), 80, 1),
        (account((PLACE, 80)), 80, 1),
        (account((PLACE, 80)), 50, 2),
        (account((PLACE, 80), void=True), 50, 2),
        (account((PLACE, 80), attempt=4), 50, 5),
        (account((PLACE, 80), attempt=9), 50, 9),  # the maximum: more reversals earn nothing
    ],
)
def test_a_check_in_after_one_that_was_taken_back_has_the_next_number(
    known: Account, listed: int, attempt: int
) -> None:
    attempts = known_attempts(known, PLACE, WHO)
    assert next_attempt(attempts, position((44, "entry", listed)), PLACE) == attempt
    event: Any = check_in_event(WEBHOOK, PLACE, position((44, "entry", 5)), WHO, attempt)
    assert event.data.attempt == (attempt if attempt > 1 else None)


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
    except DeliveryRejected as rejection:
        assert rejection.reason is RejectReason.MALFORMED  # noqa: PT017
    else:
        assert webhook.ref is None or "/" not in webhook.ref.event


@given(st.binary(max_size=100))
def test_any_bytes_are_malformed(body: bytes) -> None:
    with pytest.raises(DeliveryRejected):
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
