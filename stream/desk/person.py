# SPDX-License-Identifier: Apache-2.0
"""One person's page: where they stand, what is missing to more, and everything in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.base import SHANGHAI
from stream.addressing.partitioning import entity_partition
from stream.desk.identifiers import masked
from stream.desk.sources import NEWEST_MAX, Sources, about
from stream.desk.table import table
from stream.engine.audit.consumer_card import ConsumerCard, card_of
from stream.engine.model.decision import Channel
from stream.engine.model.ids import origin_key
from stream.engine.model.state import Account, Origin
from stream.kafka.topic_reader import TopicReader, TopicRecord
from stream.language import desk_messages as m
from stream.language import report_messages as r
from stream.language.message import Phrase, listed
from stream.lookup.consumer_explanation import explanation
from stream.lookup.rules_in_force import book_of
from stream.report.page import Section

#: Lines of a timeline that are shown, the newest.
LINES_MAX: Final = 500
_TOLD: Final = (Channel.OFFERS, Channel.IDENTITY, Channel.TRAITS)


class Line(NamedTuple):
    """One line of a timeline. ``balance`` is that after a ledger entry."""

    time: str
    what: Phrase | str
    effect: Phrase | str = ""
    rule: str = ""
    version: str = ""
    event_id: str = ""
    balance: str = ""


class PersonPage(NamedTuple):
    """What is shown of one person."""

    sections: list[Section]
    key: str


async def person_page(sources: Sources, key: str, *, whole: bool) -> PersonPage | None:
    """The page of the consumer ``key``; ``None`` if nothing is stored. Raises ``TopicsUnfit``.

    Unless ``whole``, openids and Union IDs are masked.
    """
    now_ms, partitions = sources.clock_ms(), sources.settings.partitions
    known = await explanation(sources.tables, partitions, key, now_ms)
    if known is None:
        return None
    sources.log_look(key, whole=whole)
    entity = await sources.reader.entity(key)
    account = entity.account if isinstance(entity, Origin) else entity
    book = await book_of(sources.tables, entity_partition(key, partitions))
    card = card_of(key, account if isinstance(account, Account) else None, book, now_ms, 0)
    lines = await timeline(sources, known, whole=whole)
    return PersonPage([_standing(known, card, key, whole=whole), _timeline(lines[::-1])], key)


async def timeline(sources: Sources, known: Mapping[str, Any], *, whole: bool) -> list[Line]:
    """What is known of the consumer of an explanation, and what was told, the oldest first."""
    origins = [origin_key(one["appid"], one["openid"]) for one in known["origins"]]
    lines = [*_facts(known, whole=whole), *await _told(sources, known["consumer_id"], origins)]
    return sorted(lines, key=lambda line: line.time)


def _standing(known: Mapping[str, Any], card: ConsumerCard, key: str, *, whole: bool) -> Section:
    rows: list[tuple[Phrase, Phrase | str]] = [(m.W_CONSUMER(), key if whole else masked(key))]
    rows += _origin_rows(known, whole=whole)
    account = known["account"]
    if account is not None:
        rows += [(m.W_BALANCE(), m.V_POINTS(points=f"{account['balance']:,}"))]
        rows += [*_offer_rows(account["offer"], card), *_more_rows(account)]
        rows += [(m.W_MEMBER(), one["member_id"]) for one in account["enrolments"]]
    note = m.STANDING_NOTE(time=known["as_of"])
    return table("standing", m.STANDING(), note, [m.H_WHAT(), m.H_IS()], rows)


def _origin_rows(known: Mapping[str, Any], *, whole: bool) -> Iterator[tuple[Phrase, str]]:
    for one in known["origins"]:
        openid = one["openid"] if whole else masked(one["openid"])
        yield r.R_ORIGIN(), f"{one['appid']} {openid}"


def _offer_rows(
    offer: Mapping[str, Any], card: ConsumerCard
) -> Iterator[tuple[Phrase, Phrase | str]]:
    if offer["live"]:
        points = f"{offer['points']:,}"
        yield m.W_OFFER(), m.V_POINTS_UNTIL(points=points, time=offer["valid_until"])
    else:
        yield m.W_NO_OFFER(), offer["reason"]
    if card.missing_points:
        yield m.W_MISSING_OFFER(), m.EARNS_POINTS(points=f"{card.missing_points:,}")
    if (ahead := card.next_benefit) is not None:
        what = m.W_MISSING_BENEFIT(benefit=ahead.id)
        yield what, m.EARNS_POINTS(points=f"{ahead.missing_points:,}")


def _more_rows(account: Mapping[str, Any]) -> Iterator[tuple[Phrase, Phrase | str]]:
    classes = account["classes"] or {}
    if "tier" in classes:
        yield m.W_TIER(), classes["tier"]
    if "next" in classes:
        yuan = m.V_YUAN(yuan=f"{classes['missing_fen'] / 100:,.2f}")
        yield m.W_MISSING_TIER(tier=classes["next"]), yuan
    for row in account["progress"]:
        yield m.W_PROGRESS(rule=row["rule"]), m.V_OF(done=f"{row['done']:,}", of=f"{row['of']:,}")
    for row in account["expires"]:
        yield m.W_EXPIRES(day=row["day"]), m.EARNS_POINTS(points=f"{row['points']:,}")


def _facts(known: Mapping[str, Any], *, whole: bool) -> Iterator[Line]:
    """What the account knows: proofs, touches, and what caps took."""
    for origin in known["origins"]:
        for proof in origin["evidence"]:
            consumer = proof["consumer_id"] if whole else masked(proof["consumer_id"])
            yield Line(
                proof["time"],
                m.T_PROOF(type=proof["type"]),
                m.E_BINDS_TO(consumer=consumer),
                event_id=proof["event_id"],
            )
    account = known["account"]
    if account is None:
        return
    for touch in account["touches"]:
        yield _touch(touch)
    for cut in account["cuts"]:
        yield Line(
            f"{cut['day']}T23:59:59+08:00",
            m.T_CAP(limit=cut["limit"].lstrip("*+"), period=cut["per"]),
            m.E_LEFT(points=f"{cut['points']:,}", earned=f"{cut['before_caps']:,}"),
            _rule(cut),
            str(cut["ruleset_version"]),
        )


def _touch(touch: Mapping[str, Any]) -> Line:
    earned = touch["before_caps"]
    if earned:
        effect: Phrase = m.E_BEFORE_CAPS(points="+".join(f"{row['points']:,}" for row in earned))
    elif touch["counts_for"]:
        effect = m.E_COUNTS_FOR(rules=listed(touch["counts_for"]))
    else:
        effect = m.E_NOTHING()
    if touch["outcome"] != "applied":
        effect = listed([touch["outcome"], effect])
    rules = ", ".join(_rule(row) for row in earned)
    version = ", ".join(sorted({str(row["ruleset_version"]) for row in earned}))
    return Line(touch["time"], m.T_TOUCH(touchpoint=touch["touchpoint"]), effect, rules, version)


def _rule(row: Mapping[str, Any]) -> str:
    campaign = f" × {row['campaign']}" if row.get("campaign") else ""
    return f"{row.get('rule') or ''}{campaign}"


async def _told(sources: Sources, key: str, origins: list[str]) -> list[Line]:
    """What the engine said about them, from its topics."""
    names, people = sources.settings.topics, {key, *origins}
    ledger, others = names.channel(Channel.LEDGER), [names.channel(one) for one in _TOLD]
    places = sorted(sources.reader.by_partition(people))
    subjects = {person.encode() for person in people}

    def is_theirs(record: TopicRecord) -> bool:
        return any(name == "ce_subject" and value in subjects for name, value in record.headers)

    lines = []
    async with sources.kafka(), TopicReader(sources.settings, [ledger, *others]) as reader:
        async for headers, data in about(reader, ledger, places, is_theirs):
            lines.append(_entry(headers, data))
        for topic in others:
            async for headers, data in about(reader, topic, places, is_theirs):
                lines.append(_message(headers, data))
    return lines


def _entry(headers: Mapping[str, str], data: Mapping[str, Any]) -> Line:
    return Line(
        _shanghai(headers.get("ce_time", "")),
        m.T_ENTRY(kind=data["kind"]),
        f"{data['points']:+,}",
        _rule(data),
        str(data.get("ruleset_version") or ""),
        data["cause"],
        f"{data['balance']:,}",
    )


def _message(headers: Mapping[str, str], data: Mapping[str, Any]) -> Line:
    points = data.get("points")
    effect: Phrase | str = ""
    if isinstance(points, int):
        effect = m.EARNS_POINTS(points=f"{points:,}")
    return Line(
        _shanghai(headers.get("ce_time", "")),
        m.T_MESSAGE(type=headers.get("ce_type", "?")),
        effect,
        event_id=headers.get("ce_id", ""),
    )


def _shanghai(time: str) -> str:
    """A time of an event as the engine's own explanations write it."""
    try:
        return datetime.fromisoformat(time).astimezone(SHANGHAI).isoformat(timespec="seconds")
    except ValueError:
        return time


def _timeline(lines: list[Line]) -> Section:
    headings = [
        m.H_TIME(), m.H_WHAT(), m.H_EFFECT(), r.C_RULE(), m.H_VERSION(), m.H_EVENT(), m.H_BALANCE(),
    ]  # fmt: skip
    note = m.TIMELINE_NOTE(records=f"{NEWEST_MAX:,}")
    shown = table("timeline", m.TIMELINE(), note, headings, lines[:LINES_MAX])
    return shown if len(lines) <= LINES_MAX else _shortened(shown, len(lines))


def _shortened(shown: Section, lines: int) -> Section:
    more = str(m.ONLY_LATEST(shown=f"{LINES_MAX:,}", all=f"{lines:,}"))
    return Section(
        shown.name, shown.title, shown.note, shown.headings, shown.numeric, shown.rows, more, None
    )
