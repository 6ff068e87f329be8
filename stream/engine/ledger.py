"""Posting: the ledger's next entries are the difference between a tally and what was posted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from schemas import format_ms
from stream.engine.decision import Channel, Publish
from stream.engine.ids import digest
from stream.engine.state import Account, Posted
from stream.engine.tally import Tally


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Why something happens now: the consumer's key, the event behind it, and ``as_of`` (ms).

    ``deferred``: only the state in the end is of interest, so posting may wait.
    """

    key: str
    id: str
    as_of: int
    deferred: bool = False


class Ledger:
    """Writes the entries of one account for one cause, in a fixed order."""

    def __init__(self, account: Account, cause: Cause) -> None:
        self.account, self.cause = account, cause
        self.balance = account.posted.balance
        self.outputs: list[Publish] = []

    def entry(self, kind: str, points: int, more: Mapping[str, Any] | None = None) -> None:
        """Append one entry of ``points`` (signed, its effect on the balance); zero is none.

        ``more`` is what entries of its kind say besides.
        """
        if not points:
            return
        self.account.entries += 1
        self.balance += points
        cause = self.cause
        entry_id = digest("entry", cause.key, self.account.entries, cause.id, kind)
        body = {
            "entry_id": entry_id,
            "consumer_id": cause.key,
            "kind": kind,
            "points": points,
            "balance": self.balance,
            "cause": cause.id,
            "as_of": format_ms(cause.as_of),
        }
        if more:
            body.update(more)
        self._publish(Channel.LEDGER, "entry.posted.v1", entry_id, body)

    def post(self, tally: Tally) -> None:
        """Bring the ledger to the tally: accruals, clawbacks, expiries, then payouts."""
        posted = self.account.posted
        for name in sorted(posted.granted.keys() | tally.granted.keys()):
            points = tally.granted.get(name, 0) - posted.granted.get(name, 0)
            self.entry("accrual" if points > 0 else "clawback", points, _rule(name))
        for name in sorted(posted.expired.keys() | tally.expired.keys()):
            points = tally.expired.get(name, 0) - posted.expired.get(name, 0)
            self.entry("expiry", -points, _rule(name))
        due = {tally.enrolment.member_id: tally.payable} if tally.enrolment else {}
        for member in sorted(posted.paid.keys() | due.keys()):
            self._pay(member, due.get(member, 0) - posted.paid.get(member, 0), tally)
        self.account.posted = Posted(
            granted={name: points for name, points in tally.granted.items() if points},
            expired={name: points for name, points in tally.expired.items() if points},
            # a member stays known even at 0, so that a later payout is supplementary
            paid={m: due.get(m, 0) for m in sorted(posted.paid.keys() | due.keys())},
            outcomes=dict(tally.outcomes),
        )

    def accrue(self, accruals: list[tuple[str, int]]) -> None:
        """Post what rules (``rule@version``) grant more than was posted."""
        granted = self.account.posted.granted
        for name, points in sorted(accruals):
            granted[name] = granted.get(name, 0) + points
            self.entry("accrual", points, _rule(name))

    def transfer_out(self, moved: Posted, heir: str) -> None:
        """The balance of what leaves the account."""
        self.entry("transfer_out", -moved.balance, {"counterpart": heir})

    def transfer_in(self, moved: Posted, giver: str) -> None:
        """The balance of what joins the account; from here on it is posted in this account."""
        self.entry("transfer_in", moved.balance, {"counterpart": giver})
        add_posted(self.account.posted, moved)

    def _pay(self, member: str, points: int, tally: Tally) -> None:
        if not points:
            return
        kind = "payout" if points > 0 else "payout_correction"
        self.entry(kind, -points)
        enrolled = tally.enrolment.time if tally.enrolment else self.cause.as_of
        body: dict[str, Any] = {
            "consumer_id": self.cause.key,
            "member_id": member,
            "points": points,
            "enrolled_at": format_ms(enrolled),
            "as_of": format_ms(self.cause.as_of),
        }
        payout_id = digest("payout", self.cause.key, self.account.entries, self.cause.id)
        if points > 0:
            body["supplementary"] = member in self.account.posted.paid
            self._publish(Channel.OFFERS, "payout.issued.v1", payout_id, body)
        else:
            self._publish(Channel.OFFERS, "payout.corrected.v1", payout_id, body)

    def _publish(self, channel: Channel, type_: str, id_: str, body: dict[str, Any]) -> None:
        cause = self.cause
        self.outputs.append(Publish(channel, type_, id_, cause.key, cause.as_of, body))


@lru_cache(maxsize=4096)
def _rule(name: str) -> Mapping[str, Any]:
    rule, _, version = name.rpartition("@")
    return {"rule": rule, "ruleset_version": int(version)}


def add_posted(posted: Posted, more: Posted) -> None:
    """Add ``more`` to ``posted`` in place."""
    for mine, theirs in (
        (posted.granted, more.granted),
        (posted.expired, more.expired),
        (posted.paid, more.paid),
        (posted.outcomes, more.outcomes),
    ):
        for name, number in theirs.items():
            mine[name] = mine.get(name, 0) + number


def posted_of(tally: Tally) -> Posted:
    """The tally as it would be posted, without payouts."""
    return Posted(dict(tally.granted), dict(tally.expired), {}, dict(tally.outcomes))


def difference(posted: Posted, rest: Posted) -> Posted:
    """``posted`` less ``rest``, leaving payouts where they were made."""

    def less(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
        result = {name: a.get(name, 0) - b.get(name, 0) for name in sorted(a.keys() | b.keys())}
        return {name: number for name, number in result.items() if number}

    return Posted(
        granted=less(posted.granted, rest.granted),
        expired=less(posted.expired, rest.expired),
        outcomes=less(posted.outcomes, rest.outcomes),
    )
