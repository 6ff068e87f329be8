# SPDX-License-Identifier: Apache-2.0
"""What is invalid in a detail is left out, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import CONTRACTS
from stream.wechat.delivery_result import DeliveryRejected
from stream.wechat.details import without_invalid
from stream.wechat.event_builder import checked
from tests.wechat.pay.shapes import SHAPES

TYPE = "payment.succeeded.v1"
WHOLE = SHAPES["direct"].data
DETAILS = frozenset({"attach", "promotion_detail", "scene_info"})

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
promotions = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "coupon_id": st.just("c1") | anything,
            "amount": st.just(5) | anything,
            "goods_detail": st.lists(
                st.fixed_dictionaries(
                    {}, optional=dict.fromkeys(("goods_id", "quantity", "unit_price"), anything)
                )
            )
            | anything,
        },
    )
    | anything,
    max_size=3,
)


def problem_of(data: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        CONTRACTS[TYPE].validate(data)
    return caught.value


def test_what_is_no_detail_is_left_for_the_sender_to_mend() -> None:
    bad = {**WHOLE, "payer": {}, "attach": 5}
    assert without_invalid(bad, problem_of(bad), DETAILS) is None
    assert without_invalid(bad, problem_of(bad), frozenset()) is None
    assert without_invalid([], problem_of([]), DETAILS) is None
    with pytest.raises(DeliveryRejected, match=r"payer\.openid is missing"):
        checked(TYPE, bad, DETAILS)


def test_items_go_and_the_others_stay() -> None:
    good = WHOLE["promotion_detail"][0]
    bad = {**WHOLE, "promotion_detail": [5, good, {"name": "x"}, good]}
    left = without_invalid(bad, problem_of(bad), DETAILS)
    assert left["promotion_detail"] == [good, good]
    assert bad["promotion_detail"][0] == 5  # the argument stays as it was


@given(promotions | anything, anything, anything)
def test_no_detail_of_any_form_refuses_a_payment(detail: Any, attach: Any, scene: Any) -> None:
    data = {**WHOLE, "promotion_detail": detail, "attach": attach, "scene_info": scene}
    kept: Any = checked(TYPE, data, DETAILS)
    assert kept.payer.openid == WHOLE["payer"]["openid"]
    assert kept.amount.payer_total == WHOLE["amount"]["payer_total"]
