# SPDX-License-Identifier: Apache-2.0
"""A broken promise: which check saw it, and what it saw."""

from __future__ import annotations

from enum import StrEnum


class Check(StrEnum):
    """Every check by its name."""

    FENCE = "one owner"  # P8: only who claimed last commits
    BYTES = "same id, same bytes"  # P7
    CONSERVATION = "conservation"  # P4
    OFFER = "offer is payout"  # P5
    WORKER = "worker survives data"  # P9
    REST = "comes to rest"
    CONTRACT = "outputs as published"  # what we say is what our schemas say
    PUBLISH = "publish after commit"  # P7
    LOST_OUTPUT = "no output lost"  # P7
    SEQUENCE = "new by sequence"  # P7
    PAGES = "no page left behind"
    BINDS = "binds"  # P3
    BALANCES = "balances"  # P3
    PAYOUTS = "payouts"  # P3
    SPENT = "net amounts"  # P3
    LIVE = "live offers"  # P3
    CLASSES = "classes"  # P3
    TOLD = "traits as told"  # as the CRM reads the topic
    NUDGES = "nudges as told"
    ANNOUNCED = "announced offers"  # P5, as the CRM reads the topic
    COUNTS = "outcome counts"  # P1, P2
    LEDGER = "ledger as read"  # P4, as a consumer reads the topic
    GRANTED = "granted by campaigns"
    PAID = "payouts as read"
    IDENTITY = "binds as read"
    REPLAY = "replay"  # P6
    ERASED = "erased stays erased"  # P10


class Violation(Exception):
    """A promise is broken."""

    def __init__(self, check: Check, text: str) -> None:
        super().__init__(f"{check}: {text}")
        self.check = check


def demand(holds: bool, check: Check, text: str) -> None:
    """Raise :class:`Violation` unless ``holds``."""
    if not holds:
        raise Violation(check, text)


def same(found: object, expected: object, check: Check) -> None:
    """Raise :class:`Violation` unless both are equal."""
    if found != expected:
        raise Violation(check, f"found {found}, expected {expected}")
