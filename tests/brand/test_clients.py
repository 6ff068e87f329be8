# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from schemas import CONTRACTS
from stream.brand.clients import TYPES, ClientKind
from tests.gateway.endpoints.build import TILL


def test_every_type_of_every_kind_is_read_by_the_engine() -> None:
    assert {CONTRACTS[t].direction for types in TYPES.values() for t in types} == {"in"}


def test_an_sdk_reports_nothing_that_binds_pays_or_answers_for_a_person() -> None:
    assert TYPES[ClientKind.SDK] == {
        *("page.viewed.v1", "product.viewed.v1", "cart.added.v1", "content.shared.v1"),
        "livestream.watched.v1",
    }


def test_nobody_is_enrolled_unbound_or_erased_through_this_endpoint() -> None:
    everything = frozenset[str]().union(*TYPES.values())

    assert not everything & {
        *("member.enrolled.v1", "unbind.requested.v1", "erase.requested.v1", "export.requested.v1"),
    }


def test_a_client_shows_no_key() -> None:
    assert "thirty-two" not in repr(TILL)
