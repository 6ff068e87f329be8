# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hashlib import sha256

from schemas.dead_letter import NO_VALUE, REASON, SHORTENED, STAGE, TOPIC, Reason
from stream.addressing.topics import TopicNames
from stream.engine.model.decision import Channel
from stream.kafka.dead_letters import Stage, dead_letter, id_of, oversized_output, refused_record
from stream.tables import Record
from stream.worker.in_process import LoggedRecord

NAMES = TopicNames("x-")
OFFER = Record(NAMES.channel(Channel.OFFERS), b"o1", b"{}", (("ce_id", b"o1"),), 2)
MOVE = Record(NAMES.resolved, None, b"a move", (), 1)


def test_a_letter_about_an_output_stands_beside_what_led_to_it_and_has_no_body() -> None:
    letter = oversized_output(NAMES, OFFER, partition=3, offset=42)
    assert (letter.topic, letter.partition, letter.value) == (NAMES.dead_letters, 3, b"")
    assert letter.key == b"x-shadow.resolved-3@42/o1"
    assert (NO_VALUE, b"") in letter.headers
    assert dict(letter.headers)["ce_id"] == b"o1"


def test_two_outputs_of_one_record_have_letters_of_their_own() -> None:
    other = Record(MOVE.topic, None, b"another", (), 1)
    keys = [oversized_output(NAMES, r, partition=3, offset=42).key for r in (OFFER, MOVE, other)]
    assert len(set(keys)) == 3
    assert oversized_output(NAMES, MOVE, partition=3, offset=42).key == keys[1]
    assert id_of(MOVE) != id_of(other)


def test_a_letter_about_a_refused_record_names_the_partition_which_refused_it() -> None:
    letter = refused_record(NAMES, OFFER, 2)
    assert letter is not None
    assert (letter.key, letter.partition) == (b"x-shadow.offers-2/o1", 2)
    headers = dict(letter.headers)
    assert (headers[TOPIC], headers[STAGE]) == (b"x-shadow.offers", b"publish")


def test_a_letter_which_is_refused_itself_goes_without_what_came_and_then_not_at_all() -> None:
    letter = dead_letter(
        NAMES,
        topic="x-wechat.pay",
        partition=1,
        record=LoggedRecord(7, 0, None, b"bytes", (("trace", b"long" * 9),)),
        stage=Stage.IDENTIFY,
        reason=Reason.TOO_LARGE,
        message="",
        partitions=3,
    )
    short = refused_record(NAMES, letter, 1)
    assert short is not None
    assert (short.key, short.value, short.partition) == (b"x-wechat.pay-1@7", b"", 1)
    headers = dict(short.headers)
    assert headers[REASON] == b"too_large"
    assert headers[SHORTENED] == b"5 " + sha256(b"bytes").hexdigest().encode()
    assert "trace" not in headers
    assert refused_record(NAMES, short, 1) is None
