"""The brand's ticket shop: where it is, how it proves itself, and what it knows of people."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Holds(StrEnum):
    """What the answer to the ticket shop's question holds."""

    SESSION_TOKEN = "session_token"
    OPENID = "openid"
    UNIONID = "unionid"


@dataclass(frozen=True, slots=True)
class TicketShop:
    """One pretix organizer. ``passwords``: the current one and, while it changes, the previous.

    The identity of a visitor is the answer to the question with the identifier ``question``.
    ``appid`` scopes openids, ``open_account`` Union IDs.
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
