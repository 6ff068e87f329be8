# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas import CONTRACTS
from stream.engine.model.ruleset import (
    ConsentMode,
    ControlGroup,
    InvitationPolicy,
    Invited,
    RuleBook,
)
from stream.engine.model.state import Account, Answer, Consent, Enrolment, Invitation, OriginFacts
from stream.engine.model.touches import Touch, Touches
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import evaluate
from stream.engine.points.invitations import announce, close, invited_text, later
from tests.engine.build import ORIGIN, cause
from tests.support.books import DAY, OPT_IN, START

POLICY = InvitationPolicy(
    to=Invited.EVERYBODY,
    triggers=frozenset({Touchpoint.FOLLOW, Touchpoint.LOGIN}),
    lifetime_ms=7 * DAY,
    cooldown_ms=30 * DAY,
    text={"zh-CN": "有一份心意在等您", "en": "Something of yours is waiting"},
    short_text={"zh-CN": "有一份心意在等您", "en": "Agree to see it"},
)


def book(policy: InvitationPolicy | None = POLICY, **changes: Any) -> RuleBook:
    return RuleBook((replace(OPT_IN.versions[0], invitation=policy, **changes),))


def waiting(points: int = 30, time: int = START, **changes: Any) -> Account:
    """Somebody who paid and logged in, and was never asked."""
    touches = {
        b"a": Touch(time, Touchpoint.PURCHASE, [("spend", points)], seen=1),
        b"b": Touch(time, Touchpoint.LOGIN, seen=1),
    }
    return Account({ORIGIN: OriginFacts(Touches.of(touches))}, **changes)


def says(
    account: Account, rules: RuleBook | None = None, at: int = START, **view: Any
) -> list[str]:
    """The types and reasons of what is announced."""
    rules = rules or book()
    of = evaluate(account, rules, at)
    for name, value in view.items():
        setattr(of, name, value)
    said = announce(account, of, rules, cause(at, ORIGIN))
    for output in said:
        CONTRACTS[output.type].adapter.validate_python(dict(output.data))
    return [f"{o.type.split('.')[1]} {o.data.get('reason', '')}".strip() for o in said]


def test_an_invitation_says_neither_points_nor_why() -> None:
    account = waiting()
    rules = book()
    [said] = announce(account, evaluate(account, rules, START), rules, cause(START, ORIGIN))
    assert said.data == {
        "invitation_id": said.id,
        "consumer_id": ORIGIN,
        "cause": "c1",
        "trigger": {"touchpoint": "login", "time": "2026-02-28T16:00:00.000Z"},
        "valid_until": "2026-03-07T16:00:00.000Z",
        "as_of": "2026-02-28T16:00:00.000Z",
        "text": POLICY.text,
        "short_text": POLICY.short_text,
        "origins": [{"appid": "wxmp", "openid": "oMei"}],
        "channels": [
            {
                "channel": "mini_program",
                "appid": "wxmp",
                "openid": "oMei",
                "last_visit": "2026-02-28T16:00:00.000Z",
            }
        ],
        "ruleset_version": 1,
    }


PAUSED, PAUSED_BEFORE = Consent(START, Answer.PAUSED), Consent(START - 1, Answer.PAUSED)
THRESHOLD = replace(POLICY, to=Invited.THRESHOLD)
CONTROL = ControlGroup("spring", 100)


@pytest.mark.parametrize(
    ("rules", "at", "view", "invited"),
    [
        (book(), START, {}, True),
        (book(), START + 7 * DAY - 1, {}, True),
        (book(), START + 7 * DAY, {}, False),  # the trigger is too long ago
        (book(None), START, {}, False),
        (book(replace(POLICY, triggers=frozenset({Touchpoint.SCAN}))), START, {}, False),
        (book(control_group=CONTROL), START, {}, False),
        (book(consent=ConsentMode.OPT_OUT), START, {"waiting_for_consent": {8: START}}, False),
        (book(), START, {"opt_in": True}, False),  # asked to be forgotten
        (book(), START, {"consents": [PAUSED]}, False),  # unfollowed, and did not come back
        (book(), START, {"consents": [PAUSED_BEFORE]}, True),
        (book(), START, {"enrolment": Enrolment(START, "M1")}, False),
        (book(THRESHOLD), START, {}, True),
        (book(THRESHOLD, offers=()), START, {}, False),
    ],
)
def test_who_is_invited(rules: RuleBook, at: int, view: dict[str, Any], invited: bool) -> None:
    assert says(waiting(), rules, at, **view) == ["invited"] * invited


def test_only_those_to_whom_a_grant_would_bring_an_offer() -> None:
    account = waiting(29)
    before = account.facts_by_origin[ORIGIN].consents
    assert says(account, book(THRESHOLD)) == []
    assert says(account, book()) == ["invited"]
    assert account.facts_by_origin == waiting(29).facts_by_origin
    assert before == {}


def test_one_in_a_cool_down_and_never_after_an_answer() -> None:
    account = waiting()
    assert says(account) == ["invited"]
    assert says(account) == []
    assert says(account, at=START + 6 * DAY) == []
    account.facts_by_origin = waiting(time=START + 30 * DAY - 1).facts_by_origin
    assert says(account, at=START + 30 * DAY - 1) == []
    assert says(account, at=START + 30 * DAY) == ["invited"]
    granted = [Consent(START + 31 * DAY, Answer.GRANTED)]
    assert says(account, at=START + 31 * DAY, consents=granted) == ["invitation_closed granted"]
    assert says(account, at=START + 99 * DAY, consents=granted) == []


@pytest.mark.parametrize(
    ("view", "days", "closed", "granted"),
    [
        ({"consents": [Consent(START, Answer.GRANTED)]}, 1, ["invitation_closed granted"], True),
        (
            {"consents": [Consent(START, Answer.GRANTED), Consent(START + 1, Answer.WITHDRAWN)]},
            1,
            ["invitation_closed withdrawn"],
            False,
        ),
        ({"enrolment": Enrolment(START, "M1")}, 1, ["invitation_closed enrolled"], False),
        ({"consents": [Consent(START, Answer.PAUSED)]}, 1, [], False),
        ({"consents": [Consent(START, Answer.GRANTED)]}, 7, [], False),  # its time was over
    ],
)
def test_the_answer_closes_it(
    view: dict[str, Any], days: int, closed: list[str], granted: bool
) -> None:
    account = waiting()
    says(account)
    assert says(account, at=START + days * DAY, **view) == closed
    assert account.invitation is not None
    assert account.invitation.granted is granted
    assert says(account, at=START + days * DAY, **view) == []


def test_of_two_accounts_which_become_one_the_later_invitation_stands() -> None:
    first, second = Invitation("i1", START, START + DAY), Invitation("i2", START + 1, START + DAY)
    assert later(None, None) is None
    assert later(first, None) is later(None, first) is first
    assert later(first, second) is later(second, first) is second


def test_it_is_repeated_in_the_same_words_while_it_stands() -> None:
    account = waiting()
    assert invited_text(account, book(), START, "en") is None
    says(account)
    assert invited_text(account, book(), START, "en") == POLICY.text["en"]
    assert invited_text(account, book(), START, "fr") is None
    assert invited_text(account, book(None), START, "en") is None
    assert invited_text(account, book(), START + 7 * DAY, "en") is None
    close(account, cause(START, ORIGIN), "erased")
    assert invited_text(account, book(), START, "en") is None
    assert close(account, cause(START, ORIGIN), "erased") == []
