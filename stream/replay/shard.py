# SPDX-License-Identifier: Apache-2.0
"""Apply messages to one shard of the entities, held as objects in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from stream.engine.audit.verify import account_of
from stream.engine.decide import decide
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.decision import Cause, Decision, Entity, Send
from stream.engine.model.messages import (
    Erase,
    ErasureMark,
    FactReceived,
    Message,
    Tick,
    TransferOut,
)
from stream.engine.model.outcomes import Outcome
from stream.engine.model.payment import Payment, lifetime_ms
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Erased
from stream.engine.points import settlement
from stream.engine.points.balance import AccountView
from stream.engine.points.offer_blocks import Live, live_offer
from stream.replay.balances_file import balance_line
from stream.replay.effects import Effects
from stream.replay.event_reader import shard_of
from stream.replay.report import Report, TotalLedger
from stream.replay.spill import RoutedMessage

#: shard -> messages for it, in order
Outbox = dict[int, list[RoutedMessage]]


class Shard:
    """Owns the entities of one shard and applies messages to them in order.

    Changes that the clock alone causes are made up for where they matter: a payment past its
    lifetime, an idle account that was erased, days beyond the horizon that are archived.
    """

    def __init__(
        self, book: RuleBook, number: int, shards: int, effects: Effects | None = None
    ) -> None:
        self.entities: dict[str, Entity] = {}
        self._book, self._number, self._shards = book, number, shards
        self._idle_ms = book.idle_days * DAY_MS
        self._marks: dict[str, Erased] = {}
        self._last_message_ms: dict[str, int] = {}  # account -> time of its last message, ms
        self._queue: deque[RoutedMessage] = deque()
        self._outbox: Outbox = {}
        self._report = Report()
        self._effects = effects  # where these rules are compared with others
        self._deferred = 0  # input records in accounts, not counted yet

    def apply(self, messages: Iterable[RoutedMessage]) -> Outbox:
        """Apply messages and those that follow in this shard; return those for other shards."""
        for routed in messages:
            self._deliver(*routed)
            self._follow_up()
        outbox, self._outbox = self._outbox, {}
        return outbox

    def end(self, begun: int, as_of: int) -> Outbox:
        """Let time pass up to ``as_of`` (ms): expire payments and erase idle accounts."""
        for key, entity in list(self.entities.items()):
            if isinstance(entity, Payment):
                self._expire(key, entity, as_of)
        if self._idle_ms and as_of - begun >= self._idle_ms:
            for key, account in list(self._accounts()):
                self._send(as_of, self._idle_erasure(key, account, as_of))
        self._follow_up()
        return self.apply(())

    def report(self, as_of: int) -> tuple[Report, list[bytes]]:
        """The final report, and a line for each account with points or an offer."""
        report, lines = self._report, list[bytes]()
        for key, account in self._accounts():
            result = self._post(key, account, as_of)
            report.accounts += 1
            report.balance += result.left
            if self._effects is not None:
                report.effects.add_person(self._effects.of(key, account, as_of))
            if result.enrolment is not None:
                report.members += 1
                if result.left:
                    lines.append(balance_line(key, result.left, "member"))
                continue
            offer = live_offer(key, account, result, self._book, as_of)
            if isinstance(offer, Live):
                report.offers += 1
                report.offered += offer.points
                report.benefits.update(offer.benefits)
            else:
                report.without_offer[offer] += 1
            if result.payable or isinstance(offer, Live):
                lines.append(balance_line(key, result.payable, offer))
        report.outcomes[Outcome.DUPLICATE.value] += self._deferred
        self._deferred = 0
        return report, lines

    # one message -----------------------------------------------------------------------------

    def _follow_up(self) -> None:
        queue = self._queue
        while queue:
            self._deliver(*queue.popleft())

    def _deliver(self, at: int, key: str, message: Message) -> None:
        if isinstance(message, ErasureMark):
            self._mark(at, key, message)
            return
        state = self.entities.get(key)
        if isinstance(state, Payment):
            state = self._expire(key, state, at)
        account = account_of(state) if state is not None else None
        if account is not None and self._erase_if_idle(at, key, account, message):
            return
        erased = self._marks.get(key) if state is None and self._marks else None
        at_once = erased is not None or _depends_on_posting(account, message)
        if account is not None and at_once:
            self._post(key, account, at)
        decision = decide(key, state, message, self._book, at, erased, deferred=not at_once)
        self._keep(key, decision)
        self._take(at, decision)
        self._last_message_ms[key] = at

    def _keep(self, key: str, decision: Decision) -> None:
        if not decision.changed:
            return
        if decision.state is None:
            self.entities.pop(key, None)
        else:
            self.entities[key] = decision.state

    def _take(self, at: int, decision: Decision) -> None:
        self._deferred += decision.deferred
        for outcome, number in decision.counts.items():
            self._report.outcomes[outcome.value] += number
        if decision.outputs:
            self._report.points.enter_all(decision.outputs)
            self._send(at, decision.outputs)

    def _send(self, at: int, outputs: Iterable[object]) -> None:
        for output in outputs:
            if isinstance(output, Send):
                shard = shard_of(output.to, self._shards)
                routed = RoutedMessage(at, output.to, output.message)
                if shard == self._number:
                    self._queue.append(routed)
                else:
                    self._outbox.setdefault(shard, []).append(routed)

    def _mark(self, at: int, key: str, message: ErasureMark) -> None:
        decision = decide("erased", self._marks.get(key), message, self._book, at)
        assert isinstance(decision.state, Erased)
        self._marks[key] = decision.state

    # changes that the clock causes -----------------------------------------------------------

    def _expire(self, key: str, payment: Payment, at: int) -> Payment | None:
        """Forget a payment past its lifetime, and refuse what waited for it."""
        paid = payment.fact
        ends = paid.time + lifetime_ms(self._book) if paid is not None else payment.until
        if ends > at:
            return payment
        decision = decide(key, payment, Tick(1), self._book, ends)
        self._keep(key, decision)
        self._take(at, decision)
        return None

    def _erase_if_idle(self, at: int, key: str, account: Account, message: Message) -> bool:
        """Whether the account was idle for too long; the message then waits for its erasure."""
        if not self._idle_ms or at - self._last_message_ms.get(key, at) < self._idle_ms:
            return False
        self._last_message_ms[key] = at
        erasure = self._idle_erasure(key, account, at)
        self._send(at, [*erasure, Send(key, message)] if erasure else [])
        return bool(erasure)

    def _idle_erasure(self, key: str, account: Account, at: int) -> list[Send]:
        result = self._post(key, account, at)
        return settlement.idle_erasure(result, self._book, Cause(key, "idle", at))

    # accounts --------------------------------------------------------------------------------

    def _accounts(self) -> Iterable[tuple[str, Account]]:
        for key, entity in self.entities.items():
            account = account_of(entity)
            if account is not None:
                yield key, account

    def _post(self, key: str, account: Account, at: int) -> AccountView:
        """Post everything that was deferred."""
        ledger = TotalLedger(account, Cause(key, "replay", at), self._report.points)
        result, counts = settlement.post(account, self._book, ledger, 0)
        for outcome, number in counts.items():
            self._report.outcomes[outcome.value] += number
        return result


def _depends_on_posting(account: Account | None, message: Message) -> bool:
    """Whether deferred postings must be made before this message.

    An erasure keeps what was paid, a transfer takes along what was posted for an origin, and a
    reversal must show as what it takes back.
    """
    if account is not None and account.erased is not None:
        return True
    if isinstance(message, FactReceived):
        return message.fact.rank > 0
    return isinstance(message, Erase | TransferOut)
