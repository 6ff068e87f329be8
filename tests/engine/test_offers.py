from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from stream.engine.decision import Publish
from stream.engine.offers import Live, in_control_group, live_offer, tell, told_text, withdraw
from stream.engine.ruleset import (
    Benefit,
    ConsentMode,
    OfferPolicy,
    RuleBook,
)
from stream.engine.state import Account, Consent, Enrolment, Strand, Told
from stream.engine.tally import Tally
from stream.engine.tally import tally as tally_of
from stream.engine.touches import Touch, Touches
from stream.engine.touchpoints import Touchpoint
from tests.engine.build import MEI, ORIGIN, cause
from tests.support.books import DAY, FIRST, HOUR, OFFERS, START

POLICY = replace(
    OFFERS,
    benefits=(Benefit("gift", 40, {"en": "a gift"}), Benefit("coffee", 60, {"en": "a coffee"})),
)


def book(**changes: object) -> RuleBook:
    return RuleBook((replace(FIRST, offers=replace(POLICY, **changes)),))  # type: ignore[arg-type]


def tally(points: int, triggered: int | None = START, **changes: object) -> Tally:
    latest = {} if triggered is None else {int(Touchpoint.LOGIN): triggered}
    made = Tally(granted=Counter({"spend@1": points}), latest=latest)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


NO = [Consent(START, False)]
YES = [Consent(START, True)]
OPT_IN = RuleBook((replace(FIRST, consent=ConsentMode.OPT_IN),))
NO_OFFERS = RuleBook((replace(FIRST, offers=None),))
ALL_CONTROL = book(control_group_percent=100)


@pytest.mark.parametrize(
    ("rules", "of", "hours", "live"),
    [
        (book(), tally(30), 0, Live(30, START + 7 * DAY, [])),
        (book(), tally(40), 0, Live(40, START + 7 * DAY, ["gift"])),
        (book(), tally(99), 167, Live(99, START + 7 * DAY, ["gift", "coffee"])),
        (book(), tally(99), 168, "lapsed"),
        (book(), tally(99, None), 0, "lapsed"),
        (book(), tally(29), 0, "below_threshold"),
        (book(threshold_points=0), tally(0), 0, "below_threshold"),
        (book(), tally(29), 168, "below_threshold"),
        (ALL_CONTROL, tally(29), 0, "control_group"),
        (ALL_CONTROL, tally(29, consents=NO), 0, "consent"),
        (OPT_IN, tally(99), 0, "consent"),
        (OPT_IN, tally(99, consents=YES), 0, Live(99, START + 7 * DAY, [])),
        (NO_OFFERS, tally(99, consents=NO), 0, "rules"),
        (RuleBook(()), tally(99), 0, "rules"),
    ],
)
def test_a_live_offer_or_the_first_reason_against_it(
    rules: RuleBook, of: Tally, hours: int, live: Live | str
) -> None:
    assert live_offer(MEI, of, rules, START + hours * HOUR) == live


def test_the_latest_trigger_counts() -> None:
    latest = {int(Touchpoint.LOGIN): START, int(Touchpoint.FOLLOW): START + DAY}
    latest[int(Touchpoint.MESSAGE)] = START + 5 * DAY  # is no trigger
    live = live_offer(MEI, tally(30, latest=latest), book(), START + 6 * DAY)
    assert live == Live(30, START + 8 * DAY, [])


def test_the_control_group_is_a_fixed_share_of_all_consumers() -> None:
    keys = [f"union.brand.u{n}" for n in range(2000)]
    tenth = {key for key in keys if in_control_group(key, 10)}
    assert 150 < len(tenth) < 250
    assert tenth <= {key for key in keys if in_control_group(key, 30)}
    assert not any(in_control_group(key, 0) for key in keys)
    assert all(in_control_group(key, 100) for key in keys)
    assert in_control_group("union.brand.Zhang", 50)  # never changes


# telling ------------------------------------------------------------------------------------------


