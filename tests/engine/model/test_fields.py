# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.fields import BASES, FIELDS
from stream.engine.model.touchpoints import Touchpoint


def test_every_touchpoint_has_its_fields_and_the_app() -> None:
    assert set(FIELDS) == set(Touchpoint)
    assert all(types["appid"] is str for types in FIELDS.values())


def test_what_is_named_as_an_amount_or_a_duration_is_a_number() -> None:
    for types in FIELDS.values():
        for name, type_ in types.items():
            if name.endswith(("_fen", "_s")):
                assert type_ is int, name


def test_a_rate_is_based_on_money_in_the_event() -> None:
    for touchpoint, bases in BASES.items():
        for base in bases:
            assert base.endswith("_fen")
            assert FIELDS[touchpoint][base] is int
