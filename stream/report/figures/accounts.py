# SPDX-License-Identifier: Apache-2.0
"""What one account adds to the figures. Pure: of the account, the rules and ``as_of`` alone."""

from __future__ import annotations

from collections import Counter

from stream.engine.model.calendar import day_of
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account
from stream.report.figures.classes import class_figures
from stream.report.figures.counts import Key
from stream.report.figures.eligibility import eligibility
from stream.report.figures.experiments import experiment_figures
from stream.report.figures.history import history_of
from stream.report.figures.lots import Fate, Holdings, Lot, holdings
from stream.report.figures.loyalty import loyalty_figures
from stream.report.figures.periods import ARCHIVED, NEVER, age_name, month_name
from stream.report.figures.stitching import stitching_figures


def account_figures(key: str, account: Account, book: RuleBook, as_of: int) -> Counter[Key]:
    """The counts to which this consumer belongs, with what the consumer adds to each.

    The account is the caller's to give away: enrolments yet to come are taken out of it.
    """
    for facts in account.facts_by_origin.values():
        joined = facts.enrolments.items()
        facts.enrolments = {name: one for name, one in joined if one.time <= as_of}
    held, found = holdings(account, book, as_of), Counter[Key]()
    past = history_of(account, held.view, book, as_of)
    _overview(account, held, found)
    for lot in held.lots:
        _points(lot, day_of(as_of), found)
    if one := eligibility(key, account, held, past, book, as_of):
        experiment_figures(found, one, held.view, past, as_of)
    class_figures(found, held.view)
    loyalty_figures(found, past, as_of)
    stitching_figures(found, key, account, past, as_of)
    return found


def _overview(account: Account, held: Holdings, found: Counter[Key]) -> None:
    view = held.view
    if view.seen or view.enrolment:
        found["overview", "consumers"] += 1
        found["overview", "members" if view.enrolment else "not_members"] += 1
    for lot in held.lots:
        found["overview", f"points_{lot.fate}"] += lot.points
    found["overview", "consumers_with_points"] += any(
        lot.fate is Fate.OUTSTANDING for lot in held.lots
    )
    if account.last_offer is not None and account.last_offer.live:
        found["overview", "live_offers"] += 1
        found["overview", "points_offered"] += account.last_offer.points


def _points(lot: Lot, today: int, found: Counter[Key]) -> None:
    month = ARCHIVED if lot.earned is None else month_name(lot.earned)
    for name, divided_by in (("rules", lot.rule), ("breakage", month)):
        found[name, divided_by, "granted"] += lot.points
        found[name, divided_by, lot.fate] += lot.points
    if lot.fate is Fate.OUTSTANDING:
        age = ARCHIVED if lot.earned is None else age_name(today - lot.earned)
        found["liability_by_age", age, "points"] += lot.points
        expires = month_name(lot.expires) if lot.expires else NEVER
        found["liability_by_expiry", expires, "points"] += lot.points
