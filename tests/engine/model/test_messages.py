# SPDX-License-Identifier: Apache-2.0
"""The resolved log is replayed years later: what it was written as must still read."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.messages import (
    Alias,
    CampaignEnded,
    Disown,
    Erase,
    ErasureMark,
    FactReceived,
    Message,
    PaymentReported,
    RefundReported,
    Refuse,
    RulesChanged,
    Tick,
    TransferIn,
    TransferOut,
    Unbind,
    decode,
    encode,
)
from stream.engine.model.state import Evidence, OriginFacts, Posted
from stream.engine.model.touches import Touch, Touches
from tests.engine.build import LI, MEI, ORIGIN, facts_by_origin, posted, purchase

GOLDEN: list[tuple[Message, str]] = [
    (
        FactReceived(purchase()),
        "82a474797065a761727269766564a46661637486a36b6579aa7061796d656e743a7431a474797065"
        "b47061796d656e742e7375636365656465642e7631a86576656e745f6964a26531a474696d65cf00"
        "00019ca4fa6800aa746f756368706f696e7401a66669656c647382a9746f74616c5f66656ecd03e8"
        "af70617965725f746f74616c5f66656ecd03e8",
    ),
    (
        FactReceived(purchase(), ORIGIN, MEI, 2, counted=False),
        "86a474797065a761727269766564a46661637486a36b6579aa7061796d656e743a7431a474797065"
        "b47061796d656e742e7375636365656465642e7631a86576656e745f6964a26531a474696d65cf00"
        "00019ca4fa6800aa746f756368706f696e7401a66669656c647382a9746f74616c5f66656ecd03e8"
        "af70617965725f746f74616c5f66656ecd03e8a66f726967696eb06f726967696e2e77786d702e6f"
        "4d6569a5636c61696db0756e696f6e2e6272616e642e754d6569aa67656e65726174696f6e02a763"
        "6f756e746564c2",
    ),
    (
        PaymentReported(ORIGIN, purchase()),
        "83a474797065a470616964a66f726967696eb06f726967696e2e77786d702e6f4d6569a466616374"
        "86a36b6579aa7061796d656e743a7431a474797065b47061796d656e742e7375636365656465642e"
        "7631a86576656e745f6964a26531a474696d65cf0000019ca4fa6800aa746f756368706f696e7401"
        "a66669656c647382a9746f74616c5f66656ecd03e8af70617965725f746f74616c5f66656ecd03e8",
    ),
    (
        RefundReported("r1", "e2", 7, 300, 250),
        "86a474797065a8726566756e646564a9726566756e645f6964a27231a86576656e745f6964a26532"
        "a474696d6507aa726566756e645f66656ecd012cb070617965725f726566756e645f66656eccfa",
    ),
    (
        TransferIn(
            ORIGIN,
            1,
            OriginFacts(Touches.of({b"123456": Touch(7, 1, [("spend", 10)], 0, 1, fen=990)})),
            Posted({"spend@1": 10}, outcomes={"applied": 1}),
            ORIGIN,
            offered=True,
        ),
        "88a474797065a6617474616368a66f726967696eb06f726967696e2e77786d702e6f4d6569aa6765"
        "6e65726174696f6e01a56661637473969695c40090c40081c4063132333435369707019192a57370"
        "656e640a0001c2cd03dec09090908036808090c080a6706f737465649481a77370656e6440310a808081a76170706c696564"
        "01a673656e646572b06f726967696e2e77786d702e6f4d6569a76f666665726564c3aa696e7669746174696f6ec0",
    ),
    (
        TransferOut(ORIGIN, 2, LI),
        "84a474797065a6646574616368a66f726967696eb06f726967696e2e77786d702e6f4d6569aa6765"
        "6e65726174696f6e02a9737563636573736f72af756e696f6e2e6272616e642e754c69",
    ),
    (
        Unbind(LI, "u1", 7),
        "84a474797065a6756e62696e64a5756e696f6eaf756e696f6e2e6272616e642e754c69a86576656e"
        "745f6964a27531a474696d6507",
    ),
    (
        Alias("origin.wxoa.oMei", 7, {MEI: Evidence(5, "e1", "t")}, [LI]),
        "85a474797065a5616c696173a66f726967696eb06f726967696e2e77786f612e6f4d6569a573696e6365"
        "07a673686172656481b0756e696f6e2e6272616e642e754d65699405a26531a17400a67665746f65"
        "6491af756e696f6e2e6272616e642e754c69",
    ),
    (
        Refuse("snapshot_user"),
        "82a474797065a6726566757365a6726561736f6ead736e617073686f745f75736572",
    ),
    (Erase(7, True), "83a474797065a56572617365a2617407a561736b6564c3"),
    (ErasureMark(7), "82a474797065a46d61726ba2617407"),
    (
        Disown(MEI, 7),
        "83a474797065a66469736f776ea6706572736f6eb0756e696f6e2e6272616e642e754d6569a2617407",
    ),
    (Tick(100), "82a474797065a47469636ba56c696d697464"),
    (CampaignEnded("weeks", 7), "83a474797065a5656e646564a863616d706169676ea57765656b73a2617407"),
    (RulesChanged(7, b"book"), "83a474797065a572756c6564a2617407a4626f6f6bc404626f6f6b"),
]


#: A pair, and the first of it: ORIGIN.
ADDRESS = "92" + "b06f726967696e2e77786d702e6f4d6569"


@pytest.mark.parametrize(("message", "value"), GOLDEN, ids=lambda item: type(item).__name__)
def test_the_bytes_of_a_message_never_change(message: Message, value: str) -> None:
    assert encode(ORIGIN, message).hex() == ADDRESS + value
    assert decode(bytes.fromhex(ADDRESS + value)) == (ORIGIN, message)


def test_every_message_has_its_golden_bytes() -> None:
    assert {type(message) for message, _ in GOLDEN} == set(Message.__args__)


@given(facts_by_origin, posted, st.booleans())
def test_facts_travel_whole(origin_facts: OriginFacts, moved: Posted, offered: bool) -> None:
    message = TransferIn(ORIGIN, 3, origin_facts, moved, MEI, offered)
    assert decode(encode(MEI, message)) == (MEI, message)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b"\x80",
        msgspec.msgpack.encode({"type": "tick", "limit": 1}),
        msgspec.msgpack.encode(["tick"]),
        msgspec.msgpack.encode([7, {"type": "tick", "limit": 1}]),
        msgspec.msgpack.encode(["tick", {"type": "unheard-of"}]),
        b"\x92\xa1\xff" + msgspec.msgpack.encode({"type": "tick", "limit": 1}),
    ],
)
def test_bytes_which_no_engine_wrote_are_refused(value: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        decode(value)
