# SPDX-License-Identifier: Apache-2.0
"""Every text in a message or an entity either is declared to name people, or is listed here."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import pytest

from stream.engine.erasure.residue import FORGETTERS
from stream.engine.model.decision import Entity
from stream.engine.model.messages import Message
from stream.engine.model.person_fields import PersonKey, named_in, names_people

#: Texts which are no key of a person: ids of events, of rules, of payments, of members.
NAMELESS = {
    "ArchivedTotals.cells", "CampaignEnded.campaign", "RulesChanged.ended",
    "ArchivedTotals.in_week",
    "ArchivedTotals.granted", "ArchivedTotals.lots", "ArchivedTotals.outcomes",
    "Enrolment.member_id", "Evidence.event_id", "Evidence.type", "Fact.event_id", "Fact.fields",
    "Fact.key", "Fact.lines", "Fact.member_id", "Fact.type", "FactReceived.among",
    "LastOffer.benefits", "LastOffer.offer_id", "Nudged.last", "Nudged.live", "Page.kinds",
    "Posted.expired", "Posted.granted", "Posted.outcomes",
    "Posted.paid", "Refund.mchid", "RefundReported.event_id", "RefundReported.mchid",
    "RefundReported.refund_id", "Refuse.reason", "Standing.lifecycle", "Standing.rfm",
    "Standing.tags", "Standing.tier", "Summary.cells", "Sums.newest", "Told.lifecycle", "Told.rfm",
    "Told.tags", "Told.tier", "ToldNudge.nudge_id", "Touch.points", "Unbind.event_id",
    "Invitation.invitation_id", "LastOffer.block",
}  # fmt: skip


def parts(type_: Any) -> Iterator[Any]:
    """The types within a type, down to texts, declared people and structs."""
    origin, args = get_origin(type_), get_args(type_)
    if type_ == PersonKey or origin is None:
        yield type_
    elif origin in (Annotated, Union, UnionType, dict, list, tuple):
        for arg in args[:1] if origin is Annotated else args:
            yield from parts(arg)
    else:
        raise AssertionError(f"teach named_in and this test about {type_}")


def undeclared(struct: type[msgspec.Struct], seen: set[type]) -> Iterator[str]:
    """The fields with texts that are not declared to name people, of all structs within."""
    if struct in seen:
        return
    seen.add(struct)
    for field in msgspec.structs.fields(struct):
        for part in parts(field.type):
            if part is str:
                yield f"{struct.__name__}.{field.name}"
            elif isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield from undeclared(part, seen)


def test_a_text_is_declared_to_name_people_or_listed_as_nameless() -> None:
    seen: set[type] = set()
    structs = (*get_args(Message), *get_args(Entity))
    assert {name for struct in structs for name in undeclared(struct, seen)} == NAMELESS


def test_a_struct_that_does_not_declare_is_found() -> None:
    class Referral(msgspec.Struct):
        inviter: str
        friends: dict[PersonKey, list[str]] = {}

    assert set(undeclared(Referral, set())) == {"Referral.inviter", "Referral.friends"}


@pytest.mark.parametrize("entity", get_args(Entity))
def test_an_entity_that_names_people_can_forget_them(entity: type[msgspec.Struct]) -> None:
    assert names_people(entity) == (entity in FORGETTERS)


class Friend(msgspec.Struct):
    key: PersonKey
    note: str = ""


class Circle(msgspec.Struct):
    owner: PersonKey = ""
    friends: list[Friend] = []
    since: dict[PersonKey, int] = {}
    best: Friend | int | None = None
    invited: tuple[PersonKey, ...] = ()
    by_marker: dict[bytes, Friend] = {}


def test_people_are_found_wherever_a_struct_declares_them() -> None:
    circle = Circle("a", [Friend("b", "x")], {"c": 1}, Friend("d"), ("e",), {b"y": Friend("f")})
    assert [*named_in(circle)] == ["a", "b", "c", "d", "e", "f"]
    assert [*named_in(Circle(best=1))] == [""]


def test_a_struct_without_people_names_none() -> None:
    class Plain(msgspec.Struct):
        text: str = "union.w.a"

    assert not names_people(Plain)
    assert [*named_in(Plain())] == []