class Crm:
    """One account and what its CRM hears, step by step."""

    def __init__(self, **policy: object) -> None:
        self.account, self.book = Account(strands={ORIGIN: Strand()}), book(**policy)
        self.due: int | None = None

    def hears(self, of: Tally, at: int) -> list[str]:
        return [
            f"{o.type.split('.')[1]} {o.data.get('points', o.data.get('reason', ''))}".strip()
            for o in self.outputs(of, at)
        ]

    def outputs(self, of: Tally, at: int) -> list[Publish]:
        said = tell(self.account, of, self.book, cause(at))
        self.due = of.next_change
        return said


def test_the_life_of_an_offer() -> None:
    crm = Crm()
    assert crm.hears(tally(20), START) == []
    assert crm.hears(tally(30), START) == ["issued 30"]
    assert crm.hears(tally(30), START + 1) == []
    assert crm.hears(tally(45), START + 2) == ["revised 45"]
    assert crm.hears(tally(35), START + 3) == ["revised 35"]
    assert crm.hears(tally(20), START + 4) == ["withdrawn below_threshold"]
    assert crm.hears(tally(20), START + 5) == []
    assert crm.hears(tally(30), START + 6) == ["issued 30"]
    assert crm.hears(tally(30), START + 7 * DAY) == ["lapsed"]
    enrolled = tally(30, START + 7 * DAY)
    assert crm.hears(enrolled, START + 7 * DAY) == ["issued 30"]
    enrolled.enrolment = Enrolment(START + 7 * DAY, "M1")
    assert crm.hears(enrolled, START + 7 * DAY) == ["accepted 30"]
    assert crm.hears(enrolled, START + 8 * DAY) == []
    assert crm.account.offers == 3


def test_revisions_count_up_within_one_offer_and_have_ids_of_their_own() -> None:
    crm = Crm()
    said = [*crm.outputs(tally(30), START), *crm.outputs(tally(45), START)]
    said += crm.outputs(tally(20), START)
    assert [output.data["revision"] for output in said] == [1, 2, 3]
    assert len({output.data["offer_id"] for output in said}) == 1
    assert len({output.id for output in said}) == 3


def test_a_cool_down_holds_back_good_news_only_and_asks_to_be_woken() -> None:
    crm = Crm(cooldown_ms=2 * DAY)
    assert crm.hears(tally(50), START) == ["issued 50"]
    assert crm.hears(tally(60), START + DAY) == []
    assert crm.due == START + 2 * DAY
    assert crm.hears(tally(45), START + DAY) == ["revised 45"]  # still more than 40: the gift stays
    assert crm.hears(tally(60), START + 2 * DAY) == []
    assert crm.due == START + 3 * DAY
    assert crm.hears(tally(60), START + 3 * DAY) == ["revised 60"]


def test_a_new_offer_waits_for_the_cool_down_after_the_last_word() -> None:
    crm = Crm(cooldown_ms=2 * DAY)
    crm.hears(tally(50), START)
    assert crm.hears(tally(20), START + DAY) == ["withdrawn below_threshold"]
    assert crm.hears(tally(50), START + DAY + 1) == []
    assert crm.due == START + 2 * DAY
    assert crm.hears(tally(50), START + 2 * DAY) == ["issued 50"]


def test_a_later_trigger_prolongs_an_offer_when_its_time_is_up() -> None:
    crm = Crm()
    crm.hears(tally(30), START)
    assert crm.hears(tally(30, START + DAY), START + DAY) == []
    assert crm.due == START + 7 * DAY
    assert crm.hears(tally(30, START + DAY), START + 7 * DAY) == ["revised 30"]
    assert crm.account.told is not None
    assert crm.account.told.valid_until == START + 8 * DAY


def test_a_trigger_that_is_taken_back_shortens_an_offer_at_once() -> None:
    crm = Crm(cooldown_ms=2 * DAY)
    crm.hears(tally(30, START + DAY), START + DAY)
    assert crm.hears(tally(30, START), START + DAY) == ["revised 30"]
    assert crm.account.told is not None
    assert crm.account.told.valid_until == START + 7 * DAY


