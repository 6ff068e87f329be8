# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass

import orjson
import pytest

from stream.privacy.id_search import PAIRS_MAX, WORDS_MAX, DeadLetterSearch, people_in_output
from tests.support.books import DIRECTORY

OPENID, UNIONID = "oMei0000000000000000000000-1", "uMei0000000000000000000000_2"
ORIGIN, UNION = f"origin.wxmp.{OPENID}", f"union.brand.{UNIONID}"
READER = DeadLetterSearch(DIRECTORY)


@dataclass
class Record:
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    offset: int = 0
    timestamp: int = 0
    timestamp_type: int = 1


def test_an_output_names_its_subject_and_whoever_is_in_its_body() -> None:
    body = {
        "consumer_id": "union.brand.uA",
        "counterpart": "origin.wxmp.oB",
        "cause": "attach:origin.wxmp.oC:2",
        "deep": [{"origins": [{"appid": "wxoa", "openid": "oD"}, {"appid": "wxoa"}]}],
    }
    record = Record(orjson.dumps(body), headers=(("ce_subject", b"origin.wxmp.oS"), ("t", b"x")))

    assert people_in_output(record) == {
        "union.brand.uA",
        "origin.wxmp.oB",
        "origin.wxmp.oC",
        "origin.wxoa.oD",
        "origin.wxmp.oS",
    }


@pytest.mark.parametrize("value", [None, b"", b"{", b'{"openid": 1, "appid": 2}', b'"openid"'])
def test_an_output_which_is_none_names_nobody(value: bytes | None) -> None:
    assert people_in_output(Record(value)) == set()


def test_the_former_account_of_an_app_is_tried() -> None:
    assert f"union.former.{UNIONID}" in named(Record(UNIONID.encode()))


def named(record: Record) -> set[str]:
    return READER.people(record, READER.words(record))


@pytest.mark.parametrize(
    "record",
    [
        Record(b'{"broken: "' + OPENID.encode() + b'"'),
        Record(b"<FromUserName><![CDATA[" + OPENID.encode() + b"]]></FromUserName>"),
        Record(b"\xff\xfe" + OPENID.encode() + b"\x00"),
        Record(b"", key=OPENID.encode()),
        Record(b"", headers=(("shadowpoints.key", f"wxmp:{OPENID}".encode()),)),
        Record(b"", headers=(("shadowpoints.key", f"wxmp-{OPENID}".encode()),)),
        Record(b"", headers=(("shadowpoints.key", f"{OPENID}_wxmp".encode()),)),
        Record(f'{{"id": "{ORIGIN}"}}'.encode()),
        Record(f'{{"openid": "\\u006f{OPENID[1:]}"}}'.encode()),
    ],
)
def test_an_openid_is_found_wherever_it_stands(record: Record) -> None:
    assert ORIGIN in named(record)


def test_it_is_tried_within_every_app_and_account() -> None:
    found = named(Record(OPENID.encode()))
    assert {f"origin.{app}.{OPENID}" for app in ("wxmp", "wxoa", "wxsp")} <= found
    assert f"union.brand.{OPENID}" in found
    unlisted = Record(b'"wx1a2b3c4d5e6f7a99" ' + OPENID.encode())
    assert f"origin.wx1a2b3c4d5e6f7a99.{OPENID}" in named(unlisted)


def test_a_short_word_is_an_id_where_a_label_says_so() -> None:
    assert "union.brand.uMei" in named(Record(b'{"unionid" : "uMei", "x": "'))
    assert "union.brand.uMei" not in named(Record(b'{"x": "uMei"'))
    assert "4200" in READER.words(Record(b"transaction_id=4200&"))


def test_what_our_own_headers_say_names_nobody() -> None:
    headers = (("__connect.errors.exception.message", OPENID.encode()),)
    assert named(Record(b"", headers=headers)) == set()


def test_no_message_takes_more_work_than_the_limits() -> None:
    words = b" ".join(b"word%016d" % n for n in range(100_000))
    labelled = b",".join(b'"openid":"%d"' % n for n in range(100_000))
    deep = b'{"a":' * 400 + b'"\\u0041"' + b"}" * 400
    record = Record(words + labelled + b"x" * 1_000_000, headers=(("h", deep),))
    found = READER.words(record)
    assert len(found) <= 2 * WORDS_MAX
    assert len(READER.people(record, found)) <= 2 * PAIRS_MAX
    assert READER.words(Record(deep)) == []
