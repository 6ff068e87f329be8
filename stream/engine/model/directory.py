# SPDX-License-Identifier: Apache-2.0
"""Which WeChat apps belong together: the star in whose middle a Union ID is one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Move(NamedTuple):
    """An app went to another Open Platform account: it was in ``account`` until ``at`` (ms)."""

    account: str
    at: int


class Membership(NamedTuple):
    """The Open Platform account an app is in, and since when (``epoch``, ms; 0: ever)."""

    account: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The brand's apps. An app without an Open Platform account never yields a Union ID."""

    open_account_by_appid: Mapping[str, str] = field(hash=False)
    #: The ``gh_...`` id in a plaintext push (``ToUserName``) -> the appid which scopes its openid.
    appid_by_original_id: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: Every listed appid, those without an Open Platform account included.
    appids: frozenset[str] = frozenset()
    #: Where apps came from which have changed their account.
    moves: Mapping[str, Move] = field(default_factory=dict, hash=False)

    def open_account(self, appid: str) -> str | None:
        """The Open Platform account of an app; ``None`` when it has none or is not listed."""
        return self.open_account_by_appid.get(appid)

    def membership(self, appid: str, time: int) -> Membership | None:
        """Whose Union IDs an app's events of ``time`` (ms) carry; ``None``: it has none."""
        account, move = self.open_account(appid), self.moves.get(appid)
        if account is None:
            return None
        if move is None:
            return Membership(account, 0)
        return Membership(account, move.at) if time >= move.at else Membership(move.account, 0)

    def membership_in(self, appid: str, account: str) -> Membership | None:
        """When an app was in ``account``; ``None``: never."""
        move = self.moves.get(appid)
        if move is not None and move.account == account:
            return Membership(account, 0)
        if self.open_account(appid) != account:
            return None
        return Membership(account, move.at if move is not None else 0)

    def has_account(self, account: str) -> bool:
        """Whether an app is in this Open Platform account, or was."""
        return account in self.open_account_by_appid.values() or any(
            move.account == account for move in self.moves.values()
        )

    def apps_in(self, account: str, time: int) -> list[str]:
        """The apps which are in an Open Platform account at ``time`` (ms)."""
        listed = sorted(self.open_account_by_appid)
        return [a for a in listed if (m := self.membership(a, time)) and m.account == account]

    def appid_of(self, original_id: str) -> str | None:
        """The appid of a ``gh_...`` original id; ``None`` when it is not listed."""
        return self.appid_by_original_id.get(original_id)

    def knows(self, appid: str) -> bool:
        """Whether the app is listed at all."""
        return appid in self.appids or appid in self.open_account_by_appid
