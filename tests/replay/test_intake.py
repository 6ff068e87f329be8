from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas import Event
from stream.engine.messages import Arrived, Paid
from stream.replay import intake
from stream.replay.intake import Intake, Plan, Stage, share_of, stage_of
from stream.replay.lines import Block, Place
from stream.replay.spool import Post, Spool, fetch
from stream.runtime.topics import TopicNames
from tests.replay.exported import structured, wrap
from tests.support import events
from tests.support.books import BOOK, DAY, DIRECTORY, START

NOW = START + 10 * DAY
MEI = "oMei-1"


class Reader:
    def __init__(self, directory: Path, until: int | None = None, prefix: str = "") -> None:
        plan = Plan(BOOK, DIRECTORY, TopicNames(prefix), NOW, until)
        self.spool = Spool(directory / "spool")
        self.intake = Intake(plan, 1, self.spool)

    def posts(self, *lines: bytes) -> list[Post]:
        self.intake.take(Block(Place(0, 1), b"\n".join(lines)))
        return fetch(p for s in self.spool.close().values() for ps in s.values() for p in ps)


def test_a_payment_goes_to_payer_and_payment(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    paid = events.payment(START, "t1", MEI, 1000)

    posts = reader.posts(structured(paid))

    assert {(post.at, post.to, type(post.message)) for post in posts} == {
        (START, "origin.wxmp.oMei-1", Arrived),
        (START, "tx.t1", Paid),
    }
    assert (reader.intake.read.first, reader.intake.read.last) == (START, START)


def test_what_cannot_be_read_is_counted_and_the_first_places_named(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    secret = b'{"type": "page.viewed.v1", "id": "oSecret"}'

    posts = reader.posts(b"{", b"", b"  ", *[secret] * 7)

    read = reader.intake.read
    assert posts == []
    assert read.events == 8
    assert read.dead == {"malformed_json": 1, "invalid_envelope": 7}
    assert [u.place.line for u in read.named] == [1, 4, 5, 6, 7]
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
    assert reader.posts(structured(events.event("page.viewed.v1", at, data))) == []
    assert reader.intake.read.dead == {reason: 1}


def test_the_time_of_the_record_is_when_it_came(tmp_path: Path) -> None:
    reader = Reader(tmp_path, prefix="abc.")
    view = structured(events.page_view(START, MEI)).decode()
    lines = [
        wrap("abc.wechat.mini-program", view, START + DAY),
        wrap("abc.wechat.mini-program", view, START + 40 * DAY),  # a clock is wrong: it came now
        wrap("abc.wechat.pay", view, START + DAY),
    ]

    posts = reader.posts(*lines)

    assert [post.at for post in posts] == [START + DAY, NOW]
    assert reader.intake.read.dead == {"wrong_topic": 1}


def test_what_came_too_late_is_refused(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    view = structured(events.page_view(START - 40 * DAY, MEI)).decode()
    assert reader.posts(wrap("wechat.mini-program", view, START)) == []
    assert reader.intake.read.dead == {"too_late": 1}


def test_virtual_users_are_refused_at_once(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    assert reader.posts(structured(events.login(START, MEI, "uMei", snapshot=True))) == []
    assert reader.intake.read.refused == 1


def test_one_line_never_stops_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("oSecret")

    monkeypatch.setattr(intake, "route", broken)
    reader = Reader(tmp_path)

    assert reader.posts(structured(events.page_view(START, MEI)), b"{") == []

    read = reader.intake.read
    assert read.dead == {"internal": 1, "malformed_json": 1}
    assert "RuntimeError" in read.named[0].message
    assert "oSecret" not in read.named[0].message


def test_a_line_longer_than_any_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "LINE_BYTES_MAX", 10)
    reader = Reader(tmp_path)
    assert reader.posts(b'{"a": "' + b"x" * 20) == []
    assert reader.intake.read.dead == {"too_large": 1}


def test_what_takes_back_and_what_forgets_has_its_own_stage(tmp_path: Path) -> None:
    who = {"appid": "wxmp", "openid": MEI}
    day: list[Event] = [
        events.event("erase.requested.v1", START, who),
        events.revert(START + 1, "k1", who, START),
        events.refund(START + 2, "t1", "r1", 5),
        events.page_view(START + DAY - 1, MEI),
    ]
    reader = Reader(tmp_path)
    posts = reader.posts(*map(structured, day))

    assert [stage_of(post.message) for post in posts] == [
        Stage.FORGET,
        Stage.TAKE_BACK,
        Stage.TAKE_BACK,
        Stage.HAPPEN,
    ]
    assert reader.intake.read.requests == {START}


def test_every_share_has_entities() -> None:
    assert {share_of(f"origin.wxmp.o{n}", 3) for n in range(100)} == {0, 1, 2}


def test_reads_add_up() -> None:
    one = intake.Read(events=2, left_out=1, requests={3})
    other = intake.Read(events=3, refused=1, requests={5})
    other.came(7)
    other.came(3)
    one.add(other)
    assert (one.events, one.left_out, one.refused) == (5, 1, 1)
    assert (one.first, one.last, one.requests) == (3, 7, {3, 5})
