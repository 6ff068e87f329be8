# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.decision import Entity
from stream.engine.model.messages import FactReceived
from stream.engine.model.payment import Payment, Refund
from stream.engine.model.state import Account, Erased, Evidence, Origin, TransferState
from stream.engine.storage.codec import dump_entity, load_bare_origin, load_entity
from tests.engine.build import MEI, ORIGIN, accounts, markers, origins, purchase, small

payments = st.builds(
    Payment,
    origin=st.sampled_from(["", ORIGIN]),
    fact=st.none() | st.just(purchase()),
    refunds=st.dictionaries(markers, st.lists(st.builds(Refund, st.just("1"), small, small))),
    waiting=st.dictionaries(markers, st.just(FactReceived(purchase())), max_size=2),
    until=small,
)
entities = st.one_of(
    st.tuples(st.just(MEI), accounts),
    st.tuples(st.just(ORIGIN), origins),
    st.tuples(st.just("tx.42"), payments),
)


@given(entities)
def test_an_entity_reads_back_as_it_was(pair: tuple[str, Entity]) -> None:
    key, entity = pair
    assert load_entity(key, dump_entity(entity)) == entity


@pytest.mark.parametrize(
    ("key", "empty"),
    [(MEI, Account()), (ORIGIN, Origin()), ("tx.42", Payment()), ("erased.0.a", Erased())],
)
def test_fields_which_are_added_later_have_defaults(key: str, empty: Entity) -> None:
    assert load_entity(key, msgspec.msgpack.encode([])) == empty


def test_stored_bytes_keep_their_order_of_fields() -> None:
    assert dump_entity(Account()).hex() == "9d809480808080c080000000c0c0c000c0c0"
    assert dump_entity(Origin()).hex() == "9b80a000c090930000009400a09000c0808090"
    assert dump_entity(Erased(7, True, 9)).hex() == "9307c309"
    assert dump_entity(Payment()).hex() == "92a0c0"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xc1",
        b"\xc1\x00\x00\x01",
        b"\xc1\x01\x00\x01",
        b"{}",
        msgspec.msgpack.encode({"a": 1}),
    ],
)
def test_foreign_bytes_are_refused(value: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        load_entity(MEI, value)


def test_a_key_of_no_entity_is_refused() -> None:
    with pytest.raises(KeyError):
        load_entity("tick", dump_entity(Account()))


def test_a_bare_origin_lacks_its_account_and_nothing_else() -> None:
    origin = Origin(
        evidence={"union.a.u": Evidence(1, "e", "t")},
        bound="union.a.u",
        generation=3,
        account=Account(entries=7),
        vetoed=["union.a.v"],
        numbered=(1, 2, 3),
        transfer=TransferState(left=1),
        erased=Erased(5, True, 6),
    )
    bare = load_bare_origin(dump_entity(origin))
    assert bare == msgspec.structs.replace(origin, account=None)
    assert load_bare_origin(dump_entity(Origin())) == Origin()
