"""Applying: one process's share of the entities, as objects in its memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from stream.engine import account as accounts
from stream.engine.calendar import DAY_MS
from stream.engine.decide import decide
from stream.engine.decision import Decision, Entity, Send
from stream.engine.ledger import Cause
from stream.engine.messages import Arrived, Detach, Erase, Mark, Message, Tick
from stream.engine.offers import Live, live_offer
from stream.engine.outcomes import Outcome
from stream.engine.payment import Payment, lifetime_ms
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Erased
from stream.engine.tally import Tally
from stream.engine.verify import account_of
from stream.replay.balances import balance_line
from stream.replay.intake import share_of
from stream.replay.report import Adding, Report
from stream.replay.spool import Post

#: share -> messages for it, in order
Outbox = dict[int, list[Post]]


class Share:
    """Owns the entities of one share and applies messages to them in order.

    What would happen by the clock alone is caught up with where it makes a difference: a payment
    which was forgotten, an account which had ended, days beyond the horizon which are folded.
    """

    def __init__(self, book: RuleBook, number: int, shares: int) -> None:
        self.entities: dict[str, Entity] = {}
        self._book, self._number, self._shares = book, number, shares
        self._idle_ms = book.idle_days * DAY_MS
        self._marks: dict[str, Erased] = {}
        self._heard: dict[str, int] = {}  # account -> when something last reached it, ms
        self._queue: deque[Post] = deque()
        self._outbox: Outbox = {}
        self._report = Report()
        self._deferred = 0  # input records which are in accounts and not counted

    def apply(self, posts: Iterable[Post]) -> Outbox:
        """Apply messages and what follows from them here; answers what is for others."""
        for post in posts:
            self._deliver(*post)
            self._follow_up()
        outbox, self._outbox = self._outbox, {}
        return outbox

    def end(self, begun: int, as_of: int) -> Outbox:
        """Time passes up to ``as_of`` (ms): who has not been seen for too long is forgotten."""
        for key, entity in list(self.entities.items()):
            if isinstance(entity, Payment):
                self._expire(key, entity, as_of)
        if self._idle_ms and as_of - begun >= self._idle_ms:
            for key, account in list(self._accounts()):
                self._send(as_of, self._farewell(key, account, as_of))
        self._follow_up()
        return self.apply(())

    def report(self, as_of: int) -> tuple[Report, list[bytes]]:
        """The end, and a line for each account which has points or an offer."""
        report, lines = self._report, list[bytes]()
        for key, account in self._accounts():
            result = self._post(key, account, as_of)
            report.accounts += 1
            if result.enrolment is not None:
                report.members += 1
                continue
            offer = live_offer(key, result, self._book, as_of)
            report.balance += result.payable
            if isinstance(offer, Live):
                report.offers += 1
                report.offered += offer.points
                report.benefits.update(offer.benefits)
            else:
                report.unsaid[offer] += 1
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
        if isinstance(message, Mark):
            self._mark(at, key, message)
            return
        state = self.entities.get(key)
        if isinstance(state, Payment):
            state = self._expire(key, state, at)
        account = account_of(state) if state is not None else None
        if account is not None and self._has_ended(at, key, account, message):
            return
        erased = self._marks.get(key) if state is None and self._marks else None
        at_once = erased is not None or _depends_on_posting(account, message)
        if account is not None and at_once:
            self._post(key, account, at)
        decision = decide(key, state, message, self._book, at, erased, deferred=not at_once)
        self._keep(key, decision)
        self._take(at, decision)
        self._heard[key] = at

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
            self._report.books.enter_all(decision.outputs)
            self._send(at, decision.outputs)

    def _send(self, at: int, outputs: Iterable[object]) -> None:
        for output in outputs:
            if isinstance(output, Send):
                share = share_of(output.to, self._shares)
                post = Post(at, output.to, output.message)
                if share == self._number:
                    self._queue.append(post)
                else:
                    self._outbox.setdefault(share, []).append(post)

    def _mark(self, at: int, key: str, message: Mark) -> None:
        decision = decide("erased", self._marks.get(key), message, self._book, at)
        assert isinstance(decision.state, Erased)
        self._marks[key] = decision.state

    # what the clock would have done ----------------------------------------------------------

    def _expire(self, key: str, payment: Payment, at: int) -> Payment | None:
        """A payment whose time is over is forgotten, and what waited for it refused."""
        paid = payment.fact
        ends = paid.time + lifetime_ms(self._book) if paid is not None else payment.until
        if ends > at:
            return payment
        decision = decide(key, payment, Tick(1), self._book, ends)
        self._keep(key, decision)
        self._take(at, decision)
        return None

    def _has_ended(self, at: int, key: str, account: Account, message: Message) -> bool:
        """Whether an account had ended when this message came, which then has to wait for that."""
        if not self._idle_ms or at - self._heard.get(key, at) < self._idle_ms:
            return False
        self._heard[key] = at
        farewell = self._farewell(key, account, at)
        self._send(at, [*farewell, Send(key, message)] if farewell else [])
        return bool(farewell)

    def _farewell(self, key: str, account: Account, at: int) -> list[Send]:
        result = self._post(key, account, at)
        return accounts.end_if_idle(result, self._book, Cause(key, "idle", at))

    # accounts --------------------------------------------------------------------------------

    def _accounts(self) -> Iterable[tuple[str, Account]]:
        for key, entity in self.entities.items():
            account = account_of(entity)
            if account is not None:
                yield key, account

    def _post(self, key: str, account: Account, at: int) -> Tally:
        """Catch up with what was deferred."""
        ledger = Adding(account, Cause(key, "replay", at), self._report.books)
        result, counts = accounts.post(account, self._book, ledger, 0)
        for outcome, number in counts.items():
            self._report.outcomes[outcome.value] += number
        return result


def _depends_on_posting(account: Account | None, message: Message) -> bool:
    """Whether it matters what was posted before this message.

    An erasure leaves what was paid, a strand takes along what was posted for it, and a refund is to
    be seen as what it takes back.
    """
    if account is not None and account.erased is not None:
        return True
    if isinstance(message, Arrived):
        return message.fact.rank > 0
    return isinstance(message, Erase | Detach)
