# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from schemas import Event
from stream.engine.model.ids import marker
from stream.engine.model.reporters import Kind, are_independent, kind_of, reporter_of
from tests.support import events
from tests.support.books import START


def shop(source: str) -> Event:
    return events.payment(START, "t1", "oMei-1", 100, source=source)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("urn:shadowpoints:shadowpoints:gateway", Kind.MERCHANT),
        ("urn:shadowpoints:abc:tradebill", Kind.MERCHANT),
        ("urn:example:pay-gateway", Kind.MERCHANT),
        ("client", Kind.MERCHANT),
        ("urn:shadowpoints:abc:client:till-7", Kind.TILL),
        ("urn:shadowpoints:abc:client", Kind.TILL),
    ],
)
def test_who_speaks_is_known_by_the_source(source: str, kind: Kind) -> None:
    assert kind_of(reporter_of(shop(source))) is kind


def test_wechats_own_notification_takes_no_bytes_and_others_few() -> None:
    assert reporter_of(shop("urn:shadowpoints:abc:gateway")) == b""
    assert reporter_of(shop("urn:example:pay")) == b"\0" + marker("urn:example:pay")[:4]


def test_a_mall_is_known_by_its_report_unless_a_client_brings_it() -> None:
    mall = events.mall_payment(START, "t1", "oMei-1", 100)
    assert kind_of(reporter_of(mall)) is Kind.MALL
    brought = events.event(mall.type, START, mall.data.model_dump(mode="json"), source=events.TILL)
    assert kind_of(reporter_of(brought)) is Kind.TILL


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        (b"", b"\1mall", True),
        (b"\0shop", b"\1mall", True),
        (b"\0mall", b"\1mall", False),
        (b"", b"\0shop", False),
        (b"\1mall", b"\1male", False),
        (b"", b"\2till", False),
        (b"\1mall", b"\2till", False),
    ],
)
def test_only_a_shop_and_a_mall_are_independent(one: bytes, other: bytes, are: bool) -> None:
    assert are_independent(one, other) is are
    assert are_independent(other, one) is are
