# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.facts import Fact
from stream.engine.model.payment import Payment, Refund, Report
from stream.engine.model.ruleset import Value
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.storage.codec import dump_entity, load_entity
from stream.engine.storage.payment_packing import pack, pack_origin, unpack
from tests.engine.build import markers, small

APP = "wx1a2b3c4d5e6f7a02"
MEI = f"origin.{APP}.oMei-_0123456789012345678901"
TRANSACTION = "4200000000202603010000000001"
TYPE = "payment.succeeded.v1"
PAID = 1_772_294_400_000

texts = st.text(max_size=3) | st.sampled_from(["1649206183", "0649", "JSAPI", "NEW_TYPE", "9" * 30])
fen = st.integers(0, 10**12)
fields = st.fixed_dictionaries(
    {"total_fen": fen, "payer_total_fen": fen},
    optional={
        "appid": st.sampled_from([APP, "wxother"]),
        **dict.fromkeys(
            ("mchid", "trade_type", "device_id", "attach", "shop_number", "unheard_of"), texts
        ),
    },
)
facts = st.builds(
    Fact,
    key=st.just(f"payment:{TRANSACTION}"),
    type=st.sampled_from([TYPE, TYPE, "other.v1"]),
    event_id=st.text(max_size=3),
    time=st.sampled_from([0, 7, PAID, PAID + 1]),
    touchpoint=st.sampled_from([Touchpoint.PURCHASE, Touchpoint.PURCHASE, Touchpoint.ORDER]),
    fields=fields,
    rank=st.sampled_from([0, 0, -1, 5]),
)
payments = st.builds(
    Payment,
    origin=st.sampled_from([MEI, "origin.wxmp.oMei", f"origin.{APP}.o"]),
    fact=st.none() | facts,
    reporter=st.sampled_from([b"", b"\x0212345"]),
    refunds=st.dictionaries(
        markers, st.lists(st.builds(Refund, texts, small, small), max_size=2), max_size=2
    ),
    others=st.lists(
        st.builds(Report, st.sampled_from([MEI, "origin.wxmp.oMei"]), facts, st.binary(max_size=5)),
        max_size=2,
    ),
    disputed=st.booleans(),
    until=small,
)


@given(payments)
def test_a_payment_reads_back_as_it_was(payment: Payment) -> None:
    key = f"tx.{TRANSACTION}"
    assert load_entity(key, dump_entity(payment)) == payment


def usual(**more: str | int) -> Payment:
    fields: dict[str, Value] = {
        "appid": APP,
        "total_fen": 1850,
        "payer_total_fen": 1850,
        "mchid": "1649206183",
    }
    fields |= {"trade_type": "JSAPI"} | more
    key = f"payment:{TRANSACTION}"
    return Payment(MEI, Fact(key, TYPE, "e1", PAID, Touchpoint.PURCHASE, fields))


def test_what_is_stored_of_a_usual_payment() -> None:
    packed = [pack_origin(MEI), [PAID // 1000, "e1", 1850, None, 1_649_206_183, 0]]
    assert pack(usual()) == packed
    assert len(dump_entity(usual())) == 51


@pytest.mark.parametrize("more", [{"attach": "a"}, {"device_id": "SH-1", "shop_number": "7"}])
def test_names_are_not_stored(more: dict[str, str | int]) -> None:
    assert b"attach" not in dump_entity(usual(**more))
    assert unpack(pack(usual(**more)), TRANSACTION) == usual(**more)


@given(st.from_regex(r"origin\.wx[0-9a-f]{16}\.[A-Za-z0-9_-]{28}", fullmatch=True))
def test_an_origin_takes_29_bytes(key: str) -> None:
    packed = pack_origin(key)
    assert isinstance(packed, bytes)
    assert len(packed) == 29
    assert unpack([packed], TRANSACTION).origin == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "origin.wxmp.oMei",
        MEI.replace("-", "+"),
        MEI.replace("-", "."),
        MEI.replace("1a2b", "1A2B"),
        MEI.replace("1a2b", "xxxx"),
        MEI.replace("-", "é"),
    ],
)
def test_an_origin_of_another_form_is_stored_as_it_is(key: str) -> None:
    assert pack_origin(key) == key


@pytest.mark.parametrize("stored", [["", [1]], ["", ["x", "y", 1]], ["o", 7], [7], ["o", None, 7]])
def test_what_was_never_stored_is_refused(stored: list[object]) -> None:
    with pytest.raises(msgspec.MsgspecError):
        unpack(stored, TRANSACTION)
