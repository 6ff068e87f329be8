# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import orjson

from schemas import CONTRACTS
from stream.engine.model.decision import Publish
from stream.engine.model.limits import ORIGINS_IN_OFFER_MAX
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import (
    Account,
    ArchivedTotals,
    Enrolment,
    LastOffer,
    OriginFacts,
)
from stream.engine.model.touches import Touch, Touches
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import AccountView, evaluate
from stream.engine.points.signup_offers import announce, announced_text, retract
from tests.engine.build import MEI, ORIGIN, cause
from tests.engine.points.offering import book, view
from tests.support.books import DAY, FIRST, HOUR, START

NO_OFFERS = RuleBook((replace(FIRST, offers=()),))


# announcing ---------------------------------------------------------------------------------------


class Crm:
    """One account and what its CRM reads, step by step."""

    def __init__(self, **policy: object) -> None:
        self.account, self.book = Account(facts_by_origin={ORIGIN: OriginFacts()}), book(**policy)
        self.due: int | None = None

    def reads(self, of: AccountView, at: int) -> list[str]:
        return [
            f"{o.type.split('.')[1]} {o.data.get('points', o.data.get('reason', ''))}".strip()
            for o in self.outputs(of, at)
        ]

    def outputs(self, of: AccountView, at: int) -> list[Publish]:
        said = announce(self.account, of, self.book, cause(at))
        self.due = of.next_change
        return said


def test_the_life_of_an_offer() -> None:
    crm = Crm()
    assert crm.reads(view(20), START) == []
    assert crm.reads(view(30), START) == ["issued 30"]
    assert crm.reads(view(30), START + 1) == []
    assert crm.reads(view(45), START + 2) == ["revised 45"]
    assert crm.reads(view(35), START + 3) == ["revised 35"]
    assert crm.reads(view(20), START + 4) == ["withdrawn below_threshold"]
    assert crm.reads(view(20), START + 5) == []
    assert crm.reads(view(30), START + 6) == ["issued 30"]
    assert crm.reads(view(30), START + 7 * DAY) == ["lapsed"]
    enrolled = view(30, START + 7 * DAY)
    assert crm.reads(enrolled, START + 7 * DAY) == ["issued 30"]
    enrolled.enrolment = Enrolment(START + 7 * DAY, "M1")
    assert crm.reads(enrolled, START + 7 * DAY) == ["accepted 30"]
    assert crm.reads(enrolled, START + 8 * DAY) == []
    assert crm.account.offers == 3


def test_revisions_count_up_within_one_offer_and_have_ids_of_their_own() -> None:
    crm = Crm()
    said = [*crm.outputs(view(30), START), *crm.outputs(view(45), START)]
    said += crm.outputs(view(20), START)
    assert [output.data["revision"] for output in said] == [1, 2, 3]
    assert len({output.data["offer_id"] for output in said}) == 1
    assert len({output.id for output in said}) == 3


def test_a_cool_down_holds_back_good_news_only_and_asks_to_be_woken() -> None:
    crm = Crm(cooldown_ms=2 * DAY)
    assert crm.reads(view(50), START) == ["issued 50"]
    assert crm.reads(view(60), START + DAY) == []
    assert crm.due == START + 2 * DAY
    assert crm.reads(view(45), START + DAY) == ["revised 45"]  # still more than 40: the gift stays
    assert crm.reads(view(60), START + 2 * DAY) == []
    assert crm.due == START + 3 * DAY
    assert crm.reads(view(60), START + 3 * DAY) == ["revised 60"]


def test_a_new_offer_waits_for_the_cool_down_after_the_last_word() -> None:
    crm = Crm(cooldown_ms=2 * DAY)
    crm.reads(view(50), START)
    assert crm.reads(view(20), START + DAY) == ["withdrawn below_threshold"]
    assert crm.reads(view(50), START + DAY + 1) == []
    assert crm.due == START + 2 * DAY
    assert crm.reads(view(50), START + 2 * DAY) == ["issued 50"]


def test_a_later_trigger_prolongs_an_offer_and_is_announced_a_day_before_its_end() -> None:
    crm = Crm()
    crm.reads(view(30), START)
    assert crm.reads(view(30, START + DAY), START + DAY) == []
    assert crm.due == START + 6 * DAY
    assert crm.reads(view(30, START + DAY), START + 6 * DAY - 1) == []
    assert crm.reads(view(30, START + DAY), START + 6 * DAY) == ["revised 30"]
    assert crm.account.last_offer is not None
    assert crm.account.last_offer.valid_until == START + 8 * DAY
    assert crm.due == START + 8 * DAY
    for day in range(2, 30):  # a trigger each day leads to one revision in six
        crm.reads(view(30, START + day * DAY), START + day * DAY)
    assert crm.account.last_offer.revision == 6
    assert crm.account.offers == 1


