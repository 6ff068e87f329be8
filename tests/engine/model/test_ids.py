# SPDX-License-Identifier: Apache-2.0
"""These values are stored and published: none of them may ever change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas import origin_consumer_id, union_consumer_id
from stream.engine.model.ids import digest, marker, origin_key, origin_parts, payment_key, union_key

ids = st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True)


def test_keys_of_entities() -> None:
    assert union_key("brand", "uMei") == "union.brand.uMei"
    assert origin_key("wxmp", "oMei") == "origin.wxmp.oMei"
    assert payment_key("42") == "tx.42"


def test_consumer_ids_of_the_contract_are_the_keys() -> None:
    assert union_key("brand", "uMei") == union_consumer_id("brand", "uMei")
    assert origin_key("wxmp", "oMei") == origin_consumer_id("wxmp", "oMei")


@given(ids, ids)
def test_an_origin_key_gives_back_its_parts(appid: str, openid: str) -> None:
    assert origin_parts(origin_key(appid, openid)) == (appid, openid)


def test_digests() -> None:
    assert digest("entry", "union.brand.uMei", 1, "e1", "accrual") == (
        "1d1056b33b11eb0adc8989c2af1c97ea"
    )
    assert digest("a", "b") != digest("b", "a")
    assert digest("a", "b") != digest("ab")
    assert digest(1) == digest("1")


def test_markers() -> None:
    assert marker("payment:42").hex() == "ad7bf5ae7e7f"
    assert marker("支付").hex() == "9307f4ddfb20"
