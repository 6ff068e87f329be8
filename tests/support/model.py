# SPDX-License-Identifier: Apache-2.0
"""The naive model: dicts and loops over the whole set of events, no order, no state, no core.

It answers what the engine must arrive at, whatever the order, repetition and partitioning. It
shares no code with the core; of the rule book it reads the same plain values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from hashlib import blake2b
from math import ceil, floor
from typing import Any, NamedTuple

from schemas import Event, format_ms
from stream.engine.model.ruleset import Campaign, Caps, RuleBook, RuleSet
from stream.engine.model.schedule import Schedule
from tests.support.aliases import Claim, Families, Report, changes
from tests.support.books import MOVES
from tests.support.classes import Bought, before, classes, passes
from tests.support.goals import Goals
from tests.support.nudges import Happened, due

#: At one instant the last of them holds.
ANSWERS = ("granted", "paused", "withdrawn")
SHANGHAI = timedelta(hours=8)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Floor(NamedTuple):
    """Nothing up to ``at`` (ms) counts of a person who was erased, by request if ``asked``."""

    at: int = -1
    asked: bool = False


@dataclass
class Touched:
    key: str
    touchpoint: str
    time: int
    data: dict[str, Any]
    records: set[str] = field(default_factory=set)  # "event", "reversal"
    reverted: bool = False
    disputed: bool = False
    refunded: int = 0
    payer_refunded: int = 0


@dataclass
class Consumer:
    touches: dict[str, Touched] = field(default_factory=dict)
    enrolments: dict[str, tuple[int, str]] = field(default_factory=dict)
    consents: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    birthdays: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # ms, month, day
    known_by: set[str] = field(default_factory=set)  # origins which were met


@dataclass
class Result:
    binds: dict[str, str]
    balances: dict[str, int]
    payouts: dict[tuple[str, str], int]
    live: dict[str, int]
    outcomes: Counter[str]
    pending: dict[str, int] = field(default_factory=dict)  # of the balance of who is no member
    spent: dict[str, int] = field(default_factory=dict)  # fen, net of refunds, whatever counts
    blocks: dict[str, str] = field(default_factory=dict)  # of the live offers
    members: set[str] = field(default_factory=set)  # whose enrolment holds, whatever it pays
    classes: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)  # of whom it may be told
    nudges: dict[str, dict[str, str]] = field(default_factory=dict)  # consumer -> nudge -> anchor


NAMES = {
    "payment.succeeded.v1": "purchase", "account.followed.v1": "follow",
    "content.shared.v1": "share", "session.logged_in.v1": "login", "page.viewed.v1": "page_view",
    "attendee.checked_in.v1": "check_in", "check_in.reverted.v1": "check_in",
    "order.placed.v1": "order",
    "coupon.received.v1": "coupon_received", "coupon.used.v1": "coupon_used",
    "unionid.resolved.v1": "identified", "openid.changed.v1": "identified",
}  # fmt: skip
#: Types which have a Union ID in the account of their app.
PROOFS = ("session.logged_in.v1", "unionid.resolved.v1", "coupon.received.v1")


def ms(value: datetime) -> int:
    return round((value - EPOCH) / timedelta(milliseconds=1))


def shanghai(time: int) -> datetime:
    return EPOCH + timedelta(milliseconds=time) + SHANGHAI


def midnight(day: date, days: int) -> int:
    """When so many days after a Shanghai day begin, ms."""
    then = day + timedelta(days=days)
    return ms(datetime(then.year, then.month, then.day, tzinfo=UTC) - SHANGHAI)


def is_within(schedule: Schedule, time: int) -> bool:
    """Whether a schedule has an instant, by the hours of its day or of the day before."""
    now = shanghai(time).replace(tzinfo=None)
    for day in (now.date(), now.date() - timedelta(days=1)):
        minute = (now - datetime(day.year, day.month, day.day)) // timedelta(minutes=1)
        hours = [(0, 1440)] if schedule.hours is None else schedule.hours
        spans = [(0, 10**9)] if schedule.days is None else schedule.days
        if (
            any(start <= minute < end for start, end in hours)
            and any(start <= (day - date(1970, 1, 1)).days < end for start, end in spans)
            and (schedule.weekdays is None or day.isoweekday() in schedule.weekdays)
            and (schedule.days_of_month is None or day.day in schedule.days_of_month)
        ):
            return True
    return False


class Model:
    """``floors``: who was erased, origins and unions alike (``tests.support.people``)."""

    def __init__(
        self, book: RuleBook, accounts: dict[str, str], floors: Mapping[str, Floor] | None = None
    ) -> None:
        self.book, self.accounts, self.floors = book, accounts, floors or {}

    def judge(self, events: list[Event], as_of: int) -> Result:
        unbinds = [event for event in events if event.type == "unbind.requested.v1"]
        binds = self._binds(events)
        consumers: dict[str, Consumer] = defaultdict(Consumer)
        outcomes: Counter[str] = Counter()
        outcomes["applied"] += len({self._veto(event) for event in unbinds})
        outcomes["duplicate"] += len(unbinds) - outcomes["applied"]
        reports = self._reports(events)
        payments = {id_: min(some, key=self._worth) for id_, some in reports.items()}
        refunds: dict[str, dict[str, tuple[str, int, int]]] = defaultdict(dict)
        waiting: dict[str, set[str]] = defaultdict(set)
        for event in events:
            if event.type == "refund.succeeded.v1":
                data: Any = event.data
                if data.refund_id in refunds[data.transaction_id]:
                    outcomes["duplicate"] += 1
                refunds[data.transaction_id][data.refund_id] = self._refunded(data)
        for event in events:
            self._file(event, binds, payments, consumers, outcomes, waiting)
        for transaction, some in refunds.items():
            payment = payments.get(transaction)
            merchants = {self._mchid(one) for one in reports[transaction]} if payment else set()
            if payment is None:
                outcomes["parked"] += len(some)
                continue
            malls_only = all(self._reporter(one) == 1 for one in reports[transaction])
            mine = [one for one in some.values() if malls_only or one[0] in merchants]
            if self._is_disputed(reports[transaction]):
                mine = []
            outcomes["applied"] += len(mine)
            outcomes["refused"] += len(some) - len(mine)
            if not self._erased(self.time(payment), payment, binds):
                touch = consumers[self._who(payment, binds)].touches[f"payment {transaction}"]
                touch.refunded = sum(order for _, order, _ in mine)
                touch.payer_refunded = sum(payer for _, _, payer in mine)
        for transaction, several in reports.items():
            self._count_once(transaction, several, payments[transaction], binds, consumers)
        result = Result(binds, {}, {}, {}, outcomes)
        for key, consumer in consumers.items():
            self._settle(key, consumer, as_of, result)
        result.outcomes = Counter({k: v for k, v in outcomes.items() if v})
        return result

    # who --------------------------------------------------------------------------------------

    def _binds(self, events: list[Event]) -> dict[str, str]:
        families = Families()
        changes(families, events)
        reports = self._reports(events)
        for event in events:
            data: Any = event.data
            if event.type == "unbind.requested.v1":
                origin, union = self._veto(event)
                families.vetoed[origin].add(union)
            payers = [claim[0]] if (claim := self.claim(event)) else []
            if event.type == "coupon.received.v1" and data.transaction_id in reports:
                payment = min(reports[data.transaction_id], key=self._worth)
                account = self._account(self.origin(payment).split(".")[1], event.time_ms)
                if self.union(event).startswith(f"union.{account}."):
                    payers.append(self.origin(payment))
            for origin in payers if self.union(event) else []:
                time = self.time(event)
                if time > self._floor(origin).at:
                    age = -self._epoch(event)
                    said = Claim(False, age, time, event.id, event.type, self.union(event))
                    families.claims[origin].append(said)
        for transaction, some in reports.items():
            by_reporter = [(self._reporter(one), self._report(one)) for one in some]
            shops = [one for reporter, one in by_reporter if reporter == 0]
            malls = [one for reporter, one in by_reporter if reporter == 1]
            if not self._is_disputed(some):
                families.relate_payers(shops, malls, transaction)
        return families.binds()

    @staticmethod
    def _reports(events: list[Event]) -> dict[str, list[Event]]:
        found: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            if event.type == "payment.succeeded.v1":
                found[event.data.transaction_id].append(event)  # type: ignore[attr-defined]
        return found

    def _worth(self, payment: Event) -> tuple[int, str, str]:
        """Of the reports of one payment the least holds: the shop's, then a mall's, a till's."""
        paid = self._paid(payment)
        content = str([(name, paid[name]) for name in ("payer_total_fen", "total_fen")])
        return self._reporter(payment), self.origin(payment), content

    @staticmethod
    def _reporter(payment: Event) -> int:
        if ":client:" in payment.source:
            return 2
        return 1 if hasattr(payment.data, "time_end") else 0

    def _report(self, payment: Event) -> Report:
        paid = self._paid(payment)
        amounts = paid["total_fen"], paid["payer_total_fen"]
        return Report(self.origin(payment), self.time(payment), amounts, payment.source)

    @staticmethod
    def _mchid(payment: Event) -> str:
        return str(payment.data.mchid)  # type: ignore[attr-defined]

    def _is_disputed(self, reports: list[Event]) -> bool:
        """Whether so many are said to have paid that it counts for nobody."""
        return len({self.origin(one) for one in reports}) > 4

    def is_left_to_chance(self, events: list[Event]) -> bool:
        """Whom something reaches that names only a payment, if it has payers who are not aliases.

        They are two people, of whom the one who was heard of first is taken.
        """
        binds = self._binds(events)
        torn = {
            transaction
            for transaction, some in self._reports(events).items()
            if len({self._who(one, binds) for one in some}) > 1
            or (
                any(e.type == "coupon.received.v1" for e in events)
                and len({self.origin(one) for one in some}) > 1
            )
        }
        return any(
            getattr(event.data, "transaction_id", None) in torn
            and event.type not in ("payment.succeeded.v1", "refund.succeeded.v1")
            for event in events
        )

    def _count_once(
        self,
        transaction: str,
        reports: list[Event],
        best: Event,
        binds: dict[str, str],
        consumers: dict[str, Consumer],
    ) -> None:
        key, payer = f"payment {transaction}", self._who(best, binds)
        nobodys = self._is_disputed(reports)
        for report in reports:
            who = self._who(report, binds)
            touch = consumers[who].touches.get(key)
            if touch is not None and nobodys:
                touch.disputed = True
            elif touch is not None and who == payer:
                touch.data = self._paid(best)
            elif touch is not None:
                touch.reverted = True

    @staticmethod
    def _refunded(data: Any) -> tuple[str, int, int]:
        if hasattr(data, "refund_amount"):
            return data.mchid, data.refund_amount, data.refund_amount
        return data.mchid, data.amount.refund, data.amount.payer_refund

    @staticmethod
    def _paid(event: Event) -> dict[str, Any]:
        data: Any = event.data
        if hasattr(data, "time_end"):
            return dict(data) | {"total_fen": data.amount, "payer_total_fen": data.amount}
        amounts = {"total_fen": data.amount.total, "payer_total_fen": data.amount.payer_total}
        return dict(data) | amounts

    @staticmethod
    def _veto(event: Event) -> tuple[str, str]:
        data: Any = event.data
        return f"origin.{data.appid}.{data.openid}", data.consumer_id

    def union(self, event: Event) -> str:
        data: Any = event.data
        if event.type in PROOFS:
            if not data.unionid or getattr(data, "is_snapshot_user", False):
                return ""
            return f"union.{self._account(data.appid, event.time_ms)}.{data.unionid}"
        if getattr(data, "unionid", None):
            return f"union.{data.open_account}.{data.unionid}"
        return ""

    def _account(self, appid: str, time: int) -> str:
        """The Open Platform account which an app was in at ``time`` (ms)."""
        move = MOVES.get(appid)
        return move[0] if move and time < move[1] else self.accounts[appid]

    @staticmethod
    def _epoch(event: Event) -> int:
        """Since when the app's account is its account, ms."""
        data: Any = event.data
        move = MOVES.get(data.appid) if data.appid else None
        return move[1] if move and event.time_ms >= move[1] else 0

    def _who(self, event: Event, binds: dict[str, str]) -> str:
        data: Any = event.data
        if origin := self.origin(event):
            return binds.get(origin, origin)
        return str(getattr(data, "consumer_id", None) or self.union(event))

    def _floor(self, key: str) -> Floor:
        return self.floors.get(key, Floor())

    def _erased(self, time: int, named: Event, binds: dict[str, str]) -> bool:
        """Whether what happened at ``time`` (ms) to whom an event names is erased."""
        floors = self._floor(self.origin(named)), self._floor(self._who(named, binds))
        return time <= max(floor.at for floor in floors)

    def claim(self, event: Event) -> tuple[str, str] | None:
        """The origin and the union which an event says to be one."""
        if getattr(event.data, "consumer_id", None) or event.type == "refund.succeeded.v1":
            return None
        origin, union = self.origin(event), self.union(event)
        return (origin, union) if origin and union else None

    @staticmethod
    def origin(event: Event) -> str:
        """The key of the origin which an event names, if it names one."""
        data: Any = event.data
        if consumer := getattr(data, "consumer_id", None):
            own = consumer.startswith(("origin.", "union.wx"))  # or the profile of its aliases
            return str(consumer).replace("union.wx", "origin.wx") if own else ""
        origin = getattr(data, "origin", None)
        return f"origin.{origin[0]}.{origin[1]}" if origin else ""

    @staticmethod
    def time(event: Event) -> int:
        data: Any = event.data
        if event.type == "payment.succeeded.v1":
            return ms(data.time_end if hasattr(data, "time_end") else data.success_time)
        if event.type == "check_in.reverted.v1":
            return ms(data.checked_in_at)
        return event.time_ms

    # what -------------------------------------------------------------------------------------

    def _file(
        self,
        event: Event,
        binds: dict[str, str],
        payments: dict[str, Event],
        consumers: dict[str, Consumer],
        outcomes: Counter[str],
        waiting: dict[str, set[str]],
    ) -> None:
        data: Any = event.data
        if event.type in ("refund.succeeded.v1", "unbind.requested.v1", "erase.requested.v1"):
            return
        if getattr(data, "is_snapshot_user", False):
            outcomes["refused"] += 1
            return
        named, who = event, self._who(event, binds)
        if not who:  # names only a payment
            if data.transaction_id not in payments:
                seen = waiting[data.transaction_id]
                key = self._waits_as(event)
                outcomes["duplicate" if key in seen else "parked"] += 1
                seen.add(key)
                return
            named = payments[data.transaction_id]
            who = self._who(named, binds)
        if self._erased(self.time(event), named, binds):
            outcomes["refused"] += 1
            return
        consumer = consumers[who]
        if event.type == "member.enrolled.v1":
            known = consumer.enrolments.get(data.member_id)
            mine = (event.time_ms, data.member_id)
            outcomes["duplicate" if known else "applied"] += 1
            consumer.enrolments[data.member_id] = min(known, mine) if known else mine
        elif event.type == "birthday.reported.v1":
            outcomes["duplicate" if event.id in consumer.birthdays else "applied"] += 1
            consumer.birthdays[event.id] = event.time_ms, data.month, data.day
        elif event.type.startswith("consent."):
            known_answer = event.id in consumer.consents
            outcomes["duplicate" if known_answer else "applied"] += 1
            word = event.type.split(".")[1]
            said = event.time_ms, ANSWERS.index(word), word
            consumer.consents[event.id] = said
            other = self.union(event) if word != "granted" else ""
            if other and other != who and event.time_ms > self._floor(other).at:
                consumers[other].consents[event.id] = said
        else:
            consumer.known_by |= {origin} if (origin := self.origin(named)) else set()
            self._touch(event, consumer, outcomes)

    @staticmethod
    def _waits_as(event: Event) -> str:
        data: Any = event.data
        if event.type == "member.enrolled.v1":
            return str(data.member_id)
        if event.type.startswith("coupon."):
            return f"{event.type} {data.coupon_code}"
        return event.id

    def fact(self, event: Event) -> str:
        """What makes two events the same fact, whenever each says that it happened."""
        data: Any = event.data
        match event.type:
            case "payment.succeeded.v1":
                return f"payment {data.transaction_id}"
            case "attendee.checked_in.v1" | "check_in.reverted.v1":
                place = f"{data.event_id} {data.list_id} {data.ticket_id}"
                return f"check-in {place} {data.attempt or 1}"
            case "account.followed.v1":
                return f"follow {data.origin} {self.time(event)} {data.event_key or ''}"
            case "coupon.received.v1" | "coupon.used.v1":
                return self._waits_as(event)
            case "unionid.resolved.v1":
                return f"resolved {data.origin} {data.unionid}"
            case "openid.changed.v1":
                return f"changed {data.former} {data.origin}"
            case _:
                return f"{event.type} {event.id}"

    def _touch(self, event: Event, consumer: Consumer, outcomes: Counter[str]) -> None:
        data: Any = event.data
        time, key = self.time(event), self.fact(event)
        paid = event.type == "payment.succeeded.v1"
        fields = self._paid(event) if paid else dict(data)
        touch = consumer.touches.setdefault(key, Touched(key, NAMES[event.type], time, fields))
        record = "reversal" if event.type == "check_in.reverted.v1" else "event"
        if record == "reversal" and not touch.reverted:
            touch.time = time
        elif record == "reversal" or not touch.reverted:
            touch.time = min(touch.time, time)  # WeChat may be asked twice, and answers the same
        if record in touch.records:
            outcomes["duplicate"] += 1
        touch.records.add(record)
        touch.reverted = touch.reverted or record == "reversal"

    # how much ---------------------------------------------------------------------------------

    def _settle(self, key: str, consumer: Consumer, as_of: int, result: Result) -> None:
        enrolled = min(consumer.enrolments.values(), default=None)
        until = enrolled[0] if enrolled else as_of
        answers = sorted(consumer.consents.values())
        if spent := sum(map(self._paid_fen, consumer.touches.values())):
            result.spent[key] = spent
        counted: list[Touched] = []
        bought: Bought = []
        happened: Happened = []
        asked = self._floor(key).asked
        for touch in consumer.touches.values():
            outcome = self._outcome(touch, answers, enrolled, asked)
            result.outcomes[outcome] += len(touch.records)
            back = touch.refunded
            gone = touch.reverted or (back > 0 and back >= touch.data["total_fen"])
            if outcome == "applied" and not gone and touch.time <= until:
                counted.append(touch)
            if outcome in ("applied", "member") and not gone and touch.touchpoint == "purchase":
                bought.append((touch.time, self._paid_fen(touch)))
            if outcome in ("applied", "member") and not gone:
                happened.append((touch.touchpoint, touch.time))
        for time in self._birthdays(consumer, until):
            touch = Touched(f"birthday {time}", "birthday", time, {})
            if self._outcome(touch, answers, enrolled, asked) == "applied":
                counted.append(touch)
        for time in self._birthdays(consumer, as_of):
            touch = Touched(f"birthday {time}", "birthday", time, {})
            if self._outcome(touch, answers, enrolled, asked) in ("applied", "member"):
                happened.append(("birthday", time))
        self._remind(consumer.known_by or {key}, key, happened, answers, as_of, result)
        self._classify(key, bought, answers, as_of, result)
        payable, waiting = self._points(counted, bought, until, as_of)
        if enrolled:
            result.members.add(enrolled[1])
            if payable - waiting:
                result.payouts[key, enrolled[1]] = payable - waiting
            if waiting:
                result.balances[key] = waiting
            return
        if payable:
            result.balances[key] = payable
            result.pending[key] = waiting
        block = self._live(key, consumer, counted, bought, answers, payable, as_of)
        if block and not self._is_control(consumer.known_by or {key}, as_of):
            result.live[key] = payable
            result.blocks[key] = block

    @staticmethod
    def _birthdays(consumer: Consumer, until: int) -> Iterator[int]:
        """By the solar calendar: day for day, what was said last up to its end, once a year."""
        said = sorted(consumer.birthdays.values())
        day, last = shanghai(said[0][0]).date() if said else date.max, date.min
        while day < date.max and midnight(day, 0) <= until:
            for time, month, number in said:
                at = max(time, midnight(day, 0))
                holds = max(one for one in said if one[0] <= at) == (time, month, number)
                celebrated = (day.month, day.day) == (month, number)
                if (month, number) == (2, 29):
                    celebrated |= day.month == 2 and (day + timedelta(2)).day == 2
                celebrated &= holds and at <= until and shanghai(at).date() == day
                if celebrated and (day - last).days >= 300:
                    last = day
                    yield at
            day += timedelta(days=1)

    @staticmethod
    def _paid_fen(touch: Touched) -> int:
        """What a payment cost its payer; nothing if it is somebody else's, or in dispute."""
        if touch.touchpoint != "purchase" or touch.reverted or touch.disputed:
            return 0
        return max(0, int(touch.data["payer_total_fen"]) - touch.payer_refunded)

    def _outcome(self, touch: Touched, answers: list[Any], enrolled: Any, asked: bool) -> str:
        if touch.disputed:
            return "refused"
        if enrolled and touch.time > enrolled[0]:
            return "member"
        before = [word for time, _, word in answers if time <= touch.time]
        later = [word for time, _, word in answers if time > touch.time and word != "paused"]
        last = next((word for word in reversed(before) if word != "paused"), "")
        if last == "withdrawn":
            return "refused"
        if before[-1:] == ["granted"]:
            return "applied"
        rules = self.book.at(touch.time)
        if not before and not asked and (rules is None or rules.consent == "opt_out"):
            return "applied"
        if not later:
            return "parked"
        return "applied" if later[0] == "granted" else "refused"

    def _classify(
        self, key: str, bought: Bought, answers: list[Any], as_of: int, result: Result
    ) -> None:
        rules = self.book.at(as_of)
        if rules is None or rules.classes is None:
            return
        so_far = before(bought, as_of + 1)  # what a clock ahead of ours reports is yet to come
        if not so_far:
            return
        found = classes(so_far, rules.classes, as_of)
        result.classes[key] = found
        if self._may_tell(answers, rules, as_of, self._floor(key).asked):
            result.told[key] = found

    def _remind(
        self,
        known_by: set[str],
        key: str,
        happened: Happened,
        answers: list[Any],
        as_of: int,
        result: Result,
    ) -> None:
        rules = self.book.at(as_of)
        if rules is None or rules.nudges is None or self._is_control(known_by, as_of):
            return
        found = due(happened, rules.nudges, as_of)
        if found and self._may_tell(answers, rules, as_of, self._floor(key).asked):
            result.nudges[key] = {nudge: format_ms(at) for nudge, at in found.items()}

    def _asked(self, bought: Bought, rules: RuleSet, time: int) -> tuple[dict[str, Any], int]:
        """Of each rule that asks: whether it is for who has bought this, and the multiplier.

        And how often any of that has changed so far, on that day, by what was bought.
        """
        asking = [rule for rule in rules.rules.values() if rule.who or rule.by_tier]
        if not asking or rules.classes is None:
            return {}, 0
        begins = max(midnight(shanghai(time).date(), 0), rules.effective_ms)
        changes, answer = -1, None
        for at in [begins, *sorted(at + 1 for at, _ in bought if begins <= at < time), time]:
            now = classes(before(bought, at), rules.classes, at)
            former, answer = (
                answer,
                {
                    rule.id: (passes(rule.who, now), (rule.by_tier or {}).get(now["tier"], 1))
                    for rule in asking
                },
            )
            changes += answer != former
        return answer or {}, changes

    def _points(
        self, touches: list[Touched], bought: Bought, until: int, as_of: int
    ) -> tuple[int, int]:
        """What there is, and how much of it would be paid later than ``as_of``."""
        raw: dict[Any, list[tuple[int, int]]] = defaultdict(list)  # by cell, rule, campaign
        factors: dict[Any, Any] = {}
        for touch in sorted(touches, key=lambda touch: touch.time):
            rules = self.book.at(touch.time)
            answers, part = self._asked(bought, rules, touch.time) if rules else ({}, 0)
            for rule in rules.rules.values() if rules else ():
                is_for, factor = answers.get(rule.id, (True, 1))
                for step, asked in enumerate[Any](rule.steps or [rule]):
                    if rules and is_for and asked.touchpoint.label == touch.touchpoint:
                        for campaign, worth in self._worths(rule, asked, touch, rules):
                            cell = shanghai(touch.time).date(), rules.version, part
                            raw[cell, rule.id, campaign].append((worth, step))
                            factors[cell, rule.id] = factor
        versions = {version.version: version for version in self.book.versions}
        places = {
            n: {r: p for g in v.groups for r, p in g.rules.items()} for n, v in versions.items()
        }
        cells = sorted(raw, key=lambda c: (c[0], places[c[0][1]].get(c[1], 0), c[1:]))
        total = waiting = 0
        so_far: Counter[Any] = (
            Counter()
        )  # by rule, group, campaign, and a day, a week, a month, all
        goals: dict[str, Goals] = defaultdict(Goals)
        for cell in cells:
            ((day, number, part), rule_id, campaign), met = cell, raw[cell]
            rules, factor = versions[number], factors[(day, number, part), rule_id]
            rule = rules.rules[rule_id]
            if Goals.kind_of(rule):
                points = goals[rule_id].met(rule, day, met)
            else:
                goals.pop(rule_id, None)
                points = floor(sum(worth for worth, _ in met) * factor)
            spans = {
                "day": f"{day}", "week": f"{day:%G week %V}", "month": f"{day:%Y-%m}",
                "lifetime": "ever",
            }  # fmt: skip
            if rule.first_time:
                points = 0 if so_far[rule_id, "ever"] else min(points, rule.points or 0)
            limits = [(rule_id, rule.caps)]
            limits += [("+" + g.id, g.caps) for g in rules.groups if rule_id in g.rules]
            limits += [("*" + c.id, c.caps) for c in rules.campaigns if c.id == campaign]
            for name, caps in limits:
                for span, value in spans.items():
                    cap = getattr(caps, span)
                    points = points if cap is None else min(points, cap - so_far[name, value])
                    points = max(points, 0)
            for name, _ in limits:
                so_far.update({(name, value): points for value in spans.values()})
            if rules.expiry_days is None or until < midnight(day, rules.expiry_days + 1):
                total += points
                if rule.pending_days and as_of < midnight(day, rule.pending_days + 1):
                    waiting += points
        return total, waiting

    def _worths(
        self, rule: Any, asked: Any, touch: Touched, rules: RuleSet
    ) -> Iterator[tuple[str, int]]:
        """What the touch is worth, and how much more by each campaign that has caps."""
        with_caps = [c for c in rules.campaigns if c.caps != Caps()]
        so_far, campaign = 0, ""
        for more in [None, *sorted(with_caps, key=lambda c: (c.multiplier, c.id))]:
            if more:
                with_caps.remove(more)
                campaign = more.id
            counting = [c for c in rules.campaigns if c not in with_caps]
            if worth := self._earned(rule, asked, touch, rules, counting) - so_far:
                yield campaign, worth
            so_far += worth

    def _earned(
        self, rule: Any, asked: Any, touch: Touched, rules: RuleSet, campaigns: list[Campaign]
    ) -> int:
        """Points, or of a rule with a memory what the touch is worth; for a step if ``asked``."""
        data = dict(touch.data)
        if touch.touchpoint == "purchase":
            data["total_fen"] = max(0, data["total_fen"] - touch.refunded)
            data["payer_total_fen"] = max(0, data["payer_total_fen"] - touch.payer_refunded)
        articles = self._articles(data.get("lines", ()))
        data["categories"] = len({category for category, _ in articles if category})
        on_line = [c for c in asked.when if c.field.startswith("line.")]
        if on_line and not any(self._is_of(article, on_line) for article in articles.items()):
            return 0
        for condition in asked.when:
            if condition in on_line:
                continue
            value = data.get(condition.field)
            if condition.op == "gte" and not (value is not None and value >= condition.value):
                return 0
            if condition.op == "eq" and value != condition.value:
                return 0
        if asked.schedule and not is_within(asked.schedule, touch.time):
            return 0
        if rule.first_time:
            return int(rule.points)
        if Goals.kind_of(rule):
            return int(data["payer_total_fen"]) if rule.setting("every_fen") else 1
        running = [c for c in campaigns if c.rules is None or rule.id in c.rules]
        running = [c for c in running if c.starts_ms <= touch.time]
        running = [c for c in running if touch.time < self.book.ended.get(c.id, 10**15)]
        running = [c for c in running if c.ends_ms is None or touch.time < c.ends_ms]
        running = [c for c in running if not c.schedule or is_within(c.schedule, touch.time)]
        factors = sorted(c.multiplier for c in running)
        factor = factors[-1] if factors else Fraction(1)
        if rules.combine == "product":
            for other in factors[:-1]:
                factor *= other
        if rule.rate is None:
            return floor(Fraction(rule.points) * factor)
        exact = Fraction(data[rule.rate.base], 100) * rule.rate.points_per_yuan * factor
        rounding = {"down": floor, "up": ceil, "half_up": lambda x: floor(x + Fraction(1, 2))}
        return int(rounding[str(rule.rate.rounding)](exact))

    @staticmethod
    def _articles(lines: Any) -> Counter[tuple[str, str]]:
        """How many pieces there are, by category and form."""
        pieces: Counter[tuple[str, str]] = Counter()
        for line in lines:
            pieces[line.category or "", line.sku_id or ""] += line.quantity or 0
        return pieces

    @staticmethod
    def _is_of(article: tuple[tuple[str, str], int], conditions: list[Any]) -> bool:
        (category, _), pieces = article
        wanted = {c.field: c.value for c in conditions}
        right = wanted.get("line.category", category) == category
        return bool(right and pieces >= wanted.get("line.quantity", 0))

    def _is_control(self, known_by: set[str], as_of: int) -> bool:
        """Whether an experiment keeps the consumer without offers: for all their origins."""
        rules = self.book.at(as_of)
        control = rules.control_group if rules else None
        if control is None:
            return False
        salted = (f"{control.experiment}\x1f{who}".encode() for who in known_by)
        drawn = [blake2b(one, digest_size=4) for one in salted]
        return all(int(draw.hexdigest(), 16) % 100 < control.percent for draw in drawn)

    @staticmethod
    def _may_tell(answers: list[Any], rules: RuleSet, as_of: int, asked: bool) -> bool:
        said = [word for time, _, word in answers if time <= as_of]
        return bool(said[-1] == "granted" if said else rules.consent == "opt_out" and not asked)

    def _live(
        self,
        key: str,
        consumer: Consumer,
        touches: list[Touched],
        bought: Bought,
        answers: list[Any],
        payable: int,
        as_of: int,
    ) -> str | None:
        """The first block that makes a live offer."""
        rules = self.book.at(as_of)
        if rules is None or not self._may_tell(answers, rules, as_of, self._floor(key).asked):
            return None
        for block in rules.offers:
            labels = {t.label for t in block.triggers}
            since = [t.time for t in touches if t.touchpoint in labels]
            if block.silent_days:
                since += self._silences(consumer, answers, block.silent_days, as_of)
            fits = self._is_among(block.audience, key, consumer) and (
                not block.who
                or passes(block.who, classes(before(bought, as_of + 1), rules.classes, as_of))
            )
            enough = payable >= max(1, block.threshold_points)
            if fits and enough and since and max(since) + block.lifetime_ms > as_of:
                return block.id
        return None

    @staticmethod
    def _is_among(audience: Any, key: str, consumer: Consumer) -> bool:
        if audience is None:
            return True
        apps = {origin.split(".")[1] for origin in consumer.known_by}
        kind, account, _ = key.split(".")
        if audience.open_accounts and not (kind == "union" and account in audience.open_accounts):
            return False
        return not audience.apps or bool(apps & audience.apps)

    @staticmethod
    def _silences(consumer: Consumer, answers: list[Any], days: int, as_of: int) -> list[int]:
        """When nothing had been heard for so many days."""
        heard = [touch.time for touch in consumer.touches.values()]
        heard += [time for time, _, _ in answers]
        ends = [time + days * 86_400_000 for time in heard]
        return [
            end
            for end in ends
            if end <= as_of and not any(end - days * 86_400_000 < t <= end for t in heard)
        ]
