# SPDX-License-Identifier: Apache-2.0
"""Experiments: some consumers are kept without offers, so that one can see what offers do.

The group hangs on the origins by which a consumer was met, and each of them is in one group for as
long as the experiment lasts. So no consumer changes sides by being identified: one who was treated
by one origin goes on to be, and if another one was in the control group, the consumer is mixed from
then on, keeps the offer, and is counted apart. Who was met by a Union ID alone is sorted by that.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b

from stream.engine.model.ruleset import ControlGroup, RuleBook
from stream.engine.model.state import Account


class Group(StrEnum):
    """On which side of an experiment a consumer is."""

    TREATED = "treated"
    CONTROL = "control"
    MIXED = "mixed"  # on both; belongs to neither when the two are compared


def control_at(book: RuleBook, as_of: int) -> ControlGroup | None:
    """The control group of the experiment which is on at ``as_of`` (ms)."""
    rules = book.at(as_of)
    return rules.control_group if rules is not None else None


def group_of(control: ControlGroup, key: str, account: Account) -> Group:
    """The group of the consumer with this key: a function of the origins, in whatever order."""
    sides = set()
    for origin, origin_facts in account.facts_by_origin.items():
        # Without a touch it may be there or not, by the order in which binds came.
        if origin and (origin_facts.touches or origin_facts.archived):
            sides.add(is_control(control, origin))
            if len(sides) > 1:
                return Group.MIXED
    if not sides:
        sides.add(is_control(control, key))
    return Group.CONTROL if True in sides else Group.TREATED


def is_kept_out(control: ControlGroup | None, key: str, account: Account) -> bool:
    """Whether an experiment keeps the consumer from being contacted."""
    return control is not None and group_of(control, key, account) is Group.CONTROL


def is_control(control: ControlGroup, who: str) -> bool:
    """Whether an origin, or a union known by none, is in the control group.

    Salted, so that each experiment draws for itself; and a larger share has all of a smaller one.
    """
    salted = f"{control.experiment}\x1f{who}".encode()
    return int.from_bytes(blake2b(salted, digest_size=4).digest()) % 100 < control.percent


def marks(control: ControlGroup | None, key: str, account: Account) -> dict[str, str]:
    """What is said of it beside an offer, a payout or an entry; nothing without an experiment."""
    if control is None:
        return {}
    return {"experiment": control.experiment, "group": group_of(control, key, account).value}
