# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson

from schemas import Reason, binary_headers, dead_letter_headers
from stream.demo.output_totals import NEWEST_MAX, Outputs

CONSUMER = "union.abc-brand.o1"


def take(outputs: Outputs, type_: str, id_: str, **data: Any) -> str:
    headers = binary_headers(type_, id_, "urn:shadowpoints:test", 1_770_000_000_000, CONSUMER)
    return outputs.take(orjson.dumps(data), headers)


def entry(outputs: Outputs, id_: str, kind: str, points: int, balance: int) -> None:
    take(
        outputs,
        "entry.posted.v1",
        id_,
        consumer_id=CONSUMER,
        kind=kind,
        points=points,
        balance=balance,
    )


def offer(outputs: Outputs, word: str, id_: str, points: int = 0, **more: Any) -> str:
    text = {"zh-CN": f"领取 {points} 积分", "en": f"Get {points} points"}
    data = {"offer_id": "o-1", "consumer_id": CONSUMER, "points": points, "text": text, **more}
    return take(outputs, f"offer.{word}.v1", id_, **data)


def test_entries_add_up_by_kind_and_the_last_balance_holds() -> None:
    outputs = Outputs()
    entry(outputs, "a", "accrual", 300, 300)
    entry(outputs, "b", "clawback", -100, 200)
    entry(outputs, "c", "payout", -200, 0)

    assert outputs.points == {"accrual": 300, "clawback": -100, "payout": -200}
    assert outputs.balances == {CONSUMER: 0}
    assert outputs.nonzero_balances() == {}
    assert outputs.entries == 3
    assert outputs.chains_broken == 0


def test_traits_are_counted_by_what_they_say() -> None:
    outputs = Outputs()
    take(outputs, "tier.changed.v1", "1", consumer_id=CONSUMER)
    take(outputs, "nudge.due.v1", "2", consumer_id=CONSUMER)
    take(outputs, "nudge.due.v1", "2", consumer_id=CONSUMER)

    assert outputs.traits == {"tier.changed": 1, "nudge.due": 1}


def test_a_record_which_comes_twice_counts_once() -> None:
    outputs = Outputs()
    entry(outputs, "a", "accrual", 300, 300)
    entry(outputs, "a", "accrual", 300, 300)

    assert outputs.balances == {CONSUMER: 300}
    assert outputs.repeated == 1


def test_a_balance_which_does_not_follow_is_noticed() -> None:
    outputs = Outputs()
    entry(outputs, "a", "accrual", 300, 300)
    entry(outputs, "b", "accrual", 10, 311)

    assert outputs.chains_broken == 1


def test_an_offer_lives_from_issue_to_its_end() -> None:
    outputs = Outputs()
    assert offer(outputs, "issued", "1", 1200) == "offer.issued.v1"
    assert outputs.live[CONSUMER].points == 1200
    offer(outputs, "revised", "2", 1500)
    assert outputs.live[CONSUMER].points == 1500
    offer(outputs, "withdrawn", "3", reason="consent")

    assert outputs.live == {}
    assert outputs.offers == {"issued": 1, "revised": 1, "withdrawn": 1}
    assert outputs.withdrawn == {"consent": 1}


def test_the_newest_offers_are_kept_in_both_languages() -> None:
    outputs = Outputs()
    for number in range(NEWEST_MAX + 2):
        offer(outputs, "issued", str(number), number)

    assert [kept.points for kept in outputs.newest] == [2, 3, 4]
    assert outputs.newest[-1].text == {"zh-CN": "领取 4 积分", "en": "Get 4 points"}


def test_payouts_and_their_corrections_are_summed_by_member() -> None:
    outputs = Outputs()
    member = {"member_id": "M-1", "consumer_id": CONSUMER}
    take(outputs, "payout.issued.v1", "1", points=500, supplementary=False, **member)
    take(outputs, "payout.issued.v1", "2", points=30, supplementary=True, **member)
    take(outputs, "payout.corrected.v1", "3", points=-120, **member)

    assert outputs.payouts == {"M-1": 410}
    assert outputs.paid_first == {CONSUMER: 500}
    assert (outputs.payouts_issued, outputs.payouts_corrected) == (2, 1)


def test_an_offer_taken_up_is_kept_with_its_points() -> None:
    outputs = Outputs()
    offer(outputs, "issued", "1", 1200)
    offer(outputs, "accepted", "2", 1250)

    assert outputs.accepted == {CONSUMER: 1250}
    assert outputs.live == {}


def test_binds_conflicts_and_dead_letters_are_counted() -> None:
    outputs = Outputs()
    take(outputs, "origin.bound.v1", "1", appid="wx1")
    take(outputs, "origin.conflicted.v1", "2", appid="wx1")
    outputs.take_dead(
        dead_letter_headers(
            [],
            topic="wechat.pay",
            partition=0,
            offset=7,
            stage="identify",
            reason=Reason.INVALID_DATA,
            message="",
        )
    )

    assert (outputs.bound, outputs.conflicts) == (1, 1)
    assert outputs.dead == {"invalid_data": 1}