def test_a_coming_version_wakes_whoever_could_be_offered_something() -> None:
    later = replace(FIRST, version=2, effective_ms=START + DAY)
    both = RuleBook((replace(FIRST, offers=None), later))
    of = tally(30)
    assert tell(Account(), of, both, cause()) == []
    assert of.next_change == START + DAY
    assert [o.type for o in tell(Account(), of, both, cause(START + DAY))] == ["offer.issued.v1"]


def test_an_offer_is_ended_for_a_reason() -> None:
    told = Told("o1", 1, 30, [], START, START, True)
    ended = withdraw(told, cause(), "superseded")
    assert ended.type == "offer.withdrawn.v1"
    assert ended.data == {
        "offer_id": "o1",
        "consumer_id": MEI,
        "revision": 2,
        "as_of": "2026-02-28T16:00:00.000Z",
        "reason": "superseded",
    }
    assert not told.live
    assert withdraw(told, cause(), "lapsed").type == "offer.lapsed.v1"


# texts --------------------------------------------------------------------------------------------

COUNTS = Counter({int(Touchpoint.PURCHASE): 37, int(Touchpoint.LOGIN): 2, int(Touchpoint.SCAN): 2})


def texts(policy: OfferPolicy) -> Iterator[str]:
    rules = RuleBook((replace(FIRST, offers=policy),))
    (offer,) = tell(Account(), tally(10_240, touches=COUNTS), rules, cause())
    yield offer.data["text"]["zh-CN"]
    yield offer.data["text"]["en"]


def test_texts_list_all_reasons_by_number_when_the_rules_name_none() -> None:
    assert list(texts(OFFERS)) == [
        "注册领取 10,240 积分：37 × purchase、2 × scan、2 × login",
        "Sign up for 10,240: 37 × purchase, 2 × scan, 2 × login",
    ]


def test_texts_say_what_the_rules_have_words_for() -> None:
    said = {"zh-CN": {"purchase": "{count} 次消费"}, "en": {"login": "{count} visits"}}
    assert list(texts(replace(OFFERS, reason_text=said))) == [
        "注册领取 10,240 积分：37 次消费、2 × login",
        "Sign up for 10,240: 37 × purchase, 2 visits",
    ]


def test_a_benefit_without_a_text_is_called_by_its_id() -> None:
    both = {"zh-CN": "{benefits}", "en": "{benefits}"}
    assert list(texts(replace(POLICY, text=both))) == ["gift、coffee", "a gift, a coffee"]


def test_what_was_told_is_told_again_in_the_same_words_while_it_holds() -> None:
    touches = {
        b"a": Touch(START, Touchpoint.PURCHASE, [("spend", 50)], seen=1),
        b"b": Touch(START, Touchpoint.LOGIN, seen=1),
    }
    account = Account({ORIGIN: Strand(Touches.of(touches))})
    assert told_text(MEI, account, book(), START, "en") is None

    [issued] = tell(account, tally_of(account, book(), START), book(), cause(START))
    for language, text in issued.data["text"].items():
        assert told_text(MEI, account, book(), START, language) == text

    assert told_text(MEI, account, book(), START, "fr") is None
    assert told_text(MEI, account, book(), START + 7 * DAY, "en") is None
    assert told_text(MEI, account, book(threshold_points=51), START, "en") is None
    assert told_text(MEI, account, NO_OFFERS, START, "en") is None
    account.strands[ORIGIN].touches[b"c"] = Touch(
        START, Touchpoint.PURCHASE, [("spend", 5)], seen=1
    )
    assert "50" in (told_text(MEI, account, book(), START, "en") or "")
    del account.strands[ORIGIN].touches[b"a"], account.strands[ORIGIN].touches[b"c"]
    assert told_text(MEI, account, book(), START, "en") is None
