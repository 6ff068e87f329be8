# SPDX-License-Identifier: Apache-2.0
"""Posting: the next entries are the difference between what facts amount to and what is posted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from schemas import format_ms, ledger, offers
from stream.engine.model.control_group import marks
from stream.engine.model.decision import Cause, Channel, Publish
from stream.engine.model.ids import digest
from stream.engine.model.ruleset import BONUS
from stream.engine.model.state import Account, Posted
from stream.engine.points.balance import AccountView


class Ledger:
    """Writes the entries of one account for one cause, in a fixed order."""

    def __init__(self, account: Account, cause: Cause) -> None:
        self.account, self.cause = account, cause
        self.balance = account.posted.balance
        self.outputs: list[Publish] = []

    def entry(self, kind: str, points: int, more: Mapping[str, Any] | None = None) -> None:
        """Append one entry of ``points`` (signed, its effect on the balance); zero is none.

        ``more`` are further fields of its kind of entry.
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
        if cause.control is not None:
            body.update(marks(cause.control, cause.key, self.account))
        self._publish(Channel.LEDGER, ledger.ENTRY_POSTED, entry_id, body)

    def post(self, view: AccountView) -> None:
        """Bring the ledger to the view: accruals, clawbacks, expiries, then payouts."""
        posted = self.account.posted
        for name in sorted(posted.granted.keys() | view.granted.keys()):
            points = view.granted.get(name, 0) - posted.granted.get(name, 0)
            self.entry("accrual" if points > 0 else "clawback", points, source_of(name))
        for name in sorted(posted.expired.keys() | view.expired.keys()):
            points = view.expired.get(name, 0) - posted.expired.get(name, 0)
            self.entry("expiry", -points, source_of(name))
        due = view.dues
        for member in sorted(posted.paid.keys() | due.keys()):
            self._pay(member, due.get(member, 0) - posted.paid.get(member, 0), view)
        self.account.posted = Posted(
            granted={name: points for name, points in view.granted.items() if points},
            expired={name: points for name, points in view.expired.items() if points},
            # a member stays known even at 0, so that a later payout is supplementary
            paid={m: due.get(m, 0) for m in sorted(posted.paid.keys() | due.keys())},
            outcomes=dict(view.outcomes),
        )

    def accrue(self, accruals: list[tuple[str, int]]) -> None:
        """Post what a ``measure@version`` grants more than was posted."""
        granted = self.account.posted.granted
        for name, points in sorted(accruals):
            granted[name] = granted.get(name, 0) + points
            self.entry("accrual", points, source_of(name))

    def transfer_out(self, moved: Posted, successor: str) -> None:
        """The balance of what leaves the account."""
        self.entry("transfer_out", -moved.balance, {"counterpart": successor})

    def transfer_in(self, moved: Posted, giver: str) -> None:
        """The balance of what joins the account; from here on it is posted in this account."""
        self.entry("transfer_in", moved.balance, {"counterpart": giver})
        add_posted(self.account.posted, moved)

    def _pay(self, member: str, points: int, view: AccountView) -> None:
        """Pay a member; the first payout answers the enrolment, even if it is of nothing."""
        known = member in self.account.posted.paid
        if not points and known:
            return
        if points:
            self.entry("payout" if points > 0 else "payout_correction", -points)
        else:
            # No entry, but a number: should the account leave and the same enrolment come once
            # more, that is answered under another id.
            self.account.entries += 1
        enrolled = view.enrolment.time if view.enrolment else self.cause.as_of
        body: dict[str, Any] = {
            "consumer_id": self.cause.key,
            "member_id": member,
            "points": points,
            "enrolled_at": format_ms(enrolled),
            "as_of": format_ms(self.cause.as_of),
            **_accepted(self.account),
            **marks(self.cause.control, self.cause.key, self.account),
        }
        payout_id = digest("payout", self.cause.key, self.account.entries, self.cause.id, member)
        if points >= 0:
            body["supplementary"] = known
            body.update(pending_points(view))
            self._publish(Channel.OFFERS, offers.PAYOUT_ISSUED, payout_id, body)
        else:
            self._publish(Channel.OFFERS, offers.PAYOUT_CORRECTED, payout_id, body)

    def _publish(self, channel: Channel, type_: str, id_: str, body: dict[str, Any]) -> None:
        cause = self.cause
        self.outputs.append(Publish(channel, type_, id_, cause.key, cause.as_of, body))


def _accepted(account: Account) -> dict[str, str]:
    """The offer which the member took: it is live when the first payout is made."""
    last = account.last_offer
    return {"offer_id": last.offer_id} if last and (last.live or last.accepted) else {}


@lru_cache(maxsize=4096)
def source_of(name: str) -> Mapping[str, Any]:
    """What a ``measure@version`` is, as events say it: rule, version, campaign if it is one's."""
    measure, _, version = name.rpartition("@")
    rule, _, campaign = measure.partition(BONUS)
    source = {"rule": rule, "ruleset_version": int(version)}
    return source | {"campaign": campaign} if campaign else source


def pending_points(view: AccountView) -> dict[str, int]:
    """What is said beside points of which some are paid later; nothing if there are none."""
    return {"pending_points": view.waiting} if view.pending else {}


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


def posted_of(view: AccountView) -> Posted:
    """The view as it would be posted, without payouts."""
    return Posted(dict(view.granted), dict(view.expired), {}, dict(view.outcomes))


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
