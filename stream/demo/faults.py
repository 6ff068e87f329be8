# SPDX-License-Identifier: Apache-2.0
"""Add the faults of an ordinary day: repetitions, conflicts, virtual users, bad records."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from random import Random

from schemas import Reason
from schemas.mini_program import ORDER_PLACED, SESSION_LOGGED_IN
from schemas.pay import PAYMENT_SUCCEEDED, REFUND_SUCCEEDED
from stream.demo.clock import MINUTE_MS
from stream.demo.journal import Journal
from stream.demo.life import log_in
from stream.demo.people import UNLISTED_APP, Consumer, person_id
from stream.demo.wire import Happening, SourceRecord, message_id

AGAIN, RETRY, SNAPSHOT, CONFLICT, BAD = "again", "retry", "snapshot", "conflict", "bad:"


def conflict(journal: Journal, consumer: Consumer) -> None:
    """A login of an origin with another person's Union ID, before or after the right one."""
    role = next(role for role in ("mini", "till", "account") if role in consumer.openids)
    at = journal.clock.moment(consumer.brand.hours, 4, 23) + journal.rng.randrange(1000)
    true = log_in(journal, consumer, role, at, consumer.unionid)
    stranger = person_id(journal.rng, consumer.unionid[:6])
    shift = journal.rng.choice((-7, 11)) * MINUTE_MS
    other = log_in(journal, consumer, role, at + shift, stranger)
    other.kind = CONFLICT
    if journal.chance(0.5):  # the later of the two arrives first
        first, second = sorted((true, other), key=lambda h: h.at_ms)
        first.arrives_ms = journal.clock.clip(second.arrives_ms + MINUTE_MS)


def snapshot_login(journal: Journal, consumer: Consumer) -> None:
    """A session of a virtual user: openid and Union ID are shared between people."""
    role = next(role for role in ("mini", "till", "account") if role in consumer.openids)
    at = journal.clock.moment(consumer.brand.hours) + journal.rng.randrange(1000)
    data = {
        "appid": consumer.brand.app[role],
        "openid": person_id(journal.rng, "oSnap"),
        "unionid": person_id(journal.rng, "oSnap"),
        "is_snapshot_user": True,
    }
    journal.note(consumer, SESSION_LOGGED_IN, at, data).kind = SNAPSHOT


def retry(journal: Journal, payment: Happening) -> None:
    """WeChat Pay sends a notification again because our response was lost."""
    again = replace(payment, id=message_id(journal.rng), kind=RETRY, data=deepcopy(payment.data))
    attempts = journal.rng.choices(range(1, 9), (8, 7, 6, 4, 3, 2, 1, 1))[0]
    late = payment.arrives_ms + journal.clock.after_attempts(attempts)
    again.arrives_ms = journal.clock.clip(late)
    journal.happenings.append(again)


def again(record: SourceRecord, rng: Random, end_ms: int) -> SourceRecord:
    """The same record again, as a producer publishes it after a restart."""
    later = min(record.time_ms + rng.randrange(1_000, 40 * MINUTE_MS), end_ms)
    return replace(record, time_ms=later, kind=AGAIN)


# --- bad records ----------------------------------------------------------------------------------


def _negative_amount(h: Happening) -> None:
    h.data["amount"]["total"] = -100


def _no_zone(h: Happening) -> None:
    h.extra["time"] = "2026-03-01T08:12:30"


def _unknown_type(h: Happening) -> None:
    h.extra["type"] = "payment.settled.v1"


def _bank_account(h: Happening) -> None:
    h.data["user_received_account"] = "招商银行信用卡0403"


def _unlisted_app(h: Happening) -> None:
    h.data["appid"] = UNLISTED_APP


def _wrong_topic(h: Happening) -> None:
    h.topic = "wechat.pay"


def _placeholder(h: Happening) -> None:
    h.data["openid"] = "OPENID"


def _cut_off(h: Happening) -> None:
    """The bytes are cut when the record is written (`spoil`)."""


#: (event type, reason of the dead letter, how to spoil the event), used in turn.
BAD_RECORDS: tuple[tuple[str, Reason, Callable[[Happening], None]], ...] = (
    (PAYMENT_SUCCEEDED, Reason.MALFORMED_JSON, _cut_off),
    (PAYMENT_SUCCEEDED, Reason.INVALID_DATA, _negative_amount),
    (PAYMENT_SUCCEEDED, Reason.UNKNOWN_TYPE, _unknown_type),
    (REFUND_SUCCEEDED, Reason.INVALID_DATA, _bank_account),
    (ORDER_PLACED, Reason.UNKNOWN_APP, _unlisted_app),
    (ORDER_PLACED, Reason.INVALID_ENVELOPE, _no_zone),
    (ORDER_PLACED, Reason.WRONG_TOPIC, _wrong_topic),
    (ORDER_PLACED, Reason.INVALID_DATA, _placeholder),
)


def bad(rng: Random, number: int, models: dict[str, list[Happening]]) -> Happening:
    """The ``number``-th bad record: a copy of a good one with one thing wrong."""
    options = [entry for entry in BAD_RECORDS if models[entry[0]]]
    type_, reason, spoil = options[number % len(options)]
    model = rng.choice(models[type_])
    copy = replace(
        model,
        id=message_id(rng),
        kind=BAD + reason,
        data=deepcopy(model.data),
        claim=None,
        extra={},
    )
    spoil(copy)
    return copy


def spoil(record: SourceRecord) -> SourceRecord:
    """Cut the value off where the record is to be malformed."""
    if record.kind != BAD + Reason.MALFORMED_JSON:
        return record
    return replace(record, value=record.value[: len(record.value) * 2 // 3])
