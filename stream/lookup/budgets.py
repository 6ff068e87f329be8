# SPDX-License-Identifier: Apache-2.0
"""End campaigns whose budget is exhausted: in every partition of the log, at one instant to come.

The sums stand with the partitions (``stream.engine.model.budgets``). As a version of the rules, an
end enters by the log, and so long before it that nothing after it can have been counted.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import orjson

from schemas import binary_headers, format_ms
from schemas.rulesets import CAMPAIGN_ENDED
from stream.addressing.topics import TopicNames
from stream.engine.model.budgets import GRANTED_NOTE, exhausted, read_granted
from stream.engine.model.limits import SKEW_MS
from stream.engine.model.messages import CampaignEnded
from stream.engine.model.ruling import RULES_NOTE, Rules, newest, read_rules
from stream.kafka.encode import rules_record
from stream.kafka.record_batches import Publish
from stream.lookup.rules_publisher import DELIVERY_MS
from stream.process.clock import wall_clock_ms
from stream.tables.base import Record, Tables

_log = logging.getLogger(__name__)

_MINUTE_MS: Final = 60_000


class Budgets:
    """Compares what campaigns have granted with their budgets; one worker does it at a time."""

    def __init__(
        self,
        tables: Tables,
        publish: Publish,
        names: TopicNames,
        *,
        partitions: int,
        namespace: str,
        interval_s: float = 10.0,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._tables, self._publish, self._names = tables, publish, names
        self._partitions = range(partitions)
        self._source = f"urn:shadowpoints:{namespace}"
        self._interval_ms = round(interval_s * 1000)
        self._clock_ms = clock_ms
        self._looked_ms = 0

    async def look(self) -> list[str]:
        """End what is exhausted, if it is time to look again; returns the campaigns."""
        now_ms = self._clock_ms()
        if now_ms < self._looked_ms + self._interval_ms:
            return []
        self._looked_ms = now_ms
        notes = await self._tables.notes(self._partitions, RULES_NOTE)
        known = {partition: read_rules(note) for partition, note in notes.items()}
        current = newest(known.values())
        if current is None or not any(rules.book.budgets for rules in known.values()):
            return []
        granted = await granted_by_campaign(self._tables, len(self._partitions))
        clocks = [(await self._tables.view(partition, [])).clock_ms for partition in known]
        soonest_ms = max(now_ms, *clocks) + SKEW_MS + DELIVERY_MS
        ended = []
        for campaign in exhausted(current.book, granted, soonest_ms):
            if behind := [p for p in known if campaign not in known[p].book.ended]:
                ends_ms = _instant(campaign, known, soonest_ms)
                await self._end(campaign, ends_ms, behind, current, granted[campaign], now_ms)
                ended.append(campaign)
        return ended

    async def _end(
        self,
        campaign: str,
        ends_ms: int,
        behind: list[int],
        rules: Rules,
        granted: int,
        now_ms: int,
    ) -> None:
        message = CampaignEnded(campaign, ends_ms)
        data = {
            "campaign": campaign,
            "ends_at": format_ms(ends_ms),
            "budget": rules.book.budgets[campaign],
            "granted": granted,
        }
        key, id_ = f"campaign-{campaign}", f"campaign-{campaign}-{ends_ms}"
        headers = binary_headers(CAMPAIGN_ENDED, id_, self._source, now_ms, key)
        said = Record(self._names.rules, key.encode(), orjson.dumps(data), tuple(headers), 0)
        await self._publish([said, *(rules_record(p, message, self._names) for p in behind)])
        _log.warning(
            "The budget of the campaign %s is exhausted: it ends at %s", campaign, data["ends_at"]
        )


async def granted_by_campaign(tables: Tables, partitions: int) -> Counter[str]:
    """What campaigns with a budget have granted to all consumers, as far as it is committed."""
    notes = await tables.notes(range(partitions), GRANTED_NOTE)
    total: Counter[str] = Counter()
    for note in notes.values():
        total.update(read_granted(note))
    return total


class BudgetState(NamedTuple):
    """Points of one campaign: granted to all consumers, and its budget."""

    campaign: str
    granted: int
    budget: int
    ends_ms: int | None  # when it ends in all partitions; None: not yet said


async def budget_states(tables: Tables, partitions: int) -> list[BudgetState]:
    """How far each budget of the newest rules is used up, as far as it is committed."""
    notes = await tables.notes(range(partitions), RULES_NOTE)
    known = [read_rules(note) for note in notes.values()]
    current = newest(known)
    if current is None:
        return []
    granted = await granted_by_campaign(tables, partitions)
    states = []
    for campaign, budget in sorted(current.book.budgets.items()):
        ends = [rules.book.ended.get(campaign) for rules in known]
        said = [at for at in ends if at is not None]
        ends_ms = max(said) if len(said) == len(ends) else None
        states.append(BudgetState(campaign, granted[campaign], budget, ends_ms))
    return states


def _instant(campaign: str, known: Mapping[int, Rules], soonest_ms: int) -> int:
    """When it ends: as some partition has it already, if all can still have it so."""
    said = {rules.book.ended.get(campaign, 0) for rules in known.values()}
    still_to_come = [at for at in said if at >= soonest_ms]
    return min(still_to_come, default=-(-soonest_ms // _MINUTE_MS) * _MINUTE_MS)