def test_the_cool_down_does_not_keep_back_that_an_offer_goes_on() -> None:
    crm = Crm(cooldown_ms=30 * DAY)
    crm.reads(view(30), START)
    assert crm.reads(view(45, START + DAY), START + DAY) == []
    assert crm.due == START + 6 * DAY
    assert crm.reads(view(45, START + DAY), START + 6 * DAY) == ["revised 45"]


def test_an_offer_of_a_day_is_prolonged_in_the_middle_of_it() -> None:
    crm = Crm(lifetime_ms=DAY)
    crm.reads(view(30), START)
    assert crm.reads(view(30, START + HOUR), START + HOUR) == []
    assert crm.due == START + 12 * HOUR
    assert crm.reads(view(30, START + HOUR), START + 12 * HOUR) == ["revised 30"]


def test_a_trigger_that_is_taken_back_shortens_an_offer_at_once() -> None:
    crm = Crm(cooldown_ms=2 * DAY)
    crm.reads(view(30, START + DAY), START + DAY)
    assert crm.reads(view(30, START), START + DAY) == ["revised 30"]
    assert crm.account.last_offer is not None
    assert crm.account.last_offer.valid_until == START + 7 * DAY


def test_a_coming_version_wakes_whoever_could_be_offered_something() -> None:
    later = replace(FIRST, version=2, effective_ms=START + DAY)
    both = RuleBook((replace(FIRST, offers=()), later))
    of = view(30)
    assert announce(Account(), of, both, cause()) == []
    assert of.next_change == START + DAY
    [offer] = announce(Account(), of, both, cause(START + DAY))
    assert offer.type == "offer.issued.v1"


def test_an_offer_is_ended_for_a_reason() -> None:
    last = LastOffer("o1", 1, 30, [], START, START, True)
    account = Account(last_offer=last)
    (ended,) = retract(account, cause(), "superseded")
    assert ended.type == "offer.withdrawn.v1"
    assert ended.data == {
        "offer_id": "o1",
        "consumer_id": MEI,
        "revision": 2,
        "as_of": "2026-02-28T16:00:00.000Z",
        "reason": "superseded",
    }
    assert not last.live
    assert retract(account, cause(), "superseded") == []
    last.live = True
    assert [e.type for e in retract(account, cause(), "lapsed")] == ["offer.lapsed.v1"]


def test_an_offer_lists_the_origins_which_were_heard_of_last() -> None:
    """As many as a constant Union ID brings, in whatever order they came."""
    origins = [f"origin.wxmp.o{n:0127}" for n in range(6500)]
    facts_by_origin = {
        origin: OriginFacts(Touches.of({b"%06d" % n: Touch(START - n, Touchpoint.LOGIN, seen=1)}))
        for n, origin in enumerate(origins)
    }
    facts_by_origin[""] = OriginFacts()
    facts_by_origin[origins[4000]] = OriginFacts(archived=ArchivedTotals(latest=START))
    facts_by_origin[origins[5000]].touches[b"odd"] = Touch(START, Touchpoint.LOGIN, seen=3, rank=1)
    for order in (list(facts_by_origin), sorted(facts_by_origin, reverse=True)):
        account = Account({origin: facts_by_origin[origin] for origin in order})
        [offer] = announce(account, view(50), book(), cause())
        heard = [*origins[: ORIGINS_IN_OFFER_MAX - 2], origins[4000], origins[5000]]
        assert [f"origin.wxmp.{o['openid']}" for o in offer.data["origins"]] == heard
        CONTRACTS[offer.type].adapter.validate_python(offer.data)
        assert len(orjson.dumps(offer.data)) < 10_000


def test_what_was_announced_is_repeated_in_the_same_words_while_it_holds() -> None:
    touches = {
        b"a": Touch(START, Touchpoint.PURCHASE, [("spend", 50)], seen=1),
        b"b": Touch(START, Touchpoint.LOGIN, seen=1),
    }
    account = Account({ORIGIN: OriginFacts(Touches.of(touches))})
    assert announced_text(MEI, account, book(), START, "en") is None

    [issued] = announce(account, evaluate(account, book(), START), book(), cause(START))
    for language, text in issued.data["text"].items():
        assert announced_text(MEI, account, book(), START, language) == text

    assert announced_text(MEI, account, book(), START, "fr") is None
    assert announced_text(MEI, account, book(), START + 7 * DAY, "en") is None
    assert announced_text(MEI, account, book(threshold_points=51), START, "en") is None
    assert announced_text(MEI, account, NO_OFFERS, START, "en") is None
    more = Touch(START, Touchpoint.PURCHASE, [("spend", 5)], seen=1)
    account.facts_by_origin[ORIGIN].touches[b"c"] = more
    assert "50" in (announced_text(MEI, account, book(), START, "en") or "")
    del account.facts_by_origin[ORIGIN].touches[b"a"], account.facts_by_origin[ORIGIN].touches[b"c"]
    assert announced_text(MEI, account, book(), START, "en") is None
