# SPDX-License-Identifier: Apache-2.0
"""Offer: tell the CRM what signing up now would pay, in the form shadowpoints has it."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.job.post import Output, iso, output
from benchmarks.peers.job.rules import (
    BENEFITS,
    LIFETIME_MS,
    REASONS,
    TEXT,
    THRESHOLD,
    VERSION,
)
from benchmarks.peers.job.state import Account, Told


def offer(account: Account, key: str, cause: str, outputs: list[Output], as_of_ms: int) -> None:
    """Issue, revise or withdraw, if anything is new."""
    told = account.told
    if account.balance < THRESHOLD:
        withdraw(account, key, cause, "below_threshold", outputs, as_of_ms)
        return
    if told is not None and told.live:
        if told.points == account.balance:
            return
        told.revision += 1
        told.points = account.balance
        word = "revised"
    else:
        account.offers += 1
        told = Told(f"{cause}.{key[0]}.{account.offers}", 1, account.balance, True)
        account.told = told
        word = "issued"
    body = _body(account, told, key, as_of_ms)
    id_ = f"{told.offer_id}.{told.revision}"
    outputs.append(output("offers", f"offer.{word}.v1", id_, key, as_of_ms, body))


def withdraw(
    account: Account, key: str, cause: str, reason: str, outputs: list[Output], as_of_ms: int
) -> None:
    """End the offer, if one is live."""
    told = account.told
    if told is None or not told.live:
        return
    told.live = False
    told.revision += 1
    body = {
        "offer_id": told.offer_id,
        "consumer_id": key,
        "revision": told.revision,
        "as_of": iso(as_of_ms),
        "reason": reason,
    }
    id_ = f"{told.offer_id}.{told.revision}"
    outputs.append(output("offers", "offer.withdrawn.v1", id_, key, as_of_ms, body))


def _body(account: Account, told: Told, key: str, as_of_ms: int) -> dict[str, Any]:
    counts = sorted(account.counts.items(), key=lambda item: (-item[1], item[0]))
    reasons = [(name, count) for name, count in counts if count > 0 and name in REASONS["en"]]
    benefits = [benefit for benefit in BENEFITS if told.points >= benefit[0]]
    origins = [name.split(".") for name in sorted(account.origins)]
    return {
        "offer_id": told.offer_id,
        "consumer_id": key,
        "revision": told.revision,
        "points": told.points,
        "valid_until": iso(account.latest_ms + LIFETIME_MS),
        "as_of": iso(as_of_ms),
        "reasons": [{"touchpoint": name, "count": count} for name, count in reasons],
        "benefits": [name for _, name, _ in benefits],
        "text": {language: _text(language, told, reasons, benefits) for language in TEXT},
        "origins": [{"appid": appid, "openid": openid} for _, appid, openid in origins],
        "ruleset_version": VERSION,
    }


def _text(
    language: str,
    told: Told,
    reasons: list[tuple[str, int]],
    benefits: list[tuple[int, str, dict[str, str]]],
) -> str:
    comma = "、" if language == "zh-CN" else ", "
    spoken = (REASONS[language][name].format(count=count) for name, count in reasons)
    given = (text[language] for _, _, text in benefits)
    return TEXT[language].format(
        points=f"{told.points:,}", reasons=comma.join(spoken), benefits=comma.join(given)
    )
