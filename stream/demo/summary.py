# SPDX-License-Identifier: Apache-2.0
"""Format the result of a run as JSON and as text: records, points, offers, failed checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from stream.demo.runner import Result

_OUTCOMES: Final = ("applied", "member", "duplicate", "parked", "late", "refused")
_CONSENT_WORDS: Final = ("invited", "granted", "offered", "enrolled")
_TRAIT_WORDS: Final = ("tier.changed", "nudge.due", "nudge.withdrawn")
_OFFER_WORDS: Final = ("issued", "revised", "withdrawn", "lapsed", "accepted")


def summary_of(result: Result) -> dict[str, Any]:
    """The result as JSON."""
    outputs, figures = result.outputs, result.figures
    points = outputs.points
    return {
        "ok": all(check.holds for check in result.checks),
        "records": {
            "in": result.inputs,
            **{name: result.counts.get(name, 0) for name in _OUTCOMES},
            "dead": sum(outputs.dead.values()),
        },
        "dead_letters": dict(sorted(outputs.dead.items())),
        "points": {
            "accrued": points["accrual"],
            "clawed_back": -points["clawback"],
            "expired": -points["expiry"],
            "paid_out": -points["payout"] - points["payout_correction"],
            "balance_of_ledger": sum(outputs.balances.values()),
            "balance_of_tables": sum(figures.balances.values()),
        },
        "ledger_entries": outputs.entries,
        "accounts": len(figures.balances),
        "binds": len(figures.binds),
        "conflicts": outputs.conflicts,
        "consent": {word: outputs.consent[word] for word in _CONSENT_WORDS},
        "offers": {
            **{word: outputs.offers[word] for word in _OFFER_WORDS},
            "live": len(outputs.live),
        },
        "traits": {word: outputs.traits[word] for word in _TRAIT_WORDS},
        "payouts": {
            "issued": outputs.payouts_issued,
            "corrected": outputs.payouts_corrected,
            "points": sum(outputs.payouts.values()),
        },
        "first_offer_s": _rounded(result.first_offer_s),
        "settled_s": _rounded(result.settled_s),
        "events_per_s": round(result.inputs / result.busy_s),
        "checks": [
            {"name": c.name, "left": c.left, "right": c.right, "holds": c.holds}
            for c in result.checks
        ],
    }


def lines_of(summary: dict[str, Any]) -> Iterator[str]:
    """The lines to print; a check that fails has a line of its own."""
    records, points, offers = summary["records"], summary["points"], summary["offers"]
    payouts = summary["payouts"]
    outcomes = " + ".join(f"{n:,} {name}" for name, n in records.items() if name != "in")
    yield ""
    yield f"records   {records['in']:,} in = {outcomes}"
    yield (
        f"points    {points['accrued']:,} accrued - {points['clawed_back']:,} clawed back - "
        f"{points['expired']:,} expired - {points['paid_out']:,} paid out"
    )
    yield (
        f"          = {points['balance_of_ledger']:,} by the ledger topic, "
        f"{points['balance_of_tables']:,} by the tables"
    )
    yield (
        f"identity  {summary['accounts']:,} accounts with points, "
        f"{summary['binds']:,} origins bound, {summary['conflicts']:,} conflicts"
    )
    way = ", ".join(f"{n:,} {word}" for word, n in summary["consent"].items())
    yield f"consent   {way}"
    counts = ", ".join(f"{n:,} {word}" for word, n in offers.items())
    yield f"offers    {counts}"
    traits = summary["traits"]
    tiers, due, withdrawn = (traits[word] for word in _TRAIT_WORDS)
    yield f"traits    {tiers:,} changes of tier, {due:,} nudges due, {withdrawn:,} withdrawn"
    yield (
        f"payouts   {payouts['issued']:,} issued, {payouts['corrected']:,} corrected, "
        f"{payouts['points']:,} points"
    )
    first = summary["first_offer_s"]
    after = "no offer" if first is None else f"first offer after {first:.1f} s"
    yield (
        f"time      {after}, all settled after {summary['settled_s']:.1f} s, "
        f"{summary['events_per_s']:,} records a second while busy"
    )
    checks = summary["checks"]
    failed = [check for check in checks if not check["holds"]]
    for check in failed:
        yield f"MISMATCH  {check['name']}: {check['left']:,} against {check['right']:,}"
    if not failed:
        yield f"checks    all {len(checks)} hold"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
