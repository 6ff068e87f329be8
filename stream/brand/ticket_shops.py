# SPDX-License-Identifier: Apache-2.0
"""Configuration of a pretix ticket shop: address, credentials, and how tickets identify people."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Holds(StrEnum):
    """What kind of id the answer to the ticket shop's question is."""

    SESSION_TOKEN = "session_token"
    OPENID = "openid"
    UNIONID = "unionid"


@dataclass(frozen=True, slots=True)
class TicketShop:
    """One pretix organizer. ``passwords``: the current one and, during a change, the previous.

    The answer to the question with the identifier ``question`` identifies the visitor: an openid
    of ``appid``, or a Union ID of ``open_account``.
    """

    organizer: str
    user: str
    passwords: tuple[str, ...] = field(repr=False)
    base_url: str
    api_token: str = field(repr=False)
    question: str
    holds: Holds
    appid: str | None = None
    open_account: str | None = None
