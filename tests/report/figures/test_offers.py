# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.report.figures.counts import Count
from stream.report.figures.events import Told
from stream.report.figures.offers import OfferHistory
from tests.support.books import DAY, HOUR, START


def event(word: str, offer: str, consumer: str, at: int, reason: str = "") -> Told:
    data = {"offer_id": offer, **({"reason": reason} if reason else {})}
    return Told(f"offer.{word}.v1", consumer, at, data)


def test_an_offer_is_followed_to_its_end() -> None:
    history = OfferHistory()
    for one in (
        event("issued", "o1", "Mei", START),
        event("revised", "o1", "Mei", START + HOUR),
        event("issued", "o2", "Dan", START + HOUR),
        event("accepted", "o1", "Mei", START + 5 * HOUR + 1),
        event("withdrawn", "o2", "Dan", START + 2 * HOUR, "superseded"),
        event("issued", "o3", "Dan", START + 2 * DAY),  # Dan's second one of this month
        event("issued", "o4", "Li", START + 31 * DAY),
        event("lapsed", "o3", "Dan", START + 32 * DAY),
        event("withdrawn", "o9", "Ann", START + 32 * DAY, "consent"),  # its issue was erased
    ):
        history.add(one)
    assert dict(history.counts.under()) == {
        ("offers", "2026-03", "made"): Count(2, 3),
        ("offers", "2026-03", "accepted"): Count(1, 1),
        ("offers", "2026-03", "superseded"): Count(1, 1),
        ("offers", "2026-03", "lapsed"): Count(0, 1),
        ("offers", "2026-04", "made"): Count(1, 1),
        ("offers", "2026-04", "live"): Count(1, 1),
        ("offer_hours", "2026-03", "accepted", "000005"): Count(1, 1),
        ("offer_hours", "2026-03", "superseded", "000001"): Count(1, 1),
        ("offer_hours", "2026-03", "lapsed", "000720"): Count(0, 1),
    }
