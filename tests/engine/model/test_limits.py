# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.engine.model import limits
from stream.engine.model.facts import Fact
from stream.engine.model.limits import ENVELOPE_FACT_MAX_MS, TOUCHES_PER_DAY_MAX
from stream.engine.model.messages import FactReceived
from stream.engine.model.outcomes import Outcome
from stream.engine.model.state import Account
from stream.engine.points import account_messages as accounts
from tests.engine.build import ORIGIN, cause, login, purchase
from tests.scenarios.story import play
from tests.support.books import BOOK, DAY, START


def counts(account: Account, fact: Fact, origin: str = ORIGIN) -> dict[Outcome, int]:
    decision = accounts.arrive(account, FactReceived(fact, origin), BOOK, cause(START + 2 * DAY))
    return dict(decision.counts)


@pytest.fixture(name="full")
def of_a_busy_day() -> Account:
    account = Account()
    for number in range(TOUCHES_PER_DAY_MAX):
        assert counts(account, login(START + number, f"l{number}")) == {Outcome.APPLIED: 1}
    return account


def test_one_more_of_a_kind_on_a_day_is_refused(full: Account) -> None:
    assert counts(full, login(START + DAY - 1, "more")) == {Outcome.REFUSED: 1}
    assert counts(full, login(START, "l7")) == {Outcome.DUPLICATE: 1}
    assert counts(full, login(START + DAY, "tomorrow")) == {Outcome.APPLIED: 1}
    assert counts(full, purchase()) == {Outcome.APPLIED: 1}
    assert counts(full, login(START, "elsewhere"), "origin.wxoa.oMei") == {Outcome.APPLIED: 1}


def test_an_origin_has_an_end(full: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "ORIGIN_BYTES_MAX", full.facts_by_origin[ORIGIN].touches.most)
    assert counts(full, purchase()) == {Outcome.REFUSED: 1}


def test_a_notification_may_be_stamped_as_late_as_wechat_sends_it() -> None:
    assert ENVELOPE_FACT_MAX_MS > (24 * 60 + 4) * 60_000


def test_every_limit_is_in_its_place() -> None:
    names = list(limits.__annotations__)
    assert names == sorted(names)
    assert all(name.endswith(("_MAX", "_MS")) and getattr(limits, name) > 0 for name in names)


def test_an_origin_beyond_the_limit_stays_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is lost: it has its own account, as if nobody had said who it is."""
    monkeypatch.setattr(accounts, "ORIGINS_PER_PROFILE_MAX", 2)
    world = play("""
        given 2026-03-01 08:00  Ann@mp logs in as Mei
        given 2026-03-01 08:01  Bob@mp logs in as Mei
        given 2026-03-01 08:02  Cai@mp pays 30.00 for t1
        given 2026-03-01 08:03  Cai@mp logs in as Mei
        given 2026-03-01 08:04  Dan@mp logs in as Mei
        given 2026-03-01 08:05  Dan@mp pays 5.00 for t2
        given 2026-03-01 08:06  Cai@mp logs in as Mei
        given 2026-03-01 08:07  Ann@mp pays 7.00 for t3
    """)
    balances = {key.rpartition(".")[2].lstrip("ou"): n for key, n in world.balances().items()}
    assert balances == {"Mei": 7 + 5, "Cai": 30 + 5, "Dan": 5 + 5}
    unbound = [o for o in world.published if o.type == "origin.unbound.v1"]
    assert len(unbound) == 2
