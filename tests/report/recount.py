# SPDX-License-Identifier: Apache-2.0
"""A naive recount of what a report says of the accounts: of the naive model, day by day."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from schemas import Event
from stream.engine.model.ruleset import RuleBook, RuleSet
from tests.support.classes import before, classes, passes
from tests.support.model import NAMES, Consumer, Model, Result, Touched, midnight, shanghai

CHANNEL = {
    "purchase": "wechat.pay", "coupon_received": "wechat.pay", "coupon_used": "wechat.pay",
    "follow": "wechat.official-account", "share": "wechat.mini-program",
    "login": "wechat.mini-program", "page_view": "wechat.mini-program",
    "order": "wechat.mini-program",
    "check_in": "event.check-in",
}  # fmt: skip
Counts = Counter[tuple[str, ...]]


def day_of(time: int) -> date:
    return shanghai(time).date()


class Recount(Model):
    """Counts while the model judges."""

    def __init__(self, book: RuleBook, accounts: dict[str, str]) -> None:
        super().__init__(book, accounts)
        self.counts: Counts = Counter()
        self._met: dict[str, int] = {}

    def of(self, events: list[Event], as_of: int) -> Counts:
        result = self.judge(events, as_of)
        self.counts["overview", "points_paid"] += sum(result.payouts.values())
        for found in result.classes.values():
            for name in ("tier", "lifecycle", "rfm"):
                if found.get(name):
                    self.counts["classes", name, found[name], "consumers"] += 1
        return Counter({key: number for key, number in self.counts.items() if number})

    def _file(self, event: Event, binds: dict[str, str], payments: Any, *more: Any) -> None:
        super()._file(event, binds, payments, *more)
        data: Any = event.data
        if event.type not in NAMES or getattr(data, "is_snapshot_user", False):
            return
        named = event if self._who(event, binds) else payments.get(data.transaction_id)
        if named is not None and (origin := self.origin(named)):
            time = self.time(event)
            self._met[origin] = min(time, self._met.get(origin, time))

    def _settle(self, key: str, consumer: Consumer, as_of: int, result: Result) -> None:
        super()._settle(key, consumer, as_of, result)
        enrolled = min(consumer.enrolments.values(), default=None)
        self.counts["overview", "members"] += bool(enrolled)
        left = result.balances.get(key, 0)
        kind = "points_pending" if enrolled else "points_outstanding"
        self.counts["overview", kind] += left
        self.counts["overview", "consumers_with_points"] += bool(left and not enrolled)
        answers = sorted(consumer.consents.values())
        touches = [
            (self._outcome(touch, answers, enrolled, False), touch)
            for touch in consumer.touches.values()
            if not self._gone(touch)
        ]
        good = [t for outcome, t in touches if outcome in ("applied", "member")]
        self._loyalty([t for t in good if t.time <= as_of], as_of)
        self._eligible(key, consumer, touches, answers, enrolled, as_of)

    @staticmethod
    def _gone(touch: Touched) -> bool:
        back = touch.refunded
        return touch.reverted or (back > 0 and back >= touch.data["total_fen"])

    def _loyalty(self, touches: list[Touched], as_of: int) -> None:
        today = day_of(as_of)
        bought = sorted(day_of(t.time) for t in touches if t.touchpoint == "purchase")
        if bought:
            cohort = f"{bought[0]:%Y-%m}"
            self.counts["cohorts", cohort, "buyers"] += 1
            self.counts["repeat", "buyers"] += 1
            self.counts["repeat", "again" if len(bought) > 1 else "once"] += 1
            for number in (1, 7, 14, 30, 60, 90):
                day = bought[0] + timedelta(number)
                if day < today:
                    row = "retention", cohort, f"{number:03d}"
                    self.counts[*row, "old_enough"] += 1
                    self.counts[*row, "on" if bought.count(day) else "not_on"] += 1
                    later = [one for one in bought if one >= day]
                    self.counts[*row, "since" if later else "not_since"] += 1
        used = {CHANNEL[t.touchpoint] for t in touches if t.touchpoint in CHANNEL}
        if used:
            self.counts["active", "consumers"] += 1
            self.counts["channels", ("1", "2", "3+")[min(len(used), 3) - 1], "consumers"] += 1
        for channel in used:
            self.counts["channel_reach", channel, "consumers"] += 1

    def _eligible(
        self,
        key: str,
        consumer: Consumer,
        touches: list[tuple[str, Touched]],
        answers: list[Any],
        enrolled: tuple[int, str] | None,
        as_of: int,
    ) -> None:
        until = enrolled[0] if enrolled else as_of
        day = date(2026, 2, 28)
        while midnight(day, 0) <= until:
            end = min(midnight(day, 1) - 1, as_of)
            rules = self._qualifies(key, consumer, touches, answers, day, end, until)
            if rules is not None:
                self._place(key, consumer, rules, day, enrolled, as_of)
                return
            day += timedelta(1)

    def _qualifies(
        self,
        key: str,
        consumer: Consumer,
        touches: list[tuple[str, Touched]],
        answers: list[Any],
        day: date,
        end: int,
        until: int,
    ) -> Any:
        rules = self.book.at(end)
        if rules is None:
            return None
        said = [word for time, _, word in answers if time <= end]
        if not (said[-1] == "granted" if said else rules.consent == "opt_out"):
            return None
        now = min(end, until)
        counted = [t for outcome, t in touches if outcome == "applied" and t.time <= now]
        for time in self._birthdays(consumer, now):
            touch = Touched(f"birthday {time}", "birthday", time, {})
            if self._outcome(touch, answers, None, False) == "applied":
                counted.append(touch)
        bought = [
            (t.time, self._paid_fen(t))
            for outcome, t in touches
            if outcome in ("applied", "member") and t.touchpoint == "purchase"
        ]
        payable, _ = self._points(counted, bought, now, now)
        for block in rules.offers:
            labels = {trigger.label for trigger in block.triggers}
            since = [t.time for t in counted if t.touchpoint in labels]
            if block.silent_days:
                since += self._silences(consumer, answers, block.silent_days, end)
            live = [time for time in since if time + block.lifetime_ms > midnight(day, 0)]
            enough = payable >= max(1, block.threshold_points)
            if enough and live and self._is_for(block, key, consumer, bought, rules, day, end):
                return rules
        return None

    def _is_for(
        self,
        block: Any,
        key: str,
        consumer: Consumer,
        bought: list[tuple[int, int]],
        rules: RuleSet,
        day: date,
        end: int,
    ) -> bool:
        by_then = {origin for origin in consumer.known_by if day_of(self._met[origin]) <= day}
        if not self._is_among(block.audience, key, replace(consumer, known_by=by_then)):
            return False
        return not block.who or passes(
            block.who, classes(before(bought, end + 1), rules.classes, end)
        )

    def _place(
        self,
        key: str,
        consumer: Consumer,
        rules: Any,
        day: date,
        enrolled: tuple[int, str] | None,
        as_of: int,
    ) -> None:
        group, name = "all", "-"
        percent = 0
        if rules.control_group is not None:
            name, percent = rules.control_group.experiment, rules.control_group.percent
            known = {
                origin
                for origin in consumer.known_by
                if day_of(self._met[origin]) <= day and self._met[origin] <= as_of
            }
            if len(known) > 1:
                self.counts["not_compared", name, "several"] += 1
                return
            now = midnight(day, 1) - 1
            group = "control" if self._is_control(known or {key}, min(now, as_of)) else "treated"
        self.counts["sample", name, f"{percent:02d}", group] += 1
        if (day_of(as_of) - day).days <= 30:
            self.counts["not_compared", name, "too_early"] += 1
            return
        joined = enrolled is not None and (day_of(enrolled[0]) - day).days <= 30
        self.counts["uplift", name, group, "eligible"] += 1
        self.counts["uplift", name, group, "signed_up" if joined else "not_signed_up"] += 1
