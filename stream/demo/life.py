# SPDX-License-Identifier: Apache-2.0
"""Generate what happens to a consumer apart from visits: consent, login, follow, enrolment."""

from __future__ import annotations

from typing import Any

from schemas import official_account as oa
from schemas.crm import BIRTHDAY_REPORTED, MEMBER_ENROLLED
from schemas.mini_program import SESSION_LOGGED_IN
from schemas.privacy import CONSENT_GRANTED, CONSENT_WITHDRAWN
from stream.demo.clock import HOUR_MS, pick_weighted
from stream.demo.journal import Journal
from stream.demo.people import Consumer
from stream.demo.wire import Happening

_CONSENT = (("early", 70), ("late", 12), ("withdrawn", 6), ("never", 12))
_CHANNEL = {"till": "till", "mini": "mini_program", "account": "oa"}
_TEXT_VERSION = "privacy-2026-01"


def live(journal: Journal, consumer: Consumer) -> None:
    """The consent, logins and follows of one consumer, if any."""
    _consent(journal, consumer)
    for role in consumer.openids:
        if role == "account":
            if journal.chance(0.6):
                _follow(journal, consumer)
        elif journal.chance(0.85 if role == "mini" else 0.3):
            _log_in(journal, consumer, role)


def enrol(journal: Journal, consumer: Consumer) -> None:
    """The CRM reports a new member, by one of the ids that it knows."""
    at = journal.clock.moment(consumer.brand.hours, 12, 24)
    ways: list[dict[str, Any]] = [{"consumer_id": consumer.consumer_id}, consumer.union()]
    role = next(iter(consumer.openids))
    ways.append(consumer.origin(role))
    if consumer.transactions:
        ways.append({"transaction_id": consumer.transactions[0]})
    member = f"M-{journal.rng.randrange(10**6):06d}-{consumer.number}"
    data = {**journal.rng.choice(ways), "member_id": member}
    journal.note(consumer, MEMBER_ENROLLED, at, data, key=member)


def keep_birthday(journal: Journal, consumer: Consumer) -> None:
    """The CRM reports that it is this person's birthday, by the solar calendar."""
    day = journal.clock.day
    at = journal.clock.moment(consumer.brand.hours, 8, 10)
    data = {"month": day.month, "day": day.day, "calendar": "solar", **consumer.union()}
    journal.note(consumer, BIRTHDAY_REPORTED, at, data, key=consumer.consumer_id)


def log_in(journal: Journal, consumer: Consumer, role: str, at_ms: int, unionid: str) -> Happening:
    """A login with the Union ID of the session."""
    who = consumer.origin(role)
    data = {**who, "unionid": unionid, "is_snapshot_user": False}
    return journal.note(consumer, SESSION_LOGGED_IN, at_ms, data, key=who["openid"])


def _log_in(journal: Journal, consumer: Consumer, role: str) -> None:
    """Two in five come late in the evening, after most payments."""
    hours = (20, 24) if journal.chance(0.4) else (5, 20)
    at = journal.clock.moment(consumer.brand.hours, *hours) + journal.rng.randrange(1000)
    log_in(journal, consumer, role, at, consumer.unionid)
    if journal.chance(0.15):
        log_in(journal, consumer, role, at + journal.rng.randrange(HOUR_MS), consumer.unionid)


def _follow(journal: Journal, consumer: Consumer) -> None:
    rng, who = journal.rng, consumer.origin("account")
    at = journal.clock.moment(consumer.brand.hours)
    followed: dict[str, Any] = dict(who)
    if journal.chance(0.4):
        followed |= {"event_key": f"qrscene_poster_{rng.randrange(20)}", "ticket": "gQEr8DwAAA=="}
    elif journal.chance(0.2):  # the page after a payment, of some earlier day
        followed["event_key"] = f"last_trade_no_4200002918{rng.randrange(10**18):018d}"
    journal.note(consumer, oa.ACCOUNT_FOLLOWED, at, followed, key=who["openid"])
    if journal.chance(0.12):
        later = at + rng.randrange(1, 6) * HOUR_MS
        journal.note(consumer, oa.ACCOUNT_UNFOLLOWED, later, dict(who), key=who["openid"])


def _consent(journal: Journal, consumer: Consumer) -> None:
    """Early: the night's export of what was agreed to in the last weeks. Late: at the till."""
    answer = pick_weighted(journal.rng, _CONSENT)
    if answer == "never":
        return
    clock, rng = journal.clock, journal.rng
    if answer == "late":
        at = arrives = clock.moment(consumer.brand.hours, 14, 24)
    else:
        at = clock.earlier(30, consumer.brand.hours)
        arrives = clock.start + rng.randrange(HOUR_MS // 2)
    given = _consent_data(journal, consumer)
    journal.note(consumer, CONSENT_GRANTED, at, given, arrives_ms=arrives)
    if answer == "withdrawn":
        until = clock.moment(consumer.brand.hours, 8, 22)
        journal.note(consumer, CONSENT_WITHDRAWN, until, dict(given))


def _consent_data(journal: Journal, consumer: Consumer) -> dict[str, Any]:
    role = journal.rng.choice(tuple(consumer.openids))
    origin = consumer.origin(role)
    who = journal.rng.choices((consumer.union(), origin, consumer.union() | origin), (3, 2, 5))[0]
    return {**who, "text_version": _TEXT_VERSION, "channel": _CHANNEL[role]}
