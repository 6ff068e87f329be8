# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas import Event
from stream.addressing.topics import TopicNames
from stream.engine.model.messages import FactReceived, PaymentReported
from stream.replay import event_reader
from stream.replay.event_reader import DayPhase, EventReader, ReplayPlan, phase_of, shard_of
from stream.replay.input_files import Block, LinePosition
from stream.replay.spill import RoutedMessage, SpillFile, read_chunks
from tests.replay.exported import structured, wrap
from tests.support import events
from tests.support.books import BOOK, DAY, DIRECTORY, START

NOW = START + 10 * DAY
MEI = "oMei-1"


class Reader:
    def __init__(self, directory: Path, until: int | None = None, prefix: str = "") -> None:
        plan = ReplayPlan(BOOK, DIRECTORY, TopicNames(prefix), NOW, until)
        self.spill_file = SpillFile(directory / "messages")
        self.reader = EventReader(plan, 1, self.spill_file)

    def messages(self, *lines: bytes) -> list[RoutedMessage]:
        self.reader.read_block(Block(LinePosition(0, 1), b"\n".join(lines)))
        return read_chunks(
            p for s in self.spill_file.close().values() for ps in s.values() for p in ps
        )


def test_a_payment_goes_to_payer_and_payment(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    paid = events.payment(START, "t1", MEI, 1000)

    messages = reader.messages(structured(paid))

    assert {(m.at, m.to, type(m.message)) for m in messages} == {
        (START, "origin.wxmp.oMei-1", FactReceived),
        (START, "tx.t1", PaymentReported),
    }
    assert (reader.reader.summary.first, reader.reader.summary.last) == (START, START)


def test_what_cannot_be_read_is_counted_and_the_first_places_named(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    secret = b'{"type": "page.viewed.v1", "id": "oSecret"}'

    messages = reader.messages(b"{", b"", b"  ", *[secret] * 7)

    read = reader.reader.summary
    assert messages == []
    assert read.events == 8
    assert read.unreadable_reasons == {"malformed_json": 1, "invalid_envelope": 7}
    assert [u.position.line for u in read.examples] == [1, 4, 5, 6, 7]
    assert "oSecret" not in repr(read)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"appid": "wxmp", "openid": MEI, "path": "/menu"}, "in_future"),
        ({"appid": "wxno", "openid": MEI, "path": "/menu"}, "unknown_app"),
    ],
)
def test_routing_refuses_as_in_a_worker(tmp_path: Path, data: dict[str, Any], reason: str) -> None:
    reader = Reader(tmp_path)
    at = NOW + DAY if reason == "in_future" else NOW
    assert reader.messages(structured(events.event("page.viewed.v1", at, data))) == []
    assert reader.reader.summary.unreadable_reasons == {reason: 1}


def test_the_time_of_the_record_is_when_it_came(tmp_path: Path) -> None:
    reader = Reader(tmp_path, prefix="abc.")
    view = structured(events.page_view(START, MEI)).decode()
    lines = [
        wrap("abc.wechat.mini-program", view, START + DAY),
        wrap("abc.wechat.mini-program", view, START + 40 * DAY),  # a clock is wrong: it came now
        wrap("abc.wechat.pay", view, START + DAY),
    ]

    messages = reader.messages(*lines)

    assert [message.at for message in messages] == [START + DAY, NOW]
    assert reader.reader.summary.unreadable_reasons == {"wrong_topic": 1}


def test_what_came_too_late_is_refused(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    view = structured(events.page_view(START - 40 * DAY, MEI)).decode()
    assert reader.messages(wrap("wechat.mini-program", view, START)) == []
    assert reader.reader.summary.unreadable_reasons == {"too_late": 1}


def test_virtual_users_are_refused_at_once(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    assert reader.messages(structured(events.login(START, MEI, "uMei", snapshot=True))) == []
    assert reader.reader.summary.refused == 1


def test_one_line_never_stops_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("oSecret")

    monkeypatch.setattr(event_reader, "route", broken)
    reader = Reader(tmp_path)

    assert reader.messages(structured(events.page_view(START, MEI)), b"{") == []

    read = reader.reader.summary
    assert read.unreadable_reasons == {"internal": 1, "malformed_json": 1}
    assert "RuntimeError" in read.examples[0].message
    assert "oSecret" not in read.examples[0].message


def test_a_line_longer_than_any_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_reader, "LINE_BYTES_MAX", 10)
    reader = Reader(tmp_path)
    assert reader.messages(b'{"a": "' + b"x" * 20) == []
    assert reader.reader.summary.unreadable_reasons == {"too_large": 1}


def test_what_takes_back_and_what_forgets_has_its_own_phase(tmp_path: Path) -> None:
    who = {"appid": "wxmp", "openid": MEI}
    day: list[Event] = [
        events.event("erase.requested.v1", START, who),
        events.revert(START + 1, "k1", who, START),
        events.refund(START + 2, "t1", "r1", 5),
        events.page_view(START + DAY - 1, MEI),
    ]
    reader = Reader(tmp_path)
    messages = reader.messages(*map(structured, day))

    assert [phase_of(m.message) for m in messages] == [
        *(DayPhase.ERASURES, DayPhase.REVERSALS, DayPhase.REVERSALS, DayPhase.FACTS),
    ]
    assert reader.reader.summary.erase_requests == {START}


def test_every_share_has_entities() -> None:
    assert {shard_of(f"origin.wxmp.o{n}", 3) for n in range(100)} == {0, 1, 2}


def test_reads_add_up() -> None:
    one = event_reader.ReadSummary(events=2, left_out=1, erase_requests={3})
    other = event_reader.ReadSummary(events=3, refused=1, erase_requests={5})
    other.include_time(7)
    other.include_time(3)
    one.add(other)
    assert (one.events, one.left_out, one.refused) == (5, 1, 1)
    assert (one.first, one.last, one.erase_requests) == (3, 7, {3, 5})
