# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
from base64 import b64encode
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.gateway.endpoints.track_parser import (
    JSON_BYTES_MAX,
    TRACKS_MAX,
    hash_code,
    read_tracks,
)
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

TRACKS = [{"event": "ViewProduct", "properties": {"product_id": f"拿铁 {n}?>~"}} for n in range(3)]


def coded(tree: Any, *, zipped: bool = False) -> str:
    raw = orjson.dumps(tree)
    return b64encode(gzip.compress(raw, mtime=0) if zipped else raw).decode()


def form(**fields: Any) -> bytes:
    return urlencode(fields).encode()


def reason(query: dict[str, str], body: bytes) -> RejectReason:
    with pytest.raises(DeliveryRejected) as caught:
        read_tracks(query, body)
    return caught.value.reason


@pytest.mark.parametrize(
    ("body", "tracks"),
    [
        (f"data_list={quote(coded(TRACKS))}".encode(), TRACKS),
        (f"data_list={coded(TRACKS)}\n".encode(), TRACKS),  # a plus that is not escaped
        (form(data=coded(TRACKS[0])), TRACKS[:1]),
        (form(data=coded(TRACKS[0], zipped=True), gzip=1), TRACKS[:1]),
        (form(data_list=coded(TRACKS, zipped=True), gzip=1), TRACKS),
        (form(data=coded(TRACKS[0]), ext=f"crc={hash_code(coded(TRACKS[0]))}"), TRACKS[:1]),
        (form(data=coded(TRACKS[0]), crc=hash_code(coded(TRACKS[0])), gzip=0), TRACKS[:1]),
        (form(data_list=coded([7, None])), [7, None]),
    ],
)
def test_each_form_of_the_sdks_is_read(body: bytes, tracks: list[Any]) -> None:
    assert "+" in coded(TRACKS)
    assert read_tracks({"token": "t"}, body) == tracks


def test_a_page_may_put_it_into_the_address() -> None:
    assert read_tracks({"token": "t", "data": coded(TRACKS[0])}, b"") == TRACKS[:1]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"{}", form(other=1), form(data="", data_list="")),
        *(form(data="a" * 5), form(data="~"), form(data=coded(1)[:-1] + "=="), form(data="AAAA")),
        *(form(data_list=coded({})), form(data_list=coded([]))),
        *(form(data=coded({}), gzip=1), form(data=coded({}), gzip=9), form(data=coded({}), crc=1)),
        form(data=coded({}), ext="crc=-1"),
        form(data=b64encode(b"[" * 9_000)),
        b"&".join(b"a%d=1" % n for n in range(99)),
        b"data=" + b64encode(gzip.compress(b"{}", mtime=0)[:-9]) + b"&gzip=1",
    ],
)
def test_what_no_sdk_sends_is_malformed(body: bytes) -> None:
    assert reason({}, body) is RejectReason.MALFORMED


def test_there_is_an_end_of_tracks_and_of_bytes() -> None:
    assert len(read_tracks({}, form(data_list=coded([{}] * TRACKS_MAX)))) == TRACKS_MAX
    assert reason({}, form(data_list=coded([{}] * (TRACKS_MAX + 1)))) is RejectReason.TOO_LARGE
    bomb = gzip.compress(b"[" + b" " * (50 * JSON_BYTES_MAX) + b"]")
    assert reason({}, form(data_list=b64encode(bomb), gzip=1)) is RejectReason.TOO_LARGE


@given(st.text(max_size=200))
def test_the_crc_is_javas_hash_code(text: str) -> None:
    expected = 0
    for unit in memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"):
        expected = (expected * 31 + unit) % 2**32
    assert hash_code(text) == (expected ^ 2**31) - 2**31


def test_hash_codes_that_java_gives() -> None:
    assert [hash_code(t) for t in ("", "a", "hello", "Aa", "BB")] == [0, 97, 99162322, 2112, 2112]
