# SPDX-License-Identifier: Apache-2.0
"""Ids of events, and rejected data."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import MESSAGE_ID_PATTERN
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.event_builder import checked, fact_id, payment_id, refund_id
from tests.wechat.pay.shapes import PAYMENT, SHAPES

ID = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True)


@given(ID, st.lists(st.text(st.characters(codec="utf-8"))))
def test_ids_fit_the_envelope_whatever_the_key(key: str, parts: list[str]) -> None:
    for made in (payment_id(key), refund_id(key), fact_id("coupon.received.v1", *parts)):
        assert re.fullmatch(MESSAGE_ID_PATTERN, made)


def test_another_key_is_another_id() -> None:
    assert fact_id("coupon.used.v1", "a", "b") == fact_id("coupon.used.v1", "a", "b")
    others = {
        *(fact_id("coupon.used.v1", "a", "b"), fact_id("coupon.used.v1", "ab", "")),
        *(fact_id("coupon.used.v1", "b", "a"), fact_id("card.deleted.v1", "a", "b")),
        *(payment_id("a"), refund_id("a")),
    }
    assert len(others) == 6


def test_a_rejected_model_is_a_rejected_notification() -> None:
    data = SHAPES["direct"].with_(amount__total=-1, transaction_id="no id", bank_type=5)
    with pytest.raises(DeliveryRejected) as caught:
        checked(PAYMENT, data)
    assert caught.value.reason is RejectReason.MALFORMED
    assert "$.data.amount.total" in caught.value.message
    assert "no id" not in caught.value.message
